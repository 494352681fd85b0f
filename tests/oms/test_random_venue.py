"""The OMS against a small venue of its own kind that loses, repeats, delays and reorders what it says."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from actors.core.actor import CoreActor
from actors.messages.account import DifferenceFound
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, BrokerStopped, CancelAll, Flatten, GoalMet, Scope, Started
from actors.messages.orders import (
    ApprovedOrder,
    CancelOrder,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderIntent,
    OrderRejected,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    ReplaceReady,
    Side,
    SubmitOrder,
    VenueStatus,
)
from tests.oms.bench import (
    BTC,
    SECOND,
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
    not_sent,
    only,
    position,
    rejected,
    replaced,
    status,
    unsure,
    venue_fill,
    venue_order,
)


class Truth(msgspec.Struct):
    """An order as the venue has it."""

    venue_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    status: VenueStatus = "accepted"
    fills: list[tuple[str, Decimal]] = []

    @property
    def filled(self) -> Decimal:
        return sum((quantity for _, quantity in self.fills), D(0))

    @property
    def is_live(self) -> bool:
        return self.status in ("accepted", "partially_filled")


class Venue:
    """Takes commands, keeps the truth, and answers through a bad line while `faults` is on."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.orders: dict[str, Truth] = {}
        self.line: list[tuple[int, Message]] = []
        self.to_come: list[tuple[int, SubmitOrder]] = []
        self.trades: list[tuple[str, str, Decimal]] = []
        self.faults = True

    def chance(self, probability: float) -> bool:
        return self.faults and self._random.random() < probability

    def say(self, now: int, message: Message, *, lose: float = 0.15) -> None:
        """Send one way: lost, late, doubled, so also out of order."""
        if self.chance(lose):
            return
        for _ in range(2 if self.chance(0.15) else 1):
            delay = self._random.choice((0, 10, 100, 800)) if self.faults else 1
            self.line.append((now + delay * 1_000_000, message))

    def take(self, command: Message, now: int) -> None:
        match command:
            case SubmitOrder():
                if self.chance(0.1):
                    self.say(now, self._named(unsure, command), lose=0.5)  # it never arrives
                elif self.chance(0.05):
                    self.say(now, self._named(not_sent, command), lose=0)
                else:
                    self.to_come.append((now + self._random.choice((0, 50, 4_000)) * 1_000_000, command))
            case CancelOrder():
                if not self.chance(0.15):
                    self._cancel(command, now)
            case ReplaceOrder():
                if not self.chance(0.15):
                    self._replace(command, now)
            case QueryOrder():
                self._answer(command, now)
            case QueryAccount(asked_seq=asked_seq, fills_after=after):
                self._state(asked_seq, after, now)

    def _named(self, make: Any, command: Any, *arguments: Any, **fields: Any) -> Message:
        message: Message = make(*arguments, client_order_id=command.client_order_id, **fields)
        return message

    def advance(self, now: int) -> None:
        """Let submits arrive and orders trade."""
        for due, command in list(self.to_come):
            if due <= now:
                self.to_come.remove((due, command))
                self._arrive(command, now)
        for name, order in self.orders.items():
            if order.is_live and (order.price is None or self.chance(0.2)):
                left = order.quantity - order.filled
                self._trade(name, order, D(self._random.randint(1, int(left))), now)
            elif order.is_live and self.chance(0.03):
                order.status = "expired"
                fields = {"client_order_id": name, "venue_order_id": order.venue_order_id}
                self.say(now, expired(order.filled, **fields))

    def _arrive(self, command: SubmitOrder, now: int) -> None:
        assert command.client_order_id not in self.orders, "an order came twice"
        if self.chance(0.1):
            self.say(now, self._named(rejected, command), lose=0)
            return
        terms = command.terms
        order = Truth(f"v{len(self.orders) + 1}", terms.side, terms.quantity, terms.price)
        self.orders[command.client_order_id] = order
        self.say(now, self._named(accept, command, venue_order_id=order.venue_order_id))
        if self.chance(0.1):
            self.say(now, self._named(unsure, command))

    def _trade(self, name: str, order: Truth, quantity: Decimal, now: int) -> None:
        trade_id = str(len(self.trades) + 1)
        order.fills.append((trade_id, quantity))
        self.trades.append((trade_id, name, quantity))
        order.status = "filled" if order.filled == order.quantity else "partially_filled"
        self.say(now, self._fill(name, order, trade_id, quantity, named=self._random.random() < 0.7))

    def _fill(self, name: str, order: Truth, trade_id: str, quantity: Decimal, *, named: bool) -> Message:
        client_order_id = name if named else None
        return fill(
            trade_id, quantity, client_order_id=client_order_id, venue_order_id=order.venue_order_id,
            side=order.side,
        )  # fmt: skip

    def _cancel(self, command: CancelOrder, now: int) -> None:
        order = self.orders.get(command.client_order_id)
        if order is None or not order.is_live:
            self.say(now, self._named(rejected, command, "cancel", code="UNKNOWN_ORDER"))
            return
        order.status = "cancelled"
        self.say(now, self._named(cancelled, command, order.filled, venue_order_id=order.venue_order_id))

    def _replace(self, command: ReplaceOrder, now: int) -> None:
        order = self.orders[command.client_order_id]
        if not order.is_live or command.quantity <= order.filled:
            self.say(now, self._named(rejected, command, "replace", code="TOO_LATE"))
            return
        order.quantity, order.price = command.quantity, command.price
        terms = {"quantity": order.quantity, "price": order.price}
        self.say(now, self._named(replaced, command, venue_order_id=order.venue_order_id, **terms))

    def _answer(self, command: QueryOrder, now: int) -> None:
        order = self.orders.get(command.client_order_id)
        if order is None or self.chance(0.1):
            self.say(now, self._named(status, command, "not_found"))
            return
        for trade_id, quantity in order.fills:
            self.say(now, self._fill(command.client_order_id, order, trade_id, quantity, named=True))
        self.say(
            now, self._named(status, command, order.status, order.filled, venue_order_id=order.venue_order_id)
        )

    def _state(self, asked_seq: int, after: dict[str, str], now: int) -> None:
        lines = tuple(
            venue_order(
                client_order_id=name, venue_order_id=order.venue_order_id, quantity=order.quantity,
                price=order.price, filled_quantity=order.filled, status=order.status, side=order.side,
            )
            for name, order in self.orders.items()
            if order.is_live
        )  # fmt: skip
        fills = tuple(
            venue_fill(
                trade_id,
                quantity,
                venue_order_id=self.orders[name].venue_order_id,
                side=self.orders[name].side,
            )
            for trade_id, name, quantity in self.trades
            if int(trade_id) > int(after[BTC] or 0)
        )
        read_to = str(len(self.trades)) if self.trades else ""
        whole = not self.chance(0.2)
        self.say(
            now,
            evidence(
                asked_seq, orders=lines if whole else None, fills=fills, read_to=read_to,
                venue_time_ms=now // 1_000_000,
            ),
        )  # fmt: skip


class Held(msgspec.Struct, array_like=True):
    quantity: Decimal = D(0)


class RiskAndLedger(CoreActor):
    """Approves everything, and books every fill, in the very step in which it comes."""

    name = "around"
    state_type = Held

    def __init__(self) -> None:
        self._held = Held()

    def on_request(self, request: OrderIntent | ReplaceReady) -> None:
        self.send(ApprovedOrder(ts_event=self.now, terms=request.terms, mid_price=None))

    def on_order_filled(self, filled: OrderFilled) -> None:
        self._held.quantity += filled.quantity if filled.side == "buy" else -filled.quantity
        self.send(position(self._held.quantity))

    def snapshot(self) -> Held:
        return Held(self._held.quantity)

    def restore(self, state: Held) -> None:
        self._held = state


class World:
    """One bench, one venue, and a hand that approves, cancels, replaces, restarts and cuts the line."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.native = self.random.random() < 0.5
        self.bench = Bench(native_replace=self.native, reconcile_s=20, around=lambda: [RiskAndLedger()])
        self.venue = Venue(self.random)
        self.wanted: list[str] = []
        self.names = 0
        self.epoch = 1

    def feed(self, message: Message) -> None:
        self.pass_on(self.bench.feed(message))

    def pass_on(self, sent: list[Message]) -> None:
        for message in sent:
            self.venue.take(message, self.bench.now)
            if isinstance(message, ReplaceReady):
                self.wanted.append(message.terms.client_order_id)

    def truly_held(self) -> Decimal:
        """The venue's view of the position."""
        signs = {"buy": 1, "sell": -1}
        return sum((signs[order.side] * order.filled for order in self.venue.orders.values()), D(0))

    def new_name(self) -> str:
        self.names += 1
        return f"T0000{self.names:011d}"

    def act(self) -> None:
        pick = self.random.random()
        if pick < 0.25:
            self.wanted.append(self.new_name())
            self.feed(approved(self.wanted[-1], quantity=D(self.random.randint(1, 10))))
        elif pick < 0.40 and self.wanted:
            self.feed(cancel_request(self.random.choice(self.wanted)))
        elif pick < 0.50 and self.wanted:
            replace = approved_replace(
                self.random.choice(self.wanted),
                new_client_order_id=self.new_name(),
                quantity=D(self.random.randint(1, 12)),
                price=D(self.random.randint(90, 110)),
            )
            self.feed(replace)
        elif pick < 0.52:
            self.restart()
        elif pick < 0.54:
            self.feed(BrokerStopped(ts_event=START, account="acc", reason="test"))
            self.feed(BrokerStarted(ts_event=START, account="acc"))

    def restart(self) -> None:
        self.bench.restart()
        self.epoch += 1
        self.feed(Started(ts_event=START, epoch=self.epoch))
        self.feed(BrokerStarted(ts_event=START, account="acc"))

    def step(self, seconds: float) -> None:
        self.pass_on(self.bench.wait(seconds))
        self.venue.advance(self.bench.now)
        due = [message for moment, message in self.venue.line if moment <= self.bench.now]
        self.venue.line = [item for item in self.venue.line if item[0] > self.bench.now]
        if self.venue.faults:
            self.random.shuffle(due)
        for message in due:
            self.feed(message)

    def trade(self) -> None:
        self.feed(BrokerStarted(ts_event=START, account="acc"))
        for _ in range(150):
            self.act()
            self.step(self.random.choice((0, 0.05, 0.5, 3)))

    def settle(self) -> None:
        """A good line until everything is known."""
        self.venue.faults = False
        self.feed(BrokerStarted(ts_event=START, account="acc"))
        self.feed(CancelAll(ts_event=START, scope=Scope(), command_id="1", by="test"))
        for _ in range(120):
            self.step(1)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_line_does_orders_end_once_and_every_fill_counts_once(seed: int) -> None:
    world = World(seed)
    world.trade()
    world.settle()
    check(world, f"seed {seed}")


@pytest.mark.parametrize("seed", range(100, 112))
def test_whatever_the_line_does_flatten_ends_flat_and_never_sells_more_than_is_held(seed: int) -> None:
    world = World(seed)
    world.trade()
    world.feed(Flatten(ts_event=START, scope=Scope(), command_id="2", by="test"))
    for _ in range(100):
        if world.random.random() < 0.05:
            world.restart()
        world.step(world.random.choice((0, 0.5, 3)))
        assert world.truly_held() >= 0, f"seed {seed}"
    world.settle()
    check(world, f"seed {seed}")
    assert world.truly_held() == 0, f"seed {seed}: {world.truly_held()} left"
    met = [message.goal for message in only(world.bench.sent, GoalMet)]
    assert sorted(met) == ["cancel", "flatten"], f"seed {seed}"


def check(world: World, seed: str) -> None:
    sent = world.bench.sent
    submits = Counter(message.client_order_id for message in only(sent, SubmitOrder))
    assert set(submits.values()) <= {1}, seed
    assert all(message.kind != "external_fill" for message in only(sent, DifferenceFound)), seed
    booked: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for message in sent:
        if isinstance(message, OrderFilled):
            booked[message.client_order_id] += message.quantity  # type: ignore[assignment]
            ends[message.client_order_id] += message.remaining == 0
        elif isinstance(message, OrderCancelled | OrderExpired | OrderRejected):
            ends[message.client_order_id] += 1
    for name, order in world.venue.orders.items():
        assert not order.is_live, f"{seed}: {name} still works"
        assert booked[name] == order.filled, f"{seed}: {name} filled {order.filled}, booked {booked[name]}"
    assert sum(booked.values()) == sum(quantity for _, _, quantity in world.venue.trades), seed
    assert all(ends[name] == 1 for name in submits), f"{seed}: {[n for n in submits if ends[n] != 1]}"
    assert world.bench.now < START + 1_000 * SECOND
