"""Parity: the same orders and fills where the venue is the same, and every difference named and priced."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import TradingError, UsageError
from actors.messages.market import MarketData, Quote, Trade
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import BacktestSection, Config, DaemonSection, DataFile
from daemon.config_sources import overridden
from daemon.graph import BarSources
from daemon.research.history import History
from daemon.research.parity.inherited import inherited_orders, recorded_book
from daemon.research.parity.ladder import CAUSES
from daemon.research.parity.orders import Order, Orders
from daemon.research.parity.parity import AccountParity, parity
from daemon.research.parity.session import Session, open_session
from daemon.research.parity.simulate import simulate
from daemon.research.parity.timing import RecordedTimes
from daemon.research.parity.what_if import what_if
from daemon.startup import load_classes
from tests.research.parity.recording import ACCOUNT, Outside, a_config, a_market, record
from tests.startup_rig import BTC, SECOND, T0, Life, replayed

MODEL = SimulatedVenueSettings(latency_ms=2.0, maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0007"))
VENUE = SimulatedVenueSettings(maker_fee=Decimal("0.0003"), taker_fee=Decimal("0.0009"), fee_currency="USDT")
SECONDS = 40


def a_paper_session(folder: Path) -> Session:
    state = folder / "paper"
    record(state, a_config(state, mode="paper", simulated=MODEL), a_market(SECONDS))
    return open_session(state)


def an_outside_session(folder: Path) -> Session:
    state = folder / "outside"
    config = a_config(state, mode="testnet", simulated=MODEL)
    record(state, config, a_market(SECONDS), Outside(VENUE, random.Random(5)))
    return open_session(state)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return an_outside_session(tmp_path_factory.mktemp("outside"))


@pytest.fixture(scope="module")
def account(outside: Session) -> AccountParity:
    return parity(outside, load_classes(outside.config)).accounts[ACCOUNT]


def plain(orders: Orders) -> list[object]:
    return [
        (key, order.terms, order.ts_decided, order.status,
         [(fill.ts, fill.quantity, fill.price, fill.fee, fill.fee_currency) for fill in order.fills])
        for key, order in orders.items()
    ]  # fmt: skip


def test_a_simulated_paper_session_repeats_every_order_and_fill(tmp_path: Path) -> None:
    session = a_paper_session(tmp_path)
    recorded = recorded_book(session)
    assert sum(len(order.fills) for order in recorded.orders.values()) > 20
    made = simulate(session, load_classes(session.config), times=RecordedTimes(session))
    assert plain(made.book.orders) == plain(recorded.orders)
    report = parity(session, load_classes(session.config)).accounts[ACCOUNT]
    assert report.ladder["data"] == report.recorded.pnl
    assert replayed(session.state).identical


@pytest.mark.parametrize("seed", range(6))
def test_on_recorded_times_the_simulation_of_a_like_venue_does_what_the_venue_did(
    tmp_path: Path, seed: int
) -> None:
    """It fills before we know the price; answers overtake each other; two orders leave at one instant."""
    config = a_config(tmp_path, mode="testnet", simulated=msgspec.structs.replace(VENUE, latency_ms=2.0))
    record(tmp_path, config, a_market(30, seed=seed), Outside(VENUE, random.Random(seed)))
    session = open_session(tmp_path)
    recorded = {key: order for key, order in recorded_book(session).orders.items() if order.status != "open"}
    made = simulate(session, load_classes(config), times=RecordedTimes(session)).book.orders
    assert len(recorded) > 100
    assert {key: filled(made[key]) for key in recorded} == {key: filled(recorded[key]) for key in recorded}
    account = parity(session, load_classes(config)).accounts[ACCOUNT]
    assert account.effects["latency"] != 0
    for each in account.differences:
        if each.recorded is not None and each.recorded.status != "open":
            assert list(each.effects) == ["latency"], each
    assert account.effects["data"] == 0
    assert sum(account.effects.values(), Decimal(0)) == account.difference


def test_a_paper_account_beside_a_real_one_has_its_market_for_itself(tmp_path: Path) -> None:
    """As in the session, where the real account's orders were elsewhere; refusals are counted by account."""
    config = a_config(tmp_path, mode="testnet", simulated=VENUE)
    paper = msgspec.structs.replace(config.accounts[ACCOUNT], mode="paper")
    own = {f"paper-{name}": msgspec.structs.replace(each, account="paper") for name, each in
           config.strategies.items()}  # fmt: skip
    config = msgspec.structs.replace(
        config, accounts={**config.accounts, "paper": paper}, strategies={**config.strategies, **own}
    )
    record(tmp_path, config, a_market(25), Outside(VENUE, random.Random(5)))
    session = open_session(tmp_path)
    accounts = parity(session, load_classes(config)).accounts
    assert accounts["paper"].same_orders == accounts["paper"].recorded.orders > 50
    assert accounts["paper"].simulated == accounts["paper"].recorded
    assert not any(accounts["paper"].effects.values())
    assert accounts[ACCOUNT].difference != 0
    denied = recorded_book(session).denied
    assert sum(denied.values()) == sum(each.recorded.denied for each in accounts.values())


def filled(order: Order) -> tuple[object, ...]:
    fills = [(fill.quantity, fill.price, fill.fee, fill.liquidity) for fill in order.fills]
    return order.terms, order.ts_decided, order.status, fills


def test_causes_add_up_to_the_whole_difference_exactly(account: AccountParity) -> None:
    assert account.recorded.fills > 20
    assert account.difference != 0
    assert tuple(account.effects) == CAUSES
    assert sum(account.effects.values(), Decimal(0)) == account.difference
    assert account.recorded.pnl - account.simulated.pnl == account.difference


def test_every_order_that_differs_has_a_cause_and_their_sums_are_the_whole(account: AccountParity) -> None:
    assert account.differences
    for each in account.differences:
        assert each.effects, each
        assert sum(each.effects.values(), Decimal(0)) == each.difference
    assert sum((each.difference for each in account.differences), Decimal(0)) == account.difference
    for cause in CAUSES:
        parts = [each.effects.get(cause, Decimal(0)) for each in account.differences]
        assert sum(parts, Decimal(0)) == account.effects[cause]


def test_recorded_pnl_is_what_the_books_say(outside: Session, account: AccountParity) -> None:
    """Fills at cash plus what is held at the last price: worked out from nothing but fills."""
    orders = recorded_book(outside).orders
    cash = held = Decimal(0)
    for order in orders.values():
        for fill in order.fills:
            sign = 1 if order.terms.side == "buy" else -1
            cash -= sign * fill.quantity * fill.price + fill.fee
            held += sign * fill.quantity
            assert fill.fee_currency == "USDT"
    last = simulate(outside, load_classes(outside.config)).market.mark_price("BTCUSDT@binance")
    assert account.recorded.pnl == cash + held * Decimal(repr(last))


def test_fees_are_exactly_what_the_venue_took_beyond_the_model(
    outside: Session, account: AccountParity
) -> None:
    """The model charges other rates in the asset received; valued at the last price, as holdings are."""
    rates = {"maker": (Decimal("0.0003"), Decimal("0.0002")), "taker": (Decimal("0.0009"), Decimal("0.0007"))}
    extra = Decimal(0)
    last = simulate(outside, load_classes(outside.config)).market.mark_price("BTCUSDT@binance")
    for order in recorded_book(outside).orders.values():
        for fill in order.fills:
            charged, modelled = rates[fill.liquidity]
            assert fill.fee == (fill.quantity * fill.price * charged).quantize(Decimal("1E-8"), ROUND_DOWN)
            base = (fill.quantity * modelled).quantize(Decimal("1E-8"), ROUND_DOWN) * Decimal(repr(last))
            extra += fill.fee - (base if order.terms.side == "buy" else fill.quantity * fill.price * modelled)
    assert account.effects["fees"] == pytest.approx(-extra, abs=Decimal("0.0001"))


def test_recorded_times_and_fees_are_fitted(account: AccountParity) -> None:
    latency = account.fit.latency_ms
    assert latency.p50 is not None
    assert 3 <= latency.p50 <= 8  # drawn evenly from 1.25 to 9.25
    assert account.fit.maker_fee == pytest.approx(0.0003, rel=1e-3)
    assert account.fit.taker_fee == pytest.approx(0.0009, rel=1e-3)


def test_the_fit_is_a_configuration_that_comes_nearer(outside: Session, account: AccountParity) -> None:
    fitted = tomllib.loads(account.fit.configuration)["accounts"][ACCOUNT]["simulated"]
    section = outside.config.accounts[ACCOUNT]
    plain = {**msgspec.to_builtins(section.simulated), **fitted}
    simulated = msgspec.convert(plain, SimulatedVenueSettings, strict=False)
    assert len(simulated.submit_delay.recorded_ms) == 10
    config = msgspec.structs.replace(
        outside.config, accounts={ACCOUNT: msgspec.structs.replace(section, simulated=simulated)}
    )
    nearer = parity(outside, load_classes(outside.config), config).accounts[ACCOUNT]
    assert abs(nearer.effects["fees"]) < abs(account.effects["fees"]) / 2
    assert sum(nearer.effects.values(), Decimal(0)) == nearer.difference


def test_the_same_session_gives_the_same_report(outside: Session) -> None:
    classes = load_classes(outside.config)
    assert parity(outside, classes) == parity(outside, classes)


def test_a_session_that_is_not_there_is_named_with_those_that_are(outside: Session) -> None:
    with pytest.raises(UsageError, match=f"there is {outside.label}"):
        open_session(outside.state, "nothing")
    with pytest.raises(UsageError, match="holds no recorded session"):
        open_session(outside.state / "empty")


def test_other_code_than_in_the_session_is_refused(outside: Session) -> None:
    classes = {**load_classes(outside.config), "cross": load_classes(outside.config)["maker"]}
    with pytest.raises(TradingError, match="strategy cross has other code than in session"):
        parity(outside, classes)


def test_another_model_or_parameter_shows_what_it_would_have_done(outside: Session) -> None:
    same = what_if(outside, load_classes(outside.config), outside.config)
    slow = overridden(outside.config, [f"accounts.{ACCOUNT}.simulated.latency_ms=500"])
    late = what_if(outside, load_classes(outside.config), slow)
    assert late.strategies["cross"].recorded == same.strategies["cross"].recorded
    assert late.strategies["maker"].simulated != same.strategies["maker"].simulated
    other = overridden(outside.config, ["strategies.cross.parameters.slow=9"])
    changed = what_if(outside, load_classes(other), other)
    assert changed.strategies["cross"].simulated.orders < same.strategies["cross"].simulated.orders


def test_a_session_of_two_process_lives_is_simulated_through_both(tmp_path: Path) -> None:
    """The second life begins behind a crash, under other order ids."""
    state = tmp_path / "state"
    config = a_config(state, mode="paper", simulated=MODEL)
    market = list(a_market(SECONDS))
    sources = BarSources(trades=frozenset({BTC}))
    for half in (market[: len(market) // 2], market[len(market) // 2 :]):
        life = Life(config, half[0].ts_event - SECOND, sources=sources)
        for message in half:
            life.now = max(message.ts_event, life.now)
            life.feed(message)
        if half[-1] is not market[-1]:
            life.crash()
    life.stop(with_checkpoint=False)
    session = open_session(state)
    recorded = recorded_book(session)
    assert len({key[5:9] for key in recorded.orders}) == 2
    made = simulate(session, load_classes(config))
    assert plain(made.book.orders) == plain(recorded.orders)
    report = parity(session, load_classes(config)).accounts[ACCOUNT]
    assert sum(report.effects.values(), Decimal(0)) == report.difference


def test_a_session_that_begins_with_holdings_and_open_orders_is_simulated_from_them(tmp_path: Path) -> None:
    state, later = tmp_path / "state", T0 + 3_600 * SECOND
    config, venue = a_config(state, mode="testnet", simulated=MODEL), Outside(VENUE, random.Random(5))
    for start, label, seconds in ((T0, "first", 25), (later, "second", SECONDS)):
        named = msgspec.structs.replace(config, daemon=DaemonSection(state=str(state), session=label))
        record(state, named, a_market(seconds, start=start), venue, start)
    session = open_session(state, "second")
    inherited = inherited_orders(session)
    assert inherited
    made, orders = simulate(session, load_classes(config)).book.orders, recorded_book(session).orders
    for order in inherited:
        name = order.terms.client_order_id
        assert made[name].status == orders[name].status == "filled"
        assert made[name].price == orders[name].price
    account = parity(session, load_classes(config)).accounts[ACCOUNT]
    assert account.recorded.fills > 10
    assert account.simulated.fills > 10
    assert sum(account.effects.values(), Decimal(0)) == account.difference


def a_history(folder: Path, market: Iterator[MarketData], *, shift: float) -> History:
    """Files of the same market, its prices shifted."""
    trades, quotes = ["timestamp,price,size"], ["timestamp,bid_price,bid_size,ask_price,ask_size"]
    for message in market:
        if isinstance(message, Trade):
            trades.append(f"{message.ts_event},{message.price + shift},{message.size}")
        elif isinstance(message, Quote):
            bid, ask = message.bid_price + shift, message.ask_price + shift
            quotes.append(f"{message.ts_event},{bid},{message.bid_size},{ask},{message.ask_size}")
    data = []
    for kind, lines in (("trades", trades), ("quotes", quotes)):
        path = folder / f"{kind}.csv"
        path.write_text("\n".join(lines) + "\n")
        data.append(DataFile(path=str(path), instrument=BTC, kind=kind))  # type: ignore[arg-type]
    return History(Config(backtest=BacktestSection(data=tuple(data))))


def test_other_data_than_the_session_had_are_a_cause_of_their_own(outside: Session, tmp_path: Path) -> None:
    classes = load_classes(outside.config)
    own = parity(outside, classes).accounts[ACCOUNT]
    dearer = a_history(tmp_path, a_market(SECONDS), shift=3.0)
    account = parity(outside, classes, history=dearer).accounts[ACCOUNT]
    assert account.effects["data"] != own.effects["data"]
    assert {**account.effects, "data": 0} == {**own.effects, "data": 0}
    assert sum(account.effects.values(), Decimal(0)) == account.difference


def test_a_history_without_the_trades_of_the_session_is_refused(outside: Session, tmp_path: Path) -> None:
    history = a_history(tmp_path, a_market(1), shift=0.0)
    history.sources = BarSources()
    with pytest.raises(UsageError, match=f"lacks what session {outside.label} had of {BTC}"):
        parity(outside, load_classes(outside.config), history=history)
