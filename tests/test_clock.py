"""The clock: carried by boot time, slewed after the wall clock, never jumping with it."""

from __future__ import annotations

from daemon.clock import Clock

SECOND = 1_000_000_000


class Hands:
    """Two clocks that a test moves by hand."""

    def __init__(self) -> None:
        self.wall, self.boot = 1_000 * SECOND, 5 * SECOND

    def pass_time(self, seconds: float) -> None:
        self.wall += round(seconds * SECOND)
        self.boot += round(seconds * SECOND)

    def clock(self) -> Clock:
        return Clock(wall_ns=lambda: self.wall, boot_ns=lambda: self.boot)


def test_time_goes_on_with_boot_time_when_the_wall_clock_is_set_back() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_time(1)
    hands.wall -= 3600 * SECOND
    assert clock.now() == 1_001 * SECOND


def test_a_small_offset_is_followed_by_at_most_500_ppm() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += SECOND // 2
    hands.pass_time(10)
    assert clock.discipline()
    assert clock.offset_ns == SECOND // 2
    assert clock.now() == 1_010 * SECOND + 10 * SECOND * 500 // 1_000_000


def test_an_offset_smaller_than_the_slew_is_followed_exactly() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += 1_000
    hands.pass_time(10)
    clock.discipline()
    assert clock.now() == hands.wall


def test_an_offset_over_a_second_is_reported_either_way() -> None:
    for jump in (-2 * SECOND, 2 * SECOND):
        hands = Hands()
        clock = hands.clock()
        hands.wall += jump
        assert not clock.discipline()


def test_slewing_backwards_never_makes_time_run_back() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall -= SECOND
    seen = [clock.now()]
    for _ in range(100):
        hands.pass_time(0.001)
        clock.discipline()
        seen.append(clock.now())
    assert seen == sorted(seen)
