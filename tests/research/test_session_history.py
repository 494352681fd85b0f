"""A backtest over a recorded session."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import BadDataFile, ConfigError, UsageError
from actors.store.rerun import decode_snapshot
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.margin_settings import MarginSettings
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import BacktestSection, Config, DaemonSection, DataFile, SessionSection, VenueSection
from daemon.config_sources import overridden
from daemon.research.backtest import Backtest, run_backtest
from daemon.research.frames import times_of
from daemon.research.lookahead import _inputs
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.session import open_session
from daemon.startup import core_of_head, load_classes
from tests.research.parity.recording import Outside, a_config, a_market, record
from tests.startup_rig import SECOND, T0

MODEL = SimulatedVenueSettings(latency_ms=3.0, report_latency_ms=2.0)

MARGIN_MODEL = SimulatedVenueSettings(
    latency_ms=3.0,
    report_latency_ms=2.0,
    fee_currency="USDT",
    account_type="margin",
    margin=MarginSettings(currency="USDT"),
)


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


def test_an_account_of_which_the_session_says_nothing_must_be_given_money(tmp_path: Path) -> None:
    live = a_config(tmp_path, mode="testnet", simulated=MODEL)
    record(tmp_path, live, a_market(1))
    with pytest.raises(ConfigError, match=r"accounts\.main\.simulated\.opening_balances is empty"):
        run_backtest(_moneyless(live, tmp_path), load_classes(live))


def test_a_run_with_other_books_than_the_session_says_so_and_why(config: Config) -> None:
    poorer = overridden(config, ["accounts.main.simulated.opening_balances.USDT=5000"])
    run = run_backtest(poorer, load_classes(poorer))
    assert run.info.accounts["main"].equity_start == 5_000.0
    assert run.info.warnings[0].endswith("left out: accounts.main.simulated.opening_balances are others")
    later = run_backtest(config, load_classes(config), start=T0 + 20 * SECOND)
    assert later.info.warnings[0].endswith("left out: --from lets it begin later")
    assert later.info.fills > 0
    fewer = msgspec.structs.replace(config, strategies={"maker": config.strategies["maker"]})
    alone = run_backtest(fewer, load_classes(fewer))
    assert alone.info.warnings[0].endswith("left out: its strategies were cross, maker, not maker")
    assert alone.info.fills > 0


def test_other_parameters_limits_and_delays_are_tried_on_the_same_books(config: Config) -> None:
    plain = run_backtest(config, load_classes(config)).info
    for change, is_more in (
        ("strategies.cross.parameters.slow=9", False),
        ("accounts.main.limits.order_notional_max=200", False),
        ("accounts.main.simulated.latency_ms=400", None),
    ):
        other = overridden(config, [change])
        run = run_backtest(other, load_classes(other))
        assert run.info.hashes.config != plain.hashes.config
        assert run.info.result_hash != plain.result_hash, change
        assert (run.info.fills > plain.fills) is bool(is_more) or is_more is None, change
        assert not any("left out" in warning for warning in run.info.warnings)


def test_market_data_of_a_session_come_when_they_came(config: Config) -> None:
    """What files are delayed by is no matter of a session, whose times are those of its receipt."""
    delayed = overridden(config, ["backtest.market_latency_ms=50"])
    run = run_backtest(delayed, load_classes(delayed))
    fills = [run.frames.fills, run_backtest(config, load_classes(config)).frames.fills]
    assert fills[0].equals(fills[1])


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
        _inputs(config, None, None)


def test_contracts_that_a_session_begins_with_are_held_in_its_backtest(tmp_path: Path) -> None:
    """At a venue outside: cash, contracts at their cost and each strategy's lots are what the books say."""
    venue, later = Outside(MARGIN_MODEL, random.Random(5), "perpetual"), T0 + 3_600 * SECOND
    for start, label in ((T0, "first"), (later, "second")):
        config = a_config(tmp_path, mode="testnet", simulated=MARGIN_MODEL)
        config = msgspec.structs.replace(config, daemon=DaemonSection(state=str(tmp_path), session=label))
        record(tmp_path, config, a_market(25, start=start), venue, start, kind="perpetual")
    session = open_session(tmp_path, "second")
    held = core_of_head(session.head)
    held.sequencer.restore(decode_snapshot(session.head.snapshot))
    positions = {each.strategy: each for each in held.ledger.positions("main") if each.quantity}
    assert positions
    tested = _moneyless(config, tmp_path)
    backtest = Backtest(tested, load_classes(tested), start=None, end=None)
    backtest._begin()
    ours = {each.strategy: each for each in backtest.core.ledger.positions("main")}
    assert {name: each.lots for name, each in ours.items()} == {n: each.lots for n, each in positions.items()}
    contracts = held.ledger.snapshot().accounts["main"].contracts
    account = backtest.core.venues[0].engine.desk.accounts["main"]
    assert isinstance(account, MarginAccount)
    assert account.contracts == backtest.core.ledger.snapshot().accounts["main"].contracts == contracts
    began_with = backtest.results.equity["main"].start
    assert began_with == pytest.approx(float(account.equity()), abs=1e-6)
    assert began_with != float(account.total["USDT"])


def test_a_backtest_of_a_second_paper_session_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    for start, label in ((T0, "first"), (T0 + 3_600 * SECOND, "second")):
        config = a_config(tmp_path, mode="paper", simulated=MARGIN_MODEL)
        config = msgspec.structs.replace(config, daemon=DaemonSection(state=str(tmp_path), session=label))
        record(tmp_path, config, a_market(25, start=start), start=start, kind="perpetual")
    backtest = BacktestSection(session=SessionSection(state=str(tmp_path)))
    tested = msgspec.structs.replace(config, backtest=backtest, venues={"binance": VenueSection()})
    run = run_backtest(tested, load_classes(tested))
    account = run.info.accounts["main"]
    gained = Decimal(repr(account.equity_end)) - Decimal(repr(account.equity_start))
    assert sum(float(line.net) for line in account.attribution) == pytest.approx(float(gained), abs=1e-6)
    assert run.info.fills > 0
    assert any("maker holds 0." in each and "as the session began" in each for each in run.info.warnings)


def test_other_money_than_the_session_began_with_means_with_that_alone(tmp_path: Path) -> None:
    for start in (T0, T0 + 3_600 * SECOND):
        config = a_config(tmp_path, mode="paper", simulated=MARGIN_MODEL)
        record(tmp_path, config, a_market(10, start=start), start=start, kind="perpetual")
    section = config.accounts["main"]
    simulated = msgspec.structs.replace(section.simulated, opening_balances={"USDT": Decimal(5_000)})
    tested = msgspec.structs.replace(
        config,
        backtest=BacktestSection(session=SessionSection(state=str(tmp_path))),
        venues={"binance": VenueSection()},
        accounts={"main": msgspec.structs.replace(section, simulated=simulated)},
    )
    assert run_backtest(tested, load_classes(tested)).info.accounts["main"].equity_start == 5_000.0


def test_a_cash_account_that_would_begin_with_contracts_is_refused(tmp_path: Path) -> None:
    venue = Outside(MARGIN_MODEL, random.Random(5), "perpetual")
    for start, label in ((T0, "first"), (T0 + 3_600 * SECOND, "second")):
        config = a_config(tmp_path, mode="testnet", simulated=MODEL)
        config = msgspec.structs.replace(config, daemon=DaemonSection(state=str(tmp_path), session=label))
        record(tmp_path, config, a_market(25, start=start), venue, start, kind="perpetual")
    tested = _moneyless(config, tmp_path)
    with pytest.raises(ConfigError, match=r'held 0\.\d+ BTCUSDT@binance.* when .*account_type = "margin"$'):
        run_backtest(tested, load_classes(tested))


def test_a_range_beside_the_session_is_refused_with_when_it_was(config: Config) -> None:
    with pytest.raises(BadDataFile, match=r"it lasted from 2027-01-15T08:00:00 to 2027-01-15T08:00:\d\d UTC"):
        run_backtest(config, load_classes(config), start=T0 + 7_200 * SECOND)
