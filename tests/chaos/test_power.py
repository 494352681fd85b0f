"""Power cuts: on whatever the disk then holds, a start knows every order that had left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.power.disk import Disk, Event, Kind
from tests.chaos.power.run import compiler, cut_everywhere, orders_in, record_lives

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine")
ROOT = "/state"


def names(*paths: str) -> bytes:
    return b"".join(path.encode() + b"\0" for path in paths)


def a_disk(*events: Event) -> Disk:
    disk = Disk(ROOT)
    for event in events:
        disk.take(event)
    return disk


def opened(fd: int, path: str) -> Event:
    return Event(Kind.OPEN, fd, 0o100, 0, names(path))


def written(fd: int, offset: int, data: bytes) -> Event:
    return Event(Kind.WRITE, fd, offset, 0, data)


def synced(fd: int, token: int) -> tuple[Event, Event]:
    return Event(Kind.SYNC_BEGIN, fd, token, 0, b""), Event(Kind.SYNC_END, fd, token, 0, b"")


def left(disk: Disk, folder: Path) -> dict[str, bytes]:
    disk.build(folder, None)
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_was_synced_with_its_name_surely_survives(tmp_path: Path) -> None:
    folder = Event(Kind.OPEN, 9, 0, 0, names(ROOT))
    events = [opened(3, f"{ROOT}/a"), written(3, 0, b"one"), *synced(3, 1), written(3, 3, b"two")]
    assert left(a_disk(*events), tmp_path / "1") == {}
    assert left(a_disk(*events, folder, *synced(9, 2)), tmp_path / "2") == {"a": b"one"}


def test_what_is_written_while_a_sync_runs_is_not_covered_by_it(tmp_path: Path) -> None:
    begin, end = synced(3, 2)
    folder = (Event(Kind.OPEN, 9, 0, 0, names(ROOT)), *synced(9, 1))
    disk = a_disk(opened(3, f"{ROOT}/a"), *folder, written(3, 0, b"one"), begin, written(3, 3, b"two"), end)
    assert left(disk, tmp_path) == {"a": b"one"}


def test_a_rename_lasts_once_its_folder_is_synced(tmp_path: Path) -> None:
    folder = Event(Kind.OPEN, 9, 0, 0, names(ROOT))
    events = [opened(3, f"{ROOT}/a"), written(3, 0, b"one"), *synced(3, 1), folder, *synced(9, 2)]
    events += [Event(Kind.RENAME, -1, 0, 0, names(f"{ROOT}/a", f"{ROOT}/b"))]
    assert left(a_disk(*events), tmp_path / "1") == {"a": b"one"}
    assert left(a_disk(*events, *synced(9, 3)), tmp_path / "2") == {"b": b"one"}


def test_an_order_is_found_in_a_masked_frame() -> None:
    text = b'{"params":{"newClientOrderId":"T000000010000001"}}'
    mask = b"\x01\x02\x03\x04"
    frame = bytes([0x81, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text))
    assert list(orders_in(frame + frame)) == ["T000000010000001"] * 2
    assert list(orders_in(b"POST / HTTP/1.1\r\n\r\nnewClientOrderId=T000000010000002&side=BUY")) == [
        "T000000010000002"
    ]


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_after_a_power_cut_every_order_that_had_left_is_known(tmp_path: Path) -> None:
    record, state = record_lives(tmp_path, 1, (1.0, 0.5))
    found = cut_everywhere(record, state, seed=1, states=3, every=12, say=print)
    assert found.orders > 20
    assert found.states > 20
    assert found.broken == []


@needs_compiler
@pytest.mark.soak
@pytest.mark.timeout(900)
def test_power_cuts_at_every_order_and_every_sync_lose_nothing(tmp_path: Path) -> None:
    record, state = record_lives(tmp_path, 2, (1.5, 1.0))
    found = cut_everywhere(record, state, seed=2, states=4, every=2, say=print)
    print(f"{found.orders} orders, {found.states} states, {found.torn} torn")
    assert found.torn > 10
    assert found.broken == []


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_daemon_that_does_not_wait_for_the_disk_is_caught(tmp_path: Path) -> None:
    record, state = record_lives(tmp_path, 3, (1.0,), durability="process-crash")
    found = cut_everywhere(record, state, seed=3, states=2, every=6, say=print)
    assert found.broken
