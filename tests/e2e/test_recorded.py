"""Trading on what a real exchange once sent: books equal, replay identical."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.rig import (
    ACCOUNT,
    BTC_MAKER,
    SMA,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    exported,
    replayed,
    write_config,
)

pytestmark = pytest.mark.slow


def test_a_recorded_market_at_high_speed_is_traded_booked_and_replayed(
    tmp_path: Path, shared_data: Path
) -> None:
    capture = shared_data / "raw_ws" / "binance_spot" / "btcusdt_20240808.gz"
    if not capture.is_file():
        pytest.skip(f"no capture {capture.name} beside the repository")
    state = tmp_path / "state"
    with an_exchange(tmp_path, "--data", str(capture), "--speed", "20") as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT, SMA, BTC_MAKER)
        with a_daemon(config, state) as daemon:
            daemon.wait_reconciled()
            daemon.wait_fills(1, "sma", "maker")
            assert daemon.stop() == 0
        books, truth = exported(state), exchange.truth()
    assert_books_equal_truth(books, truth)
    assert {each.symbol for each in truth.account("demo").trades} == {"BTCUSDT"}
    assert {row["strategy"] for row in books["fills"]} == {"sma", "maker"}
    assert replayed(state)["inputs"] == daemon.summary["inputs"] > 1_000
