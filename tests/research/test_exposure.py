"""Exposure between samples: what was bought and sold within an hour counts for as long as it was held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest

from actors.analytics.holdings import exposure_average
from daemon.research.backtest import run_backtest
from daemon.research.exposure import exposure_of
from daemon.research.figures import _exposure
from daemon.research.frames import EQUITY, FILLS, POSITIONS, empty_frame, frame_of
from daemon.startup import load_classes
from tests.research.test_backtest import ROWS, a_config, a_file

HOUR = 3_600_000_000_000
MINUTE = HOUR // 60


def table(columns: dict[str, Any], *rows: dict[str, Any]) -> Any:
    known = [{**dict.fromkeys(columns), "account": "test", **row} for row in rows]
    return frame_of(columns, {name: [row[name] for row in known] for name in columns})


def a_fill(ts: int, side: str, quantity: float, price: float, **more: Any) -> dict[str, Any]:
    return {
        "ts": ts, "strategy": "s", "instrument": "BTC", "side": side, "quantity": quantity, "price": price,
        "notional": quantity * price, **more,
    }  # fmt: skip


def samples(*equity: float) -> Any:
    return table(EQUITY, *({"ts": n * HOUR, "equity": each} for n, each in enumerate(equity)))


def test_a_position_of_half_an_hour_between_two_samples_counts_for_half_an_hour() -> None:
    fills = table(
        FILLS, a_fill(15 * MINUTE, "buy", 2.0, 25.0), a_fill(45 * MINUTE, "sell", 2.0, 30.0, bar=45 * MINUTE)
    )
    found = exposure_of(samples(100.0, 110.0), empty_frame(POSITIONS), fills)
    assert found.gross.tolist() == [0.0, 50.0, 0.0, 0.0]
    assert exposure_average(*found) == pytest.approx(0.25, abs=1e-12)


def test_a_sample_has_in_it_what_was_filled_at_its_time_but_not_what_the_next_bar_fills() -> None:
    short = {"strategy": "s", "instrument": "BTC", "quantity": -1.0, "value": -40.0}
    held = table(POSITIONS, {"ts": HOUR, **short})
    with_it = table(FILLS, a_fill(HOUR, "sell", 1.0, 40.0))
    found = exposure_of(samples(100.0, 100.0, 100.0), held, with_it)
    assert found.gross.tolist() == [0.0, 40.0, 0.0]
    behind = table(FILLS, a_fill(HOUR, "sell", 1.0, 40.0, bar=HOUR))
    found = exposure_of(samples(100.0, 100.0, 100.0), held, behind)
    assert found.gross.tolist() == [0.0, 40.0, 80.0, 0.0]


@pytest.mark.parametrize("interval", ["1m", "1h"])
def test_the_figure_does_not_depend_on_how_often_equity_is_sampled(tmp_path: Path, interval: str) -> None:
    config = a_config(a_file(tmp_path, ROWS))
    backtest = msgspec.structs.replace(config.backtest, equity_interval=interval)
    run = run_backtest(msgspec.structs.replace(config, backtest=backtest), load_classes(config))
    # Two of 10,000 held from minute 1 to 3 at some 102 and from minute 5 to 6 at 104, out of five minutes
    # from the end of the first bar on.
    assert run.info.accounts["test"].figures.exposure_average == pytest.approx(0.01235, rel=0.02)


class _Lost:
    """Tables of an account that goes on holding after its last money."""

    def some(self, name: str, columns: Sequence[str]) -> polars.DataFrame:
        held = {"ts": HOUR, "strategy": "s", "instrument": "BTC", "quantity": 1.0, "value": 40.0}
        return table(POSITIONS, held) if name == "positions" else empty_frame(FILLS)


def test_an_account_that_is_lost_while_it_holds_something_has_no_exposure() -> None:
    assert _exposure(samples(100.0, -5.0, -5.0), _Lost()) is None
    assert _exposure(samples(100.0, 80.0, 80.0), _Lost()) == pytest.approx(0.25, abs=1e-9)
