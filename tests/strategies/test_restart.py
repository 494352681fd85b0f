"""Stopped after any input and restored, every shipped strategy goes on as if nothing had been."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors import (
    ATR,
    EMA,
    SMA,
    Bar,
    BollingerBands,
    OrderFilled,
    Quote,
    State,
    Strategy,
    StrategyTimer,
    Trade,
)
from actors.bars.actor import BarsActor
from actors.bars.spec import BarSpec
from actors.core.actor import CoreActor
from actors.messages.base import Message
from actors.messages.orders import (
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderRequest,
    OrderTerms,
    ReplaceRequest,
)
from actors.strategies.library.quote_maker import QuoteMaker
from actors.strategies.library.sma_cross import SmaCross
from actors.strategies.spec import StrategySpec
from tests.strategies.stage import (
    BTC,
    MINUTE,
    START,
    Stage,
    a_quote,
    a_spec,
    a_trade,
    an_instrument,
    booked,
    filled,
)


class DeskState(msgspec.Struct):
    orders: dict[str, OrderTerms]
    position: Decimal


class Desk(CoreActor):
    """Answers orders at once: takes all, fills every third in two parts, replaces by a new one."""

    name = "desk"
    state_type = DeskState

    def __init__(self) -> None:
        self.state = DeskState({}, Decimal(0))

    def on_order_request(self, request: OrderRequest) -> None:
        self.take(request.terms)

    def on_replace_request(self, request: ReplaceRequest) -> None:
        old = self.end(request.client_order_id)
        if old is not None:
            price, new_id = request.price, request.new_client_order_id
            self.take(
                msgspec.structs.replace(
                    old, client_order_id=new_id, price=price, replaces=old.client_order_id
                )
            )

    def on_cancel_request(self, request: CancelRequest) -> None:
        self.end(request.client_order_id)

    def take(self, terms: OrderTerms) -> None:
        self.state.orders[terms.client_order_id] = terms
        request = OrderRequest(ts_event=self.now, terms=terms)
        facts = msgspec.structs.asdict(filled(request, "1", "1", self.now))
        names = OrderAccepted.__struct_fields__
        self.send(OrderAccepted(**{name: facts[name] for name in names}))
        if int(terms.client_order_id[-2:], 36) % 3 == 0:
            half = terms.quantity / 2
            for left in (half, Decimal(0)):
                self.state.position += half if terms.side == "buy" else -half
                self.send(filled(request, str(half), str(left), self.now))
                self.send(
                    booked(
                        terms.client_order_id, str(self.state.position), str(half), strategy=terms.strategy
                    )
                )
            del self.state.orders[terms.client_order_id]

    def end(self, client_order_id: str) -> OrderTerms | None:
        terms = self.state.orders.pop(client_order_id, None)
        if terms is not None:
            self.send(
                OrderCancelled(
                    ts_event=self.now, client_order_id=client_order_id, account=terms.account,
                    strategy=terms.strategy, instrument=terms.instrument, filled_quantity=Decimal(0),
                )
            )  # fmt: skip
        return terms

    def snapshot(self) -> DeskState:
        return self.state

    def restore(self, state: DeskState) -> None:
        self.state = state


class Diary(State):
    entries: list[str] = msgspec.field(default_factory=list)
    by_kind: dict[str, int] = msgspec.field(default_factory=dict)


class Everything(Strategy):
    """Uses every part of the API that has a state somewhere."""

    every: str = "45s"

    state: Diary

    def on_setup(self) -> None:
        self.bands = self.ctx.indicator(BollingerBands(4))
        self.range = self.ctx.indicator(ATR(3), timeframe="2m")
        self.mid = self.ctx.indicator(EMA(5), source="quotes")
        self.last = self.ctx.indicator(SMA(3), source="trades")

    def on_start(self) -> None:
        self.ctx.set_timer("tick", every=self.every)

    def note(self, kind: str, text: str) -> None:
        self.state.entries.append(f"{kind} {text}")
        self.state.by_kind[kind] = self.state.by_kind.get(kind, 0) + 1

    def on_bar(self, bar: Bar) -> None:
        self.note("bar", f"{self.bands.upper} {self.range.value} {len(self.ctx.bars(50))}")
        self.ctx.set_timer("later", after="20s")
        if bar.close > self.bands.value:
            self.ctx.long()
        else:
            self.ctx.flat()

    def on_quote(self, quote: Quote) -> None:
        if self.mid.value > quote.mid_price + 0.5:
            self.ctx.limit("buy", Decimal("0.2"), self.ctx.round_price(quote.bid_price))

    def on_trade(self, trade: Trade) -> None:
        for order in self.ctx.open_orders():
            if trade.price > self.last.value + 0.5:
                self.ctx.cancel(order.client_order_id)

    def on_timer(self, timer: StrategyTimer) -> None:
        self.note("timer", f"{timer.key} {self.ctx.now} {self.ctx.position()} {self.ctx.equity}")
        self.ctx.run_off_loop(slow, timer.key)
        if len(self.state.entries) % 7 == 0:
            raise RuntimeError("a bad day")

    def on_fill(self, fill: OrderFilled) -> None:
        self.note("fill", f"{fill.quantity} {self.ctx.position()}")


def slow(key: str) -> str:
    return key


SPECS = {
    "sma_cross": a_spec(SmaCross, parameters={"fast": 2, "slow": 4}),
    "quote_maker": a_spec(
        QuoteMaker, timeframes=(), parameters={"quantity": "0.1", "inventory_max": "1", "orders_per_10s": 5}
    ),
    "everything": a_spec(Everything, timeframes=(MINUTE, 2 * MINUTE)),
}


def a_stage(spec: StrategySpec) -> Stage:
    bars = BarsActor(
        [
            BarSpec(instrument=BTC, interval_ns=MINUTE),
            BarSpec(instrument=BTC, interval_ns=2 * MINUTE, source="bars", source_interval_ns=MINUTE),
        ],
        instruments={BTC: an_instrument()},
    )
    return Stage(spec, others=[bars, Desk()])


def a_market(seed: int, count: int = 180) -> list[Message]:
    chance = random.Random(seed)
    price, second = 100.0, 1.0
    inputs: list[Message] = []
    for _ in range(count):
        second += chance.random() * 12
        price = round(price + chance.choice([-0.4, -0.01, 0, 0.01, 0.4]), 2)
        inputs.append(a_quote(second, price) if chance.random() < 0.6 else a_trade(second, price))
    return inputs


def play(stage: Stage, inputs: list[Message], number: int = 0) -> list[bytes]:
    """What each input's step sent; a failed strategy is resumed every 25 inputs."""
    sent = []
    for n, message in enumerate(inputs, number):
        step: list[Any] = stage.run(message)
        if n % 25 == 24:
            step += stage.state("active", ts=message.ts_event, account="paper", strategy="one")
        sent.append(msgspec.msgpack.encode(step))
    return sent


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_stopped_after_any_input_and_restored_it_sends_the_same(name: str) -> None:
    seed, spec = 5, SPECS[name]
    inputs = a_market(seed)
    whole = a_stage(spec)
    whole.start()
    sent, snapshots = [], []
    for n, message in enumerate(inputs):
        sent += play(whole, [message], n)
        snapshots.append(whole.snapshot())
    assert sum(len(step) > 1 for step in sent) >= 5, "a life in which something happens"
    for k in range(len(inputs)):
        again = a_stage(spec)
        again.restore(snapshots[k])
        assert again.snapshot() == snapshots[k], f"{name}, seed {seed}, k {k}"
        ahead = inputs[k + 1 :]
        assert play(again, ahead, k + 1) == sent[k + 1 :], f"{name}, seed {seed}, k {k}"
        if ahead:
            assert again.snapshot() == snapshots[-1], f"{name}, seed {seed}, k {k}"


@pytest.mark.parametrize("name", SPECS)
def test_what_it_did_does_not_depend_on_what_comes_later(name: str) -> None:
    inputs = a_market(9)
    whole = a_stage(SPECS[name])
    whole.start()
    sent = play(whole, inputs)
    for cut in (40, 130):
        part = a_stage(SPECS[name])
        part.start()
        assert play(part, inputs[:cut]) == sent[:cut]


def test_nothing_is_left_of_a_strategy_that_is_no_longer_configured() -> None:
    before = a_stage(SPECS["sma_cross"])
    before.start()
    play(before, a_market(1, 50))
    other = msgspec.structs.replace(SPECS["sma_cross"], name="other")
    after = a_stage(other)
    after.restore(before.snapshot())
    assert not after.strategy("other").ctx.open_orders()
    after.start(ts=START + 20 * MINUTE)
