"""Random delays: the distributions asked for, and the same draws every time."""

from __future__ import annotations

from statistics import fmean, median, stdev

from actors.venues.simulated.delays import Chances, Delay


def draws(delay: Delay, n: int = 4_000, seed: int = 1) -> list[float]:
    chances = Chances(seed, "a")
    return [delay.at(chances.next()) / 1e6 for _ in range(n)]


def test_draws_depend_on_seed_and_name_alone() -> None:
    first, again = Chances(7, "a"), Chances(7, "a")
    drawn = [first.next() for _ in range(5)]
    assert drawn == [again.next() for _ in range(5)]
    assert len({*drawn, *(Chances(8, "a").next(), Chances(7, "b").next())}) == 7
    assert all(0 < chance < 1 for chance in drawn)


def test_stream_goes_on_from_its_count() -> None:
    whole, later = Chances(7, "a"), Chances(7, "a")
    drawn = [whole.next() for _ in range(9)]
    later.drawn = 4
    assert [later.next() for _ in range(5)] == drawn[4:]


def test_normal_delays_have_their_mean_and_spread() -> None:
    found = draws(Delay(model="normal", ms=20, spread=2))
    # four standard errors of 4,000 draws: 2 / √4000 × 4 = 0.13, and 2 / √8000 × 4 = 0.09
    assert abs(fmean(found) - 20) < 0.13
    assert abs(stdev(found) - 2) < 0.1


def test_lognormal_delays_have_their_median_and_a_long_tail() -> None:
    found = draws(Delay(model="lognormal", ms=5, spread=0.5))
    assert abs(median(found) - 5) < 0.25
    assert fmean(found) > median(found)


def test_recorded_delays_come_equally_often() -> None:
    found = draws(Delay(model="recorded", recorded_ms=(1.5, 2.5, 9.0)))
    assert {value: abs(found.count(value) - 1333) < 120 for value in (1.5, 2.5, 9.0)} == {
        1.5: True,
        2.5: True,
        9.0: True,
    }


def test_delay_is_never_negative() -> None:
    assert min(draws(Delay(model="normal", ms=0, spread=5))) == 0
