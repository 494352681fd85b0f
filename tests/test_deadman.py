"""The dead-man's judgement about a heartbeat, and the heartbeat itself."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from daemon.alert_routing import Alert
from daemon.alert_settings import DeadmanSection
from daemon.deadman import Deadman, Vigil, mark_of
from daemon.heartbeat import HEARTBEAT, Heartbeat, beat

PATIENCE = DeadmanSection(silence_seconds=30, remind_minutes=15)


def test_a_heart_that_beats_is_no_news_and_one_that_stops_is_once_after_the_patience() -> None:
    vigil = Vigil(PATIENCE, 0.0)
    assert [vigil.look((1, second), float(second)) for second in range(100)] == [None] * 100
    assert vigil.look((1, 99), 128.9) is None
    assert vigil.look((1, 99), 129.0) == ("silent", 30.0)
    assert vigil.look((1, 99), 129.5) is None


def test_a_lasting_silence_is_told_again_and_its_end_too() -> None:
    vigil = Vigil(PATIENCE, 0.0)
    vigil.look((1, 1), 0.0)
    assert vigil.look((1, 1), 30.0) == ("silent", 30.0)
    assert vigil.look((1, 1), 929.0) is None
    assert vigil.look((1, 1), 930.0) == ("still_silent", 930.0)
    assert vigil.look((1, 2), 931.0) == ("back", 931.0)
    assert vigil.look((1, 2), 961.0) == ("silent", 30.0)


def test_a_clean_stop_is_no_alarm_and_neither_is_a_daemon_that_never_ran() -> None:
    vigil = Vigil(PATIENCE, 0.0)
    assert vigil.look(None, 1000.0) is None
    assert vigil.look((1, 1), 1001.0) is None
    assert vigil.look(None, 1002.0) == ("stopped", 1.0)
    assert vigil.look(None, 9999.0) is None


def test_a_file_from_before_gets_the_whole_patience_and_a_clock_set_back_is_still_life() -> None:
    vigil = Vigil(PATIENCE, 500.0)
    assert vigil.look((1, 10**18), 500.0) is None
    assert vigil.look((1, 10**18), 529.0) is None
    assert vigil.look((1, 5), 529.5) is None
    assert vigil.look((1, 5), 558.0) is None
    assert vigil.look((1, 5), 560.0) == ("silent", 30.5)


async def test_the_heart_beats_only_while_the_process_is_healthy(tmp_path: Path) -> None:
    problems: list[str | None] = [None]
    heart = Heartbeat(tmp_path, unhealthy=lambda: problems[0])
    path = tmp_path / HEARTBEAT

    async def first_beats() -> None:
        task = asyncio.create_task(heart.run())
        async with asyncio.timeout(10):
            while not path.exists():  # noqa: ASYNC110
                await asyncio.sleep(0)
        task.cancel()

    await first_beats()
    os.utime(path, ns=(1, 1))
    problems[0] = "the loop hangs"
    task = asyncio.create_task(heart.run())
    await asyncio.sleep(0)
    await heart.close()
    task.cancel()
    found = mark_of(path)
    assert found is not None, "an end that is not healthy leaves the file: its silence is an alarm"
    assert found[1] == 1
    problems[0] = None
    await heart.close()
    assert not path.exists()


def test_a_beat_changes_the_mark(tmp_path: Path) -> None:
    path = tmp_path / HEARTBEAT
    beat(path)
    assert path.read_text() == f"{os.getpid()}\n"
    os.utime(path, ns=(1, 1))
    before = mark_of(path)
    beat(path)
    assert mark_of(path) != before


async def test_silence_is_told_and_acted_upon_even_when_telling_fails(tmp_path: Path) -> None:
    beat(tmp_path / HEARTBEAT)
    told: list[str] = []
    stop = asyncio.Event()

    async def tell(alert: Alert) -> None:
        told.append(f"{alert.severity}: {alert.text}")
        if len(told) == 1:
            raise ConnectionError("no line")

    async def act() -> str:
        stop.set()
        return "2 orders cancelled"

    deadman = Deadman(
        tmp_path,
        DeadmanSection(silence_seconds=0.01),
        tell=tell,
        act=act,
        alive=lambda status: None,
        now_ns=lambda: 1,
    )
    async with asyncio.timeout(10):
        await deadman.run(stop)
    assert told[0].startswith("critical: no heartbeat for ")
    assert told[-1] == "critical: 2 orders cancelled"


async def test_a_state_folder_that_is_lost_while_the_daemon_ran_is_no_clean_stop(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    beat(state / HEARTBEAT)
    told: list[str] = []
    stop = asyncio.Event()

    async def tell(alert: Alert) -> None:
        told.append(f"{alert.severity}: {alert.text}")
        stop.set()

    def alive(status: str) -> None:
        if state.exists():
            state.rename(tmp_path / "gone")

    deadman = Deadman(
        state, DeadmanSection(silence_seconds=0.01), tell=tell, act=None, alive=alive, now_ns=lambda: 1
    )
    async with asyncio.timeout(10):
        await deadman.run(stop)
    assert told[0].startswith("critical: no heartbeat for ")
