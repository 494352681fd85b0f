"""The ledger under any fills, fees, transfers and adjustments, against sums that a child could make."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Literal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import BalanceChanged, ExternalFillMoved, ExternalFillShown, PositionChanged
from actors.messages.account import CashTransferred as Cash
from actors.messages.base import Message
from actors.messages.orders import Side
from tests.ledger.build import BTC, Rig, a_fill, a_quote, a_statement, a_transfer

D = Decimal
ZERO = D(0)
SIDES: st.SearchStrategy[Side] = st.sampled_from(("buy", "sell"))
LOTS = st.integers(1, 5_000).map(lambda lots: D(lots) / 1_000)
TICKS = st.integers(5_000, 20_000).map(lambda ticks: D(ticks) / 100)
FEES = st.one_of(st.just(ZERO), st.integers(-3, 40).map(lambda units: D(units) / 100_000))
ASSETS = st.sampled_from(("USDT", "BTC", "BNB"))
Amounts = dict[str, Decimal]


class Books(RuleBasedStateMachine):
    """Feeds a ledger and keeps plain sums beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig()
        self.held: Amounts = {}
        self.external: list[ExternalFillShown] = []
        self.numbers = count(1)

    def move(self, asset: str, amount: Decimal) -> None:
        self.held[asset] = self.held.get(asset, ZERO) + amount

    def feed(self, *messages: Message) -> list[Message]:
        return self.rig.feed(*messages)

    @initialize(usdt=st.integers(0, 100_000), btc=st.integers(0, 100))
    def opens(self, usdt: int, btc: int) -> None:
        self.feed(a_quote(100.0), a_statement(0, USDT=str(usdt), BTC=str(btc)))
        self.held = {"USDT": D(usdt), "BTC": D(btc)}

    @rule(side=SIDES, quantity=LOTS, price=TICKS, fee=FEES, asset=ASSETS, strategy=st.sampled_from("ab"))
    def fill(
        self, side: Side, quantity: Decimal, price: Decimal, fee: Decimal, asset: str, strategy: str
    ) -> None:
        sent = self.feed(
            a_fill(side, str(quantity), str(price), fee=str(fee), fee_currency=asset, strategy=strategy)
        )
        sign = 1 if side == "buy" else -1
        self.move("BTC", sign * quantity)
        self.move("USDT", -sign * quantity * price)
        self.move(asset, -fee)
        (change,) = [message for message in sent if isinstance(message, PositionChanged)]
        assert sent[-1] is change, "a booking ends with the position"
        assert change.filled_quantity == quantity

    @rule(side=SIDES, quantity=LOTS, price=TICKS, fee=FEES, asset=ASSETS)
    def strangers_fill(self, side: Side, quantity: Decimal, price: Decimal, fee: Decimal, asset: str) -> None:
        number = next(self.numbers)
        shown = ExternalFillShown(
            ts_event=0, account="main", instrument=BTC, venue_order_id="9", trade_id=f"x{number}", side=side,
            quantity=quantity, price=price, fee=fee, fee_currency=asset,
        )  # fmt: skip
        self.external.append(shown)
        profit = self.profit()
        changes = [message for message in self.feed(shown) if isinstance(message, PositionChanged)]
        # what is not there any more is taken off the positions that held it, at cost
        assert all(change.client_order_id is None and not change.filled_quantity for change in changes)
        assert self.profit() == profit, "what others trade is neither profit nor loss"
        self._external(shown, 1)

    @precondition(lambda self: bool(self.external))
    @rule(data=st.data())
    def strangers_fill_was_ours(self, data: st.DataObject) -> None:
        shown = self.external.pop(data.draw(st.integers(0, len(self.external) - 1)))
        self.feed(msgspec.convert(shown, ExternalFillMoved, from_attributes=True))
        self._external(shown, -1)

    def _external(self, fill: ExternalFillShown, times: int) -> None:
        sign = times if fill.side == "buy" else -times
        self.move("BTC", sign * fill.quantity)
        self.move("USDT", -sign * fill.quantity * fill.price)
        self.move(fill.fee_currency, -times * fill.fee)

    @rule(
        amount=st.integers(-1_000, 1_000),
        asset=st.sampled_from(("USDT", "BNB")),
        reason=st.sampled_from(("deposit", "withdrawal", "conversion", "adjustment")),
        again=st.booleans(),
    )
    def transfer(
        self,
        amount: int,
        asset: str,
        reason: Literal["deposit", "withdrawal", "conversion", "adjustment"],
        again: bool,
    ) -> None:
        money: Cash = a_transfer(str(amount), asset, reason, f"t{next(self.numbers)}")
        profit = self.profit()
        sent = self.feed(money)
        assert self.feed(money) == [] if again else True
        assert [message.total for message in sent if isinstance(message, BalanceChanged)] == (
            [self.held.get(asset, ZERO) + amount] if amount else []
        )
        self.move(asset, D(amount))
        assert self.profit() == profit, "money that came or went is neither profit nor loss"

    @rule()
    def restart(self) -> None:
        state = msgspec.msgpack.encode(self.rig.sequencer.snapshot())
        self.rig = Rig()
        self.rig.sequencer.restore(msgspec.msgpack.decode(state, type=CoreSnapshot))
        assert msgspec.msgpack.encode(self.rig.sequencer.snapshot()) == state

    def profit(self) -> Decimal:
        return sum((position.realised_pnl for position in self.rig.ledger.positions("main")), ZERO)

    @invariant()
    def debits_are_credits(self) -> None:
        assert not any(self.rig.ledger.trial_balance("main").values())

    @invariant()
    def holdings_are_the_plain_sums(self) -> None:
        ours = {asset: total for asset, total in self.rig.ledger.balances("main").items() if total}
        assert ours == {asset: total for asset, total in self.held.items() if total}

    @invariant()
    def the_books_do_not_contradict_themselves(self) -> None:
        book = self.rig.ledger._book("main")
        assert book.broken(self.rig.ledger.positions("main"), self.rig.ledger._instruments) is None


Books.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestBooks = pytest.mark.slow(Books.TestCase)
