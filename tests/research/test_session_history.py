"""A backtest over a recorded session."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from actors.errors import ConfigError, UsageError
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import BacktestSection, Config, DataFile, SessionSection, VenueSection
from daemon.research.backtest import run_backtest
from daemon.research.frames import times_of
from daemon.research.lookahead import _times
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.session import open_session
from daemon.startup import load_classes
from tests.research.parity.recording import Outside, a_config, a_market, record

MODEL = SimulatedVenueSettings(latency_ms=3.0, report_latency_ms=2.0)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Of a session on paper that is on the tape, and now to be tested on."""
    state = tmp_path_factory.mktemp("session") / "state"
    live = a_config(state, mode="paper", simulated=MODEL)
    record(state, live, a_market(40))
    backtest = BacktestSection(session=SessionSection(state=str(state)))
    return msgspec.structs.replace(live, backtest=backtest, venues={"binance": VenueSection()})


def test_a_backtest_of_a_paper_session_gives_the_same_orders_and_fills(config: Config) -> None:
    assert config.backtest.session.state is not None
    orders = recorded_book(open_session(Path(config.backtest.session.state))).orders
    run = run_backtest(config, load_classes(config))
    frames = run.frames
    recorded = [
        (
            fill.ts,
            order.terms.strategy,
            order.terms.side,
            float(fill.quantity),
            float(fill.price),
            float(fill.fee),
        )
        for order in orders.values()
        for fill in order.fills
    ]
    columns = ("strategy", "side", "quantity", "price", "fee")
    assert len(recorded) > 20
    moments = times_of(frames.fills)
    tested = [(ts, *row) for ts, row in zip(moments, frames.fills.select(columns).rows(), strict=True)]
    assert sorted(tested) == sorted(recorded)
    sent = frames.orders.filter(frames.orders["status"] != "denied")
    terms = [
        (o.terms.strategy, o.terms.side, o.terms.order_type, float(o.terms.quantity)) for o in orders.values()
    ]
    assert sent.select("strategy", "side", "order_type", "quantity").rows() == terms


def test_an_account_without_configured_money_begins_with_what_the_session_held(tmp_path: Path) -> None:
    live = a_config(tmp_path, mode="testnet", simulated=MODEL)
    record(tmp_path, live, a_market(5), Outside(MODEL, random.Random(5)))
    run = run_backtest(_moneyless(live, tmp_path), load_classes(live))
    assert run.info.accounts["main"].equity_start == 100_000.0
    assert run.info.fills > 0
    assert "main: begins with what the session held, 100,000 USDT; name other" in run.info.warnings[0]


def test_an_account_of_which_the_session_says_nothing_must_be_given_money(config: Config) -> None:
    state = config.backtest.session.state
    assert state is not None
    with pytest.raises(ConfigError, match=r"accounts\.main\.simulated\.opening_balances is empty"):
        run_backtest(_moneyless(config, Path(state)), load_classes(config))


def _moneyless(config: Config, state: Path) -> Config:
    section = config.accounts["main"]
    simulated = msgspec.structs.replace(section.simulated, opening_balances={})
    return msgspec.structs.replace(
        config,
        backtest=BacktestSection(session=SessionSection(state=str(state))),
        venues={"binance": VenueSection()},
        accounts={"main": msgspec.structs.replace(section, simulated=simulated)},
    )


def test_the_same_session_gives_the_same_run(config: Config) -> None:
    first, second = (run_backtest(config, load_classes(config)) for _ in range(2))
    assert first.info.result_hash == second.info.result_hash
    assert first.info.run_id == second.info.run_id


def test_a_session_and_files_at_once_are_refused(config: Config) -> None:
    both = msgspec.structs.replace(
        config.backtest, data=(DataFile(path="x.csv", instrument="BTCUSDT@binance"),)
    )
    with pytest.raises(ConfigError, match="leave one of them out"):
        run_backtest(msgspec.structs.replace(config, backtest=both), load_classes(config))


def test_a_state_folder_without_a_session_is_refused(config: Config, tmp_path: Path) -> None:
    nowhere = BacktestSection(session=SessionSection(state=str(tmp_path)))
    with pytest.raises(UsageError, match="holds no recorded session"):
        run_backtest(msgspec.structs.replace(config, backtest=nowhere), load_classes(config))


def test_a_check_that_cuts_data_off_says_that_it_needs_files(config: Config) -> None:
    with pytest.raises(UsageError, match="check on data files"):
        _times(config, None, None)
