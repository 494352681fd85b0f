"""Orders, prices, splits, dividends, funding, days in any order: books balance and equal a plain model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.messages.base import Message
from actors.messages.clearing import PositionCharged, PositionSplit
from actors.messages.orders import OrderFilled
from actors.venues.simulated.margin_settings import MarginSettings
from tests.venues.simulated.clearing_rig import ACME, DAY, PERP, Rig

D = Decimal
ZERO = D(0)
NAMES = st.sampled_from((ACME, PERP))
STRATEGIES = st.sampled_from("ab")
SIDES: Any = st.sampled_from(("buy", "sell"))
HALVES = st.integers(100, 400)
CENTS = st.integers(5_000, 20_000)


class Cleared(RuleBasedStateMachine):
    """Feeds the rig; beside it a list of what was traded, held and paid, added up as a child would."""

    def __init__(self) -> None:
        super().__init__()
        margin = MarginSettings(borrow={"equity": D("0.05")}, interest=D("0.08"), days_per_year=365)
        self.rig = Rig(margin=margin, taker_fee=D("0.0005"), open_orders="us")
        self.paid = D(10_000)
        """Cash if contracts were paid for like shares."""
        self.shares = {"a": ZERO, "b": ZERO}
        self.contracts = {"a": ZERO, "b": ZERO}
        self.price = {ACME: 100.0, PERP: 100.0}
        self.actions = 0
        for name in (ACME, PERP):
            self.take(self.rig.quote(100, instrument=name))

    def take(self, sent: list[Message]) -> None:
        for message in sent:
            if isinstance(message, OrderFilled):
                size = D("0.01") if message.instrument == PERP else D(1)
                change = message.quantity if message.side == "buy" else -message.quantity
                held = self.contracts if message.instrument == PERP else self.shares
                held[message.strategy] += change
                self.paid -= change * message.price * size + message.fee
            elif isinstance(message, PositionCharged):
                self.paid += message.amount
            elif isinstance(message, PositionSplit):
                self.paid += message.cash_in_lieu
                for strategy in self.shares:
                    self.shares[strategy] = self.rig.held(ACME, strategy)
                assert sum(self.shares.values()) == message.quantity

    @rule(name=NAMES, cents=CENTS)
    def quote(self, name: str, cents: int) -> None:
        self.price[name] = cents // 50 / 2
        self.take(self.rig.quote(self.price[name], instrument=name))

    @rule(name=NAMES, side=SIDES, lots=st.integers(1, 150), strategy=STRATEGIES)
    def market(self, name: str, side: Any, lots: int, strategy: str) -> None:
        self.take(self.rig.order(side, str(lots), instrument=name, strategy=strategy))

    @rule(name=NAMES, side=SIDES, lots=st.integers(1, 80), halves=HALVES, is_stop=st.booleans())
    def resting(self, name: str, side: Any, lots: int, halves: int, is_stop: bool) -> None:
        price = str(D(halves) / 2)
        terms: dict[str, Any] = {"stop": price} if is_stop else {"price": price}
        self.take(self.rig.order(side, str(lots), instrument=name, strategy="a", **terms))

    @rule(after=st.integers(1, 7), before=st.integers(1, 7), dividend=st.integers(0, 90))
    def action(self, after: int, before: int, dividend: int) -> None:
        self.actions += 1
        sent = self.rig.act(
            action_id=str(self.actions),
            shares_after=D(after),
            shares_before=D(before),
            dividend=D(dividend) / 100,
        )
        self.take(sent)
        self.price[ACME] = (self.price[ACME] - dividend / 100) * before / after

    @rule(rate=st.integers(-20, 20))
    def funding(self, rate: int) -> None:
        self.take(self.rig.fund(rate / 10_000))

    @rule()
    def day(self) -> None:
        self.rig.now += DAY
        self.take(self.rig.quote(self.price[PERP], instrument=PERP))

    @rule()
    def restart(self) -> None:
        before = self.rig.bytes()
        self.rig = self.rig.restarted()
        assert self.rig.bytes() == before

    @invariant()
    def the_trial_balance_is_zero(self) -> None:
        assert not any(self.rig.ledger.trial_balance("main").values())

    @invariant()
    def lots_and_journal_agree(self) -> None:
        ledger = self.rig.ledger
        book = ledger._books["main"]
        assert book.broken(ledger.positions("main"), ledger._instruments) is None

    @invariant()
    def the_venue_and_the_books_hold_the_same(self) -> None:
        for asset in ("USD", "ACME"):
            assert self.rig.ledger.balances("main").get(asset, ZERO) == self.rig.at_venue(asset)
        venue = self.rig.venue.engine.desk.accounts["main"]
        assert sum(self.contracts.values()) == venue.position(self.rig.venue.engine.markets[PERP].instrument)
        assert not any(venue.locked.values())
        self.rig.resting()

    @invariant()
    def positions_and_cash_equal_the_plain_model(self) -> None:
        for strategy in "ab":
            assert self.rig.held(ACME, strategy) == self.shares[strategy]
            assert self.rig.held(PERP, strategy) == self.contracts[strategy]
        worth = (
            float(self.paid)
            + float(sum(self.shares.values())) * self.price[ACME]
            + float(sum(self.contracts.values())) * 0.01 * self.price[PERP]
        )
        assert abs(self.rig.equity() - worth) < 1e-5 * max(1.0, abs(worth))

    @invariant()
    def what_the_strategies_made_is_what_the_account_gained(self) -> None:
        lines = self.rig.ledger.attribution("main")
        net = sum((line.net for line in lines), ZERO)
        assert abs(float(D(10_000) + net) - self.rig.equity()) < 1e-4 * max(1.0, abs(self.rig.equity()))


Cleared.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestCleared = pytest.mark.slow(Cleared.TestCase)
