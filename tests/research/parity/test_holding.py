"""Parity of what holding brings and costs: the same charges on paper, and each kind a cause of its own."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.core.adjust import adjusted
from actors.messages.clearing import ChargeKind, PositionCharged
from actors.messages.market import CorporateAction, FundingRate, MarketData, Quote, Trade
from actors.model.instrument import InstrumentKind
from actors.model.money import ZERO
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.margin_settings import MarginSettings
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.cli.parity import parity_text
from daemon.config import Config, DaemonSection
from daemon.research.parity.holding import held_charges
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.ladder import CAUSE_OF
from daemon.research.parity.parity import AccountParity, parity
from daemon.research.parity.session import Session, open_session
from daemon.research.parity.simulate import restored_core
from daemon.research.parity.timing import RecordedTimes
from daemon.research.parity.what_if import what_if
from daemon.research.report.parity_page import parity_page
from daemon.startup import load_classes, read_core
from tests.research.parity.recording import ACCOUNT, Outside, a_config, a_market, record
from tests.startup_rig import BTC, SECOND, T0

DAY = 86_400 * SECOND
START = T0 // DAY * DAY + DAY - 22 * SECOND
"""So that a day ends amid the session."""
SECONDS = 40
MARGIN = MarginSettings(currency="USDT", borrow={"spot": Decimal("0.9")}, interest=Decimal("0.8"))
MODEL = SimulatedVenueSettings(
    latency_ms=2.0, taker_fee=Decimal("0.0007"), fee_currency="USDT", account_type="margin", margin=MARGIN
)


def a_margin_session(folder: Path, kind: InstrumentKind, *told: MarketData) -> Session:
    config = on_margin(a_config(folder, mode="paper", simulated=MODEL), MARGIN)
    record(folder, config, a_market(SECONDS, start=START), start=START, kind=kind, told=told)
    return open_session(folder)


def on_margin(config: Config, margin: MarginSettings) -> Config:
    """The account with 4,000 USDT, so that it owes some of what it buys for."""
    section = config.accounts[ACCOUNT]
    simulated = msgspec.structs.replace(
        section.simulated, opening_balances={"USDT": Decimal(4_000)}, margin=margin
    )
    return msgspec.structs.replace(
        config, accounts={ACCOUNT: msgspec.structs.replace(section, simulated=simulated)}
    )


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def the_sum(account: AccountParity, cause: str | None = None) -> Decimal:
    """Of the effects of one cause, or of all, over orders and charges."""
    parts = [*(each.effects for each in account.differences), *(each.effects for each in account.charges)]
    return sum((value for part in parts for key, value in part.items() if cause in (None, key)), ZERO)


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> Session:
    dividends = [
        CorporateAction(ts_event=at(each), instrument=BTC, action_id=str(each), dividend=Decimal("0.5"))
        for each in (14.5, 15.5, 27.5, 33.5)
    ]
    return a_margin_session(tmp_path_factory.mktemp("shares"), "spot", *dividends)


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Session:
    rates = [FundingRate(ts_event=at(each), instrument=BTC, rate=0.0004) for each in (14.5, 15.5, 27.5, 33.5)]
    return a_margin_session(tmp_path_factory.mktemp("contracts"), "perpetual", *rates)


@pytest.mark.parametrize("name", ["shares", "contracts"])
def test_charges_of_a_paper_session_are_the_same_when_asked_again(
    name: str, request: pytest.FixtureRequest
) -> None:
    session: Session = request.getfixturevalue(name)
    record, classes = recorded_book(session), load_classes(session.config)
    kinds = {charge.kind for charge in record.charges if charge.amount}
    assert kinds == ({"dividend", "interest"} if name == "shares" else {"funding"})
    held = held_charges(session, classes, session.config, record.orders, RecordedTimes(session))
    assert held == [charge for charge in record.charges if charge.amount]
    account = parity(session, classes).accounts[ACCOUNT]
    for kind in kinds:
        assert account.effects[CAUSE_OF[kind]] == 0
    assert the_sum(account) == account.difference


def test_another_rate_than_recorded_is_a_cause_of_its_own(shares: Session) -> None:
    half = msgspec.structs.replace(MARGIN, interest=Decimal("0.4"))
    account = parity(shares, load_classes(shares.config), on_margin(shares.config, half)).accounts[ACCOUNT]
    paid = sum((each.amount for each in recorded_book(shares).charges if each.kind == "interest"), ZERO)
    assert paid < 0
    assert account.effects["interest"] == pytest.approx(paid / 2, abs=Decimal("0.00001"))
    assert account.effects["dividends"] == 0
    assert the_sum(account) == account.difference


def test_recorded_pnl_has_charges_in_it_for_account_and_strategies(contracts: Session) -> None:
    record, classes = recorded_book(contracts), load_classes(contracts.config)
    account = parity(contracts, classes).accounts[ACCOUNT]
    charged = sum((each.amount for each in record.charges), ZERO)
    assert charged
    assert sum((each.recorded for each in account.charges), ZERO) == charged
    strategies = what_if(contracts, classes, contracts.config).strategies
    assert sum((each.recorded.pnl for each in strategies.values()), ZERO) == account.recorded.pnl


KINDS: tuple[ChargeKind, ...] = ("funding", "borrow", "dividend")


def test_charges_that_only_the_venue_knew_are_worth_what_they_cost(tmp_path: Path) -> None:
    model = SimulatedVenueSettings(latency_ms=2.0, taker_fee=Decimal("0.0007"))
    charges = [
        PositionCharged(
            ts_event=T0 + 20 * SECOND, account=ACCOUNT, instrument=BTC, kind=kind, asset="USDT",
            amount=Decimal(-10**number), quantity=Decimal("0.1"), charge_id="1",
        )
        for number, kind in enumerate(KINDS)
    ]  # fmt: skip
    found = []
    for name, told in (("without", []), ("with", charges)):
        config = a_config(tmp_path / name, mode="testnet", simulated=model)
        record(tmp_path / name, config, a_market(SECONDS), Outside(model, random.Random(5)), told=told)
        session = open_session(tmp_path / name)
        found.append(parity(session, load_classes(config)))
    without, charged = (report.accounts[ACCOUNT] for report in found)
    for number, kind in enumerate(KINDS):
        cause = CAUSE_OF[kind]
        assert charged.effects[cause] - without.effects[cause] == -(10**number)
    assert charged.recorded.pnl - without.recorded.pnl == -111
    assert charged.simulated == without.simulated
    for account in (without, charged):
        assert the_sum(account) == account.difference
    assert "dividends" in parity_text(found[1])
    assert "dividends" not in parity_text(found[0])
    pages = [parity_page(report) for report in found]
    assert [">Charges<" in page for page in pages] == [False, True]


def test_contracts_that_a_session_begins_with_are_held_in_the_simulation(tmp_path: Path) -> None:
    venue, later = Outside(MODEL, random.Random(5), "perpetual"), START + 3_600 * SECOND
    rates = [FundingRate(ts_event=later + 10 * SECOND, instrument=BTC, rate=0.0004)]
    for start, label, told in ((START, "first", []), (later, "second", rates)):
        config = on_margin(a_config(tmp_path, mode="testnet", simulated=MODEL), MARGIN)
        config = msgspec.structs.replace(config, daemon=DaemonSection(state=str(tmp_path), session=label))
        record(tmp_path, config, a_market(25, start=start), venue, start, kind="perpetual", told=told)
    session, classes = open_session(tmp_path, "second"), load_classes(config)
    core = restored_core(session, classes, config, [])
    held = core.venues[0].engine.desk.accounts[ACCOUNT]
    assert isinstance(held, MarginAccount)
    assert held.contracts == core.ledger.snapshot().accounts[ACCOUNT].contracts
    assert held.contracts[BTC].quantity
    account = parity(session, classes).accounts[ACCOUNT]
    assert account.recorded.fills
    assert account.simulated.fills
    assert account.effects["funding"]  # the model charges it, this venue did not
    assert the_sum(account) == account.difference


def _as_quoted(message: MarketData, split: CorporateAction) -> MarketData:
    if message.ts_event < split.ts_event:
        return message
    if isinstance(message, Quote):
        return adjusted(message, split)
    assert isinstance(message, Trade)
    return adjusted(message, split)


def test_shares_of_before_a_split_are_valued_as_what_they_have_become(tmp_path: Path) -> None:
    """Two for one amid the session: its P&L is what the books say, with half of it at the old prices."""
    split = CorporateAction(ts_event=at(18.05), instrument=BTC, action_id="split", shares_after=Decimal(2))
    market = (_as_quoted(each, split) for each in a_market(SECONDS, start=START))
    config = on_margin(a_config(tmp_path, mode="paper", simulated=MODEL), MARGIN)
    record(tmp_path, config, market, start=START, kind="equity", told=[split])
    session = open_session(tmp_path)
    fills = [fill.ts for order in recorded_book(session).orders.values() for fill in order.fills]
    assert min(fills) < split.ts_event < max(fills)
    account = parity(session, load_classes(session.config)).accounts[ACCOUNT]
    assert account.same_orders == account.recorded.orders
    assert account.difference == 0
    core = read_core(tmp_path)
    assert core is not None
    books = sum((line.net for line in core.ledger.attribution(ACCOUNT)), ZERO)
    assert account.recorded.pnl == pytest.approx(books, abs=Decimal("0.000001"))
