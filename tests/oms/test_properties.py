"""The OMS against a model venue under any interleaving of wishes, arrivals, losses, answers, restarts."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.messages.account import DifferenceFound
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, BrokerStopped, Started
from actors.messages.orders import (
    CancelOrder,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    VenueStatus,
)
from tests.oms.bench import (
    BTC,
    START,
    Bench,
    D,
    accept,
    approved,
    approved_replace,
    cancel_request,
    cancelled,
    evidence,
    expired,
    fill,
    only,
    rejected,
    status,
    unsure,
    venue_fill,
    venue_order,
)
from tests.oms.test_random_venue import RiskAndLedger

MS = 1_000_000
PICK = st.integers(0, 1_000)


class Truth(msgspec.Struct):
    """An order as the venue has it."""

    venue_order_id: str
    quantity: Decimal
    status: VenueStatus = "accepted"
    filled: Decimal = D(0)

    @property
    def is_live(self) -> bool:
        return self.status in ("accepted", "partially_filled")


class Mail(msgspec.Struct):
    """What is on its way to us, delivered as one."""

    kind: str
    """`report` comes over the connection and may come twice; `answer` to a question; `statement`."""
    messages: list[Message]


class Line(RuleBasedStateMachine):
    """Every step of the world is a rule, so that hypothesis finds the shortest way to a contradiction."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(reconcile_s=20, around=lambda: [RiskAndLedger()])
        self.names: list[str] = []
        self.epoch = 1
        self.orders: dict[str, Truth] = {}
        self.trades: list[tuple[str, str, Decimal]] = []
        self.flying: list[SubmitOrder] = []
        self.cancels: list[CancelOrder] = []
        self.questions: list[QueryOrder] = []
        self.statement: QueryAccount | None = None
        self.replaces = 0
        self.mail: list[Mail] = []
        self.submitted: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.booked: dict[str, dict[str, Decimal]] = {}

    # what the OMS sends

    def feed(self, *messages: Message) -> None:
        self.heed(self.bench.feed(*messages))

    def heed(self, sent: list[Message]) -> None:
        for message in sent:
            match message:
                case SubmitOrder(client_order_id=name):
                    self.submitted[name] += 1
                    assert self.submitted[name] == 1, f"{name} was sent twice"
                    self.names.append(name)
                    self.flying.append(message)
                case CancelOrder():
                    self.cancels.append(message)
                case QueryOrder(client_order_id=name):
                    if all(question.client_order_id != name for question in self.questions):
                        self.questions.append(message)
                case QueryAccount():
                    self.statement = message
                case OrderFilled(client_order_id=name, trade_id=trade_id, quantity=quantity):
                    trades = self.booked.setdefault(name, {})
                    assert trade_id not in trades, f"trade {trade_id} of {name} was booked twice"
                    trades[trade_id] = quantity
                    if not message.remaining:
                        self.ends(name)
                case OrderCancelled() | OrderExpired() | OrderRejected():
                    self.ends(message.client_order_id)
                case _:
                    pass

    def ends(self, name: str) -> None:
        self.ended[name] += 1
        assert self.ended[name] == 1, f"{name} ended twice"
        truth = self.orders.get(name)
        if truth is not None:
            assert not truth.is_live, f"{name} still works at the venue"
            assert sum(self.booked.get(name, {}).values(), D(0)) == truth.filled
        elif any(submit.client_order_id == name for submit in self.flying):
            assert not self.is_acceptable(name), f"{name} may still be accepted"

    def is_acceptable(self, name: str) -> bool:
        now_ms = self.bench.now // MS
        return any(
            submit.client_order_id == name and now_ms <= submit.venue_timestamp_ms + submit.receive_window_ms
            for submit in self.flying
        )

    def report(self, message: Message) -> None:
        self.mail.append(Mail("report", [message]))

    # what the strategy wishes

    @initialize()
    def connects(self) -> None:
        self.feed(BrokerStarted(ts_event=START, account="acc"))

    @rule(quantity=st.integers(1, 10))
    def place(self, quantity: int) -> None:
        if self.bench.oms.snapshot().accounts["acc"].connected:
            self.feed(approved(f"T{len(self.names) + 1:015d}", quantity=D(quantity)))

    @precondition(lambda self: self.names)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.feed(cancel_request(self.names[pick % len(self.names)]))

    @precondition(lambda self: self.names)
    @rule(pick=PICK, quantity=st.integers(1, 12), price=st.integers(90, 110))
    def replace(self, pick: int, quantity: int, price: int) -> None:
        name = self.names[pick % len(self.names)]
        self.replaces += 1
        successor = f"TR{self.replaces:014d}"
        self.feed(approved_replace(name, new_client_order_id=successor, quantity=D(quantity), price=D(price)))

    # what the venue does

    @precondition(lambda self: self.flying)
    @rule(pick=PICK, refused=st.booleans())
    def submit_arrives(self, pick: int, refused: bool) -> None:
        self._arrives(self.flying[pick % len(self.flying)], refused)

    def _arrives(self, submit: SubmitOrder, refused: bool) -> None:
        name = submit.client_order_id
        in_time = self.is_acceptable(name)
        self.flying.remove(submit)
        if refused or not in_time:
            self.report(rejected(client_order_id=name, code="FUNDS" if in_time else "TIME"))
            return
        truth = self.orders[name] = Truth(f"v{len(self.orders) + 1}", submit.terms.quantity)
        self.report(accept(client_order_id=name, venue_order_id=truth.venue_order_id))

    @precondition(lambda self: self.flying)
    @rule(pick=PICK, is_lost=st.booleans(), is_said=st.booleans())
    def submit_has_no_answer(self, pick: int, is_lost: bool, is_said: bool) -> None:
        submit = self.flying[pick % len(self.flying)]
        if is_lost:
            self.flying.remove(submit)
        if is_said:
            self.report(unsure(client_order_id=submit.client_order_id))

    @precondition(lambda self: self.cancels)
    @rule(pick=PICK, is_lost=st.booleans())
    def cancel_arrives(self, pick: int, is_lost: bool) -> None:
        self._cancelled(self.cancels.pop(pick % len(self.cancels)), is_lost)

    def _cancelled(self, command: CancelOrder, is_lost: bool) -> None:
        name = command.client_order_id
        truth = self.orders.get(name)
        if is_lost:
            return
        if truth is None or not truth.is_live:
            self.report(rejected("cancel", client_order_id=name, code="UNKNOWN_ORDER"))
            return
        truth.status = "cancelled"
        self.report(cancelled(truth.filled, client_order_id=name, venue_order_id=truth.venue_order_id))

    def live(self) -> list[str]:
        return [name for name, truth in self.orders.items() if truth.is_live]

    @precondition(lambda self: self.live())
    @rule(pick=PICK, share=st.integers(1, 4), is_named=st.booleans())
    def trade(self, pick: int, share: int, is_named: bool) -> None:
        name = self.live()[pick % len(self.live())]
        truth = self.orders[name]
        left = truth.quantity - truth.filled
        quantity = max(D(1), left // share)
        truth.filled += quantity
        truth.status = "filled" if truth.filled == truth.quantity else "partially_filled"
        trade_id = str(len(self.trades) + 1)
        self.trades.append((trade_id, name, quantity))
        named = name if is_named else None
        self.report(fill(trade_id, quantity, client_order_id=named, venue_order_id=truth.venue_order_id))

    @precondition(lambda self: self.live())
    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        name = self.live()[pick % len(self.live())]
        truth = self.orders[name]
        truth.status = "expired"
        self.report(expired(truth.filled, client_order_id=name, venue_order_id=truth.venue_order_id))

    # questions

    @precondition(lambda self: self.questions)
    @rule(pick=PICK, is_lost=st.booleans())
    def question_is_answered(self, pick: int, is_lost: bool) -> None:
        self._answered(self.questions.pop(pick % len(self.questions)), is_lost)

    def _answered(self, question: QueryOrder, is_lost: bool) -> None:
        name = question.client_order_id
        truth = self.orders.get(name)
        if is_lost:
            return
        if truth is None:
            self.mail.append(Mail("answer", [status("not_found", client_order_id=name, venue_order_id=None)]))
            return
        about = {"client_order_id": name, "venue_order_id": truth.venue_order_id}
        fills = [fill(number, size, **about) for number, owner, size in self.trades if owner == name]
        self.mail.append(Mail("answer", [*fills, status(truth.status, str(truth.filled), **about)]))

    @precondition(lambda self: self.statement is not None)
    @rule(has_orders=st.booleans(), has_fills=st.booleans())
    def statement_is_made(self, has_orders: bool, has_fills: bool) -> None:
        question, self.statement = self.statement, None
        assert question is not None
        mark = int(question.fills_after[BTC] or 0)
        lines = tuple(
            venue_order(
                client_order_id=name, venue_order_id=truth.venue_order_id, quantity=truth.quantity,
                filled_quantity=truth.filled, status=truth.status,
            )
            for name, truth in self.orders.items()
            if truth.is_live
        )  # fmt: skip
        fills = tuple(
            venue_fill(number, size, venue_order_id=self.orders[name].venue_order_id)
            for number, name, size in self.trades
            if int(number) > mark
        )
        made = evidence(
            question.asked_seq, orders=lines if has_orders else None, fills=fills if has_fills else None,
            read_to=str(len(self.trades)) if self.trades else "", venue_time_ms=self.bench.now // MS,
        )  # fmt: skip
        self.mail.append(Mail("statement", [made]))

    # the way back, and time

    @precondition(lambda self: self.mail)
    @rule(pick=PICK, again=st.booleans())
    def deliver(self, pick: int, again: bool) -> None:
        mail = self.mail[pick % len(self.mail)]
        if not (again and mail.kind == "report"):
            self.mail.remove(mail)
        for message in mail.messages:
            self.feed(message)

    @precondition(lambda self: self.mail)
    @rule(pick=PICK)
    def lose_mail(self, pick: int) -> None:
        del self.mail[pick % len(self.mail)]

    @rule(seconds=st.sampled_from((0.01, 0.3, 2.0, 7.0, 40.0)))
    def wait(self, seconds: float) -> None:
        self.heed(self.bench.wait(seconds))

    @rule()
    def everything_is_answered(self) -> None:
        """Only what has not arrived yet stays on its way."""
        self.wait(0.3)
        while self.questions:
            self._answered(self.questions.pop(0), False)
        while self.mail:
            for message in self.mail.pop(0).messages:
                self.feed(message)

    @rule(seconds=st.sampled_from((0.0, 2.0)))
    def reconnect(self, seconds: float) -> None:
        self.questions.clear()
        self.mail = [mail for mail in self.mail if mail.kind == "statement"]
        self.feed(BrokerStopped(ts_event=START, account="acc", reason="test"))
        self.wait(seconds)
        self.feed(BrokerStarted(ts_event=START, account="acc"))

    @rule(seconds=st.sampled_from((0.0, 20.0)))
    def restart(self, seconds: float) -> None:
        self.bench.restart()
        self.epoch += 1
        self.questions.clear()
        self.mail.clear()
        self.statement = None
        self.bench.now += round(seconds * 1e9)
        self.feed(Started(ts_event=START, epoch=self.epoch))
        self.feed(BrokerStarted(ts_event=START, account="acc"))

    @invariant()
    def what_is_booked_was_traded(self) -> None:
        truth = {(name, number): size for number, name, size in self.trades}
        for name, trades in self.booked.items():
            for number, size in trades.items():
                assert truth[name, number] == size

    def teardown(self) -> None:
        """A good line: everything arrives, everything is answered; then we know what the venue knows."""
        self.reconnect(0.0)
        for _ in range(90):
            for submit in list(self.flying):
                self._arrives(submit, False)
            while self.cancels:
                self._cancelled(self.cancels.pop(0), False)
            if self.statement is not None:
                self.statement_is_made(True, True)
            self.everything_is_answered()
            self.wait(0.7)
        ours = {order.terms.client_order_id for order in self.bench.oms.orders() if not order.is_closed}
        assert ours == set(self.live())
        assert set(self.submitted) == ours | set(self.ended)
        for name, truth in self.orders.items():
            assert sum(self.booked.get(name, {}).values(), D(0)) == truth.filled, name
        kinds = {difference.kind for difference in only(self.bench.sent, DifferenceFound)}
        assert kinds <= {"order_missing"}, "nobody else trades here"


Line.TestCase.settings = settings(max_examples=25, stateful_step_count=40)
TestLine = pytest.mark.slow(Line.TestCase)
