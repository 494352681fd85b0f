"""Runs on disk: one folder per id, compared when it comes again, found by the beginning of its name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import BadDataFile, ReplayDiffers, UsageError
from actors.model.calendar import ALWAYS_OPEN, DAY_NS
from daemon.research.figures import figures_of
from daemon.research.frames import SCHEMAS, Frames, digest, empty_frame, frame_of, times_of
from daemon.research.runs import (
    AccountResult,
    Hashes,
    Run,
    RunInfo,
    RunState,
    find_run,
    keep_run,
    list_runs,
    read_run,
    with_result_hash,
)

DAYS = [1_704_067_200_000_000_000 + day * DAY_NS for day in range(5)]


def an_equity(*values: float) -> dict[str, list[object]]:
    flat: list[object] = [0.0] * len(values)
    columns: dict[str, list[object]] = {name: list(flat) for name in SCHEMAS["equity"]}
    columns["ts"] = list(DAYS[: len(values)])
    columns["account"], columns["currency"] = ["test"] * len(values), ["USDT"] * len(values)
    columns["equity"] = list(values)
    return columns


def some_frames(*equity: float) -> Frames:
    tables = {name: empty_frame(columns) for name, columns in SCHEMAS.items()}
    tables["equity"] = frame_of(SCHEMAS["equity"], an_equity(*equity))
    return Frames(**tables)


def a_run(*equity: float, state: RunState = "complete", code: str = "c", created: str = "1") -> Run:
    frames = some_frames(*equity)
    hashes = Hashes(config="a", code=code, data="b")
    figures = figures_of(frames, calendar=ALWAYS_OPEN, interval_ns=DAY_NS)
    info = RunInfo(
        run_id=hashes.run_id,
        state=state,
        hashes=hashes,
        versions={},
        config={},
        start="2024-01-01T00:00:00+00:00",
        end="2024-01-05T00:00:00+00:00",
        inputs=1,
        orders=0,
        fills=0,
        trades=0,
        accounts={
            "test": AccountResult(
                currency="USDT", equity_start=equity[0], equity_end=equity[-1], realised_pnl=0.0,
                unrealised_pnl=0.0, fees=0.0, max_drawdown=0.0, balances={}, trial_balance=Decimal(0),
                figures=figures,
            )
        },
        strategies={}, denied={}, rejected={}, warnings=[], failures=[], created=created,
    )  # fmt: skip
    return Run(with_result_hash(info, frames), frames)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = a_run(100.0, 110.0, 99.0)
    kept = keep_run(tmp_path, run)
    again = read_run(kept.path)
    assert again.info == run.info
    assert digest(again.frames) == digest(run.frames)
    assert times_of(again.frames.equity) == DAYS[:3]
    figures = again.info.accounts["test"].figures.equity
    assert figures is not None
    assert figures.total_return == pytest.approx(-0.01)
    assert figures.periods_per_year == pytest.approx(365.25)


def test_the_same_result_again_is_recognised_and_left_alone(tmp_path: Path) -> None:
    first = keep_run(tmp_path, a_run(100.0, 110.0))
    written = (first.path / "run.json").read_bytes()
    again = keep_run(tmp_path, a_run(100.0, 110.0, created="2"))
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert (first.path / "run.json").read_bytes() == written


def test_another_result_of_the_same_three_hashes_is_refused_and_kept_aside(tmp_path: Path) -> None:
    first = keep_run(tmp_path, a_run(100.0, 110.0))
    with pytest.raises(ReplayDiffers, match="gave another result before"):
        keep_run(tmp_path, a_run(100.0, 110.00000000000001))
    assert read_run(first.path).frames.equity["equity"].to_list() == [100.0, 110.0]
    aside = first.path.with_name(f"{first.path.name}.differs")
    assert read_run(aside).frames.equity["equity"][1] == 110.00000000000001


def test_an_interrupted_run_gives_way_to_a_whole_one_and_never_the_other_way(tmp_path: Path) -> None:
    keep_run(tmp_path, a_run(100.0, state="interrupted"))
    kept = keep_run(tmp_path, a_run(100.0, 110.0))
    assert read_run(kept.path).info.state == "complete"
    keep_run(tmp_path, a_run(100.0, state="interrupted"))
    assert read_run(kept.path).info.state == "complete"


def test_runs_are_found_by_beginning_and_by_last(tmp_path: Path) -> None:
    one = keep_run(tmp_path, a_run(100.0, created="1"))
    two = keep_run(tmp_path, a_run(100.0, code="d", created="2"))
    assert [place for place, _ in list_runs(tmp_path)] == [two.path, one.path]
    assert find_run(tmp_path, "last") == two.path
    assert find_run(tmp_path, one.path.name[:8]) == one.path
    assert find_run(tmp_path, str(one.path)) == one.path
    with pytest.raises(UsageError, match=r"there is no run 'zz'.*the newest is"):
        find_run(tmp_path, "zz")


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    kept = keep_run(tmp_path, a_run(100.0))
    (kept.path / "fills.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadDataFile, match=r"fills\.parquet cannot be read"):
        read_run(kept.path)


def test_the_digest_sees_one_bit() -> None:
    assert digest(some_frames(100.0)) != digest(some_frames(100.00000000000001))
    assert digest(some_frames(100.0)) == digest(some_frames(100.0))


def test_infinite_numbers_never_stand_in_a_file() -> None:
    plain = msgspec.json.decode(msgspec.json.encode(a_run(100.0, 110.0).info))
    assert plain["accounts"]["test"]["figures"]["equity"]["calmar"] is None
