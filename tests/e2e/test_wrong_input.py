"""What a user, a strategy or a file can get wrong: one sentence, or only the guilty one stops."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.rig import (
    ACCOUNT,
    BTC_MAKER,
    SMA,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    assert_one_sentence,
    exported,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

PAPER = """
[venues.binance]

[accounts.demo]
venue = "binance"
mode = "paper"
base_currency = "USDT"
"""

FAULTY = """
[strategies.faulty]
use = "faulty.py:Faulty"
account = "demo"
instruments = ["ETHUSDT@binance"]
"""
FAULTY_SOURCE = """
from decimal import Decimal

from actors import Quote, State, Strategy


class Count(State):
    quotes: int = 0


class Faulty(Strategy):
    state: Count

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes == 20:
            self.ctx.market("buy", Decimal("0.01"), quote.instrument)
            raise RuntimeError("the secret word is swordfish")
"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("[accounts.demo.limits]\norder_notional_maxx = 1\n", ["order_notional_maxx", "did you mean"]),
        ('[http]\nport = "many"\n', ["http.port", "'many'", "whole number"]),
        ("[tape]\nsegment_mb = 0\n", ["tape.segment_mb"]),
        ('[strategies.x]\nuse = "nowhere:Nobody"\naccount = "demo"\ninstruments = ["BTCUSDT@binance"]\n',
         ["no module nowhere"]),
        ('[strategies.x]\nuse = "gone.py:Gone"\naccount = "demo"\ninstruments = ["BTCUSDT@binance"]\n',
         ["gone.py", "cannot be read"]),
        ("this is no toml", ["tickerd.toml"]),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_refused_with_its_place(
    tmp_path: Path, change: str, words: list[str]
) -> None:
    config = tmp_path / "tickerd.toml"
    config.write_text(PAPER + change)
    done = tickerd("run", str(config), "--state", str(tmp_path / "state"))
    assert_one_sentence(done, 78, *words)
    assert not (tmp_path / "state" / "tape").exists()


def test_a_missing_secret_is_named_and_nothing_else_shown(tmp_path: Path) -> None:
    with an_exchange(tmp_path) as exchange:
        config = write_config(tmp_path, exchange, ACCOUNT.replace("DEMO_SECRET", "ABSENT_SECRET"), SMA)
        done = tickerd("run", str(config), "--state", str(tmp_path / "state"), "--set", "http.port=-1")
        assert_one_sentence(done, 78, "ABSENT_SECRET")
        assert "demo-key" not in done.stdout + done.stderr
        assert not (tmp_path / "state" / "tape").exists()
        orders = exchange.truth().account("demo").orders
    assert not orders


@pytest.mark.parametrize(
    "content",
    [None, b"", b"no gzip", gzip.compress(b"no captured message\n"), gzip.compress(b"1 {}\n" * 99)[:-9]],
    ids=["missing", "empty", "not packed", "no message", "cut off"],
)
def test_unreadable_market_data_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    capture = tmp_path / "capture.gz"
    if content is not None:
        capture.write_bytes(content)
    done = tickerd("exchange", "--data", str(capture))
    assert_one_sentence(done, 1, "capture.gz")


def test_a_strategy_that_raises_is_paused_alone_and_its_messages_are_discarded(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY_SOURCE)
    state = tmp_path / "state"
    with an_exchange(tmp_path) as exchange:
        with a_daemon(write_config(tmp_path, exchange, ACCOUNT, BTC_MAKER, FAULTY), state) as daemon:
            daemon.wait_reconciled()

            def paused() -> str | None:
                rows = {row["strategy"]: row for row in daemon.ask("status")["strategies"]}
                return str(rows["faulty"]["reason"]) if rows["faulty"]["state"] == "paused" else None

            reason = wait_for(paused, "the faulty strategy to be paused")
            assert "RuntimeError" in reason
            assert "on_quote" in reason
            assert "faulty.py" in reason
            assert "swordfish" not in reason
            [logged] = [line for line in daemon.log().splitlines() if "strategy failed" in line]
            assert "swordfish" in json.loads(logged)["traceback"]
            daemon.wait_fills(1, "maker")
            assert daemon.states() == {"demo": "active"}
            assert daemon.stop() == 0
        truth = exchange.truth()
    assert {each.symbol for each in truth.account("demo").orders.values()} == {"BTCUSDT"}
    assert_books_equal_truth(exported(state), truth)
    replayed(state)
