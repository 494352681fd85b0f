"""The venue: a matching engine that keeps the truth, behind rules like those of a real one."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    CashTransferred,
    FillsEvidence,
    OrdersEvidence,
    VenueFill,
)
from actors.messages.market import Quote
from actors.messages.orders import (
    CancelOrder,
    FillReport,
    OrderTerms,
    OutcomeUnknownReport,
    QueryAccount,
    QueryOrder,
    RejectReport,
    Report,
    Side,
    StatusReport,
    SubmitOrder,
)
from actors.model.instrument import Instrument
from actors.venues.simulated.accounts import Executed
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import VenueEvent
from actors.venues.simulated.reports import order_evidence, order_reports, report_of
from actors.venues.simulated.settings import SimulatedVenueSettings
from tests.chaos.twin.world import MS, World

D = Decimal
BTC = "BTCUSDT@binance"
INSTRUMENT = Instrument(
    id=BTC, symbol="BTCUSDT", venue="binance", kind="spot", base="BTC", quote="USDT",
    tick_size=D("0.01"), lot_size=D("0.1"), quantity_min=D("0.1"), notional_min=D(5),
)  # fmt: skip
ACCOUNT = "main"
AHEAD_MS = 1_000
"""A timestamp may be that far ahead of the venue's clock."""
OPENING = {"USDT": D(20_000), "BTC": D(50), "BNB": D(100)}

Command = SubmitOrder | CancelOrder


class Exchange:
    """One account at one venue."""

    def __init__(self, world: World) -> None:
        self._world = world
        settings = SimulatedVenueSettings(
            fee_currency=world.weather.fee_currency,
            fee_prices={"BNB": D(600)} if world.weather.fee_currency == "BNB" else {},
            opening_balances=OPENING,
        )
        self.engine = MatchingEngine(accounts={ACCOUNT: settings}, instruments={BTC: INSTRUMENT})
        self.accepted: dict[str, list[str]] = {}
        """Client order id → venue order ids under which it was ever taken."""
        self.position = D(0)
        """What our fills have made, fees in kind taken off."""
        self.corrected: dict[str, tuple[int, Decimal]] = {}
        """Trade id → how often it was stated anew, and by how much in all."""
        self._executed: dict[str, Decimal] = {}
        """Trade id → quantity as it happened; no correction makes it more."""
        self.by_hand: list[str] = []
        """Client order ids that are not ours."""
        self._transfers = 0
        self._visible_at: dict[str, int] = {}

    @property
    def now_ms(self) -> int:
        """The venue's clock."""
        return self._world.now // MS + self._world.weather.offset_ms

    @property
    def now(self) -> int:
        """The venue's clock in nanoseconds: what its fills and transfers are stamped with."""
        return self._world.now + self._world.weather.offset_ms * MS

    # commands

    def take(self, command: Command) -> Report | None:
        """Work on a command that has just arrived; None when the answer gets lost inside the venue."""
        world, weather = self._world, self._world.weather
        late = self.now_ms - command.venue_timestamp_ms
        if late > command.receive_window_ms or late < -AHEAD_MS:
            return self._refusal(command, "-1021", f"late by {late} ms")
        if world.chance(weather.limited):
            world.counts["turned away"] += 1
            return self._refusal(command, "-1015", "too many orders")
        if world.chance(weather.unsure):
            world.counts["unsure"] += 1
            if world.chance(0.5):
                self._work(command)
            return OutcomeUnknownReport(
                ts_event=world.now, account=ACCOUNT, instrument=BTC, client_order_id=command.client_order_id,
                venue_order_id=None, command=_kind(command), reason="-1007",
            )  # fmt: skip
        return self._work(command)

    def _refusal(self, command: Command, code: str, text: str) -> RejectReport:
        return RejectReport(
            ts_event=self._world.now, account=ACCOUNT, instrument=BTC, venue_order_id=None,
            client_order_id=command.client_order_id, command=_kind(command), code=code, text=text,
        )  # fmt: skip

    def _work(self, command: Command) -> Report | None:
        now = self.now
        if isinstance(command, SubmitOrder):
            # a spot venue knows no reduce-only: what may be sold is what is held
            events = self.engine.submit(msgspec.structs.replace(command.terms, reduce_only=False), now)
            name = events[0].venue_order_id
            if name is not None:
                self.accepted.setdefault(command.client_order_id, []).append(name)
                lag = self._world.random.randrange(self._world.weather.invisible_ms + 1)
                self._visible_at[name] = self._world.now + lag * MS
        else:
            events = self.engine.cancel(
                ACCOUNT, BTC, now,
                venue_order_id=command.venue_order_id, client_order_id=command.client_order_id,
            )  # fmt: skip
        answer = report_of(events[0])
        self._publish(list(events))
        return answer if isinstance(answer, Report) else None

    def _publish(self, events: list[VenueEvent]) -> None:
        for event in events:
            report = report_of(event)
            if isinstance(report, FillReport):
                report = msgspec.structs.replace(report, revision=self._revision(report.trade_id))
            if isinstance(report, FillReport) and self.is_ours(report.client_order_id):
                self._count(report)
            if isinstance(report, Report) and not isinstance(report, RejectReport):
                self._world.line.stream(report)

    def _count(self, fill: FillReport) -> None:
        self._world.counts["fills"] += 1
        self.position += fill.quantity if fill.side == "buy" else -fill.quantity
        if fill.fee_currency == INSTRUMENT.base:
            self.position -= fill.fee

    def _revision(self, trade_id: str) -> int:
        """Of the word that stands; 0 where no later one can come."""
        first = 1 if self._world.weather.corrections else 0
        return first + self.corrected.get(trade_id, (0, D(0)))[0]

    def correct(self) -> None:
        """An execution of ours is stated anew; that of an order that is over in its quantity, too."""
        world, account = self._world, self.engine._desk.accounts[ACCOUNT]
        ours = [place for place, fill in enumerate(account.fills) if self.is_ours(fill.client_order_id)]
        if not ours or not world.may_be_disturbed():
            return
        place = world.random.choice(ours)
        was, order = account.fills[place], account.orders[account.fills[place].venue_order_id]
        quantity, price = was.quantity, was.price + D(world.random.randrange(-20, 21)) / 100
        if not order.is_open:
            most = self._executed.setdefault(was.trade_id, was.quantity)
            part = D(world.random.randrange(1, 20)) / 10
            quantity = world.random.choice((most, D(0), min(part, most)))
        fee = was.fee if quantity else D(0)
        becomes = msgspec.structs.replace(was, quantity=quantity, price=price, fee=fee)
        if not self._can_pay(was, becomes):
            return
        world.counts["corrections"] += 1
        self.engine.restate(ACCOUNT, BTC, _executed(was), _executed(becomes))
        change = abs(becomes.quantity - was.quantity) + abs(becomes.fee - was.fee)
        times, moved = self.corrected.get(was.trade_id, (0, D(0)))
        self.corrected[was.trade_id] = times + 1, moved + change
        fills = account.fills_of[was.venue_order_id]
        account.fills[place] = fills[fills.index(was)] = becomes
        order.filled_quantity += becomes.quantity - was.quantity
        self.position += _executed(becomes).quantity - _executed(was).quantity
        if was.fee_currency == INSTRUMENT.base:
            self.position -= becomes.fee - was.fee
        world.line.stream(self._with_revision(becomes).report(ACCOUNT))

    def _can_pay(self, was: VenueFill, becomes: VenueFill) -> bool:
        """Whether what a correction takes is there; it may be locked nowhere."""
        before, after = _executed(was), _executed(becomes)
        balances = self.engine.balances(ACCOUNT)
        paid = after.quantity * after.price - before.quantity * before.price
        received = after.quantity - before.quantity
        return balances["USDT"].free >= paid and balances["BTC"].free >= -received

    def _with_revision(self, fill: VenueFill) -> VenueFill:
        return msgspec.structs.replace(fill, revision=self._revision(fill.trade_id))

    def transfer(self, asset: str, amount: Decimal) -> None:
        """Money comes or goes; the stream tells of it, and nothing else does."""
        if not self._world.may_be_disturbed():
            return
        if self.engine.transfer(ACCOUNT, asset, amount):
            self._transfers += 1
            self._world.counts["transfers"] += 1
            notice = CashTransferred(
                ts_event=self.now, account=ACCOUNT, asset=asset, amount=amount,
                reason="deposit" if amount > 0 else "withdrawal", transfer_id=f"venue-{self._transfers}",
            )  # fmt: skip
            self._world.line.notice(notice)

    def place_by_hand(self, side: Side, quantity: Decimal, price: Decimal | None) -> None:
        """Somebody else trades in the account."""
        if not self._world.may_be_disturbed():
            return
        number = len(self.by_hand) + 1
        terms = OrderTerms(
            client_order_id=f"web-{number}", account=ACCOUNT, strategy="", instrument=BTC, side=side,
            order_type="market" if price is None else "limit", quantity=quantity, price=price,
        )  # fmt: skip
        self.by_hand.append(terms.client_order_id)
        self._world.counts["orders by hand"] += 1
        self._publish(list(self.engine.submit(terms, self.now)))

    def is_ours(self, client_order_id: str | None) -> bool:
        """Whether an order is one of tickerd's."""
        return client_order_id in self.accepted

    def quote(self, quote: Quote) -> None:
        """The market moves."""
        self._publish(list(self.engine.on_quote(quote, self.now)))

    # questions

    def show_all(self) -> None:
        """Nothing is hidden from questions any more."""
        self._visible_at.clear()

    def _is_visible(self, venue_order_id: str) -> bool:
        return self._visible_at.get(venue_order_id, 0) <= self._world.now

    def order(self, query: QueryOrder) -> list[Report]:
        """What became of an order, fills first."""
        now = self.now
        order = self.engine.find_order(
            ACCOUNT, venue_order_id=query.venue_order_id, client_order_id=query.client_order_id
        )
        if order is None or not self._is_visible(order.venue_order_id):
            return [
                StatusReport(
                    ts_event=now, account=ACCOUNT, instrument=BTC, client_order_id=query.client_order_id,
                    venue_order_id=query.venue_order_id, status="not_found", filled_quantity=D(0),
                    fills_complete=True,
                )
            ]  # fmt: skip
        told = [self._with_revision(fill) for fill in self.engine.order_fills(order)]
        answers = order_reports(ACCOUNT, BTC, order, told, now)
        return [answer for answer in answers if isinstance(answer, Report)]

    def orders(self, query: QueryAccount) -> OrdersEvidence:
        """The open orders that questions can see."""
        orders = self.engine.open_orders(ACCOUNT)
        seen = tuple(order_evidence(each) for each in orders if self._is_visible(each.venue_order_id))
        return OrdersEvidence(asked_seq=query.asked_seq, orders=seen)

    def fills(self, query: QueryAccount) -> FillsEvidence:
        """Every page of the fills after the marks."""
        mark = query.fills_after.get(BTC, "")
        fills = tuple(self._as_listed(fill) for fill in self.engine.fills(ACCOUNT, after_trade_id=mark))
        read_to = fills[-1].trade_id if fills else mark
        before = self.engine.fills(ACCOUNT)[: -len(fills) or None]
        corrected = tuple(self._with_revision(fill) for fill in before if fill.trade_id in self.corrected)
        return FillsEvidence(
            asked_seq=query.asked_seq, fills=fills, read_to={BTC: read_to}, corrected=corrected
        )

    def _as_listed(self, fill: VenueFill) -> VenueFill:
        fill = self._with_revision(fill)
        if not self._world.chance(self._world.weather.unnamed):
            return fill
        return msgspec.structs.replace(fill, client_order_id=None)

    def balances(self, query: QueryAccount) -> BalancesEvidence:
        """What the account holds."""
        return BalancesEvidence(asked_seq=query.asked_seq, total=self.totals())

    def totals(self) -> dict[str, Decimal]:
        """Asset → free and locked together."""
        return {asset: balance.total for asset, balance in self.engine.balances(ACCOUNT).items()}

    def statement(
        self,
        orders: OrdersEvidence | None,
        fills: FillsEvidence | None,
        balances: BalancesEvidence | None,
    ) -> AccountEvidence:
        """The parts that were answered, as one."""
        return AccountEvidence(
            ts_event=self.now, account=ACCOUNT, orders=orders, fills=fills, balances=balances,
            venue_time_ms=self.now_ms,
        )  # fmt: skip


def _executed(fill: VenueFill) -> Executed:
    quantity = fill.quantity if fill.side == "buy" else -fill.quantity
    return Executed(quantity, fill.price, fill.fee, fill.fee_currency)


def _kind(command: Command) -> Literal["submit", "cancel"]:
    return "submit" if isinstance(command, SubmitOrder) else "cancel"
