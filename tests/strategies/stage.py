"""A small stage for strategies: a sequencer with the host, and a recorder of everything it says."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from actors.core.actor import CoreActor
from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.messages.account import PositionChanged
from actors.messages.base import Message
from actors.messages.control import Scope, Started, StateChanged, TradingState
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.market import Bar, Quote, Trade
from actors.messages.orders import OrderAccepted, OrderFilled, OrderRequest, Side
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.strategies.base import Strategy
from actors.strategies.host import FailureHook, StrategyHost
from actors.strategies.spec import StrategySpec

BTC, ETH = "BTCUSDT@binance", "ETHUSDT@binance"
MINUTE = 60_000_000_000
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND // MINUTE * MINUTE


def an_instrument(name: str = BTC, **changes: Any) -> Instrument:
    symbol = name.partition("@")[0]
    return msgspec.structs.replace(
        Instrument(
            id=name, symbol=symbol, venue="binance", kind="spot", base=symbol.removesuffix("USDT"),
            quote="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"),
        ),
        **changes,
    )  # fmt: skip


def a_spec(strategy: type[Strategy], name: str = "one", **changes: Any) -> StrategySpec:
    given = {"account": "paper", "instruments": (BTC,), "timeframes": (MINUTE,), **changes}
    return StrategySpec(name=name, strategy=strategy, **given)


def a_host(*specs: StrategySpec, **settings: Any) -> StrategyHost:
    settings.setdefault("instruments", {name: an_instrument(name) for name in (BTC, ETH)})
    return StrategyHost(specs, currencies={"paper": "USDT"}, **settings)


class Stage:
    """Feeds a host and remembers what left it, input by input."""

    def __init__(
        self,
        *specs: StrategySpec,
        others: Sequence[CoreActor] = (),
        on_failure: FailureHook | None = None,
        **settings: Any,
    ) -> None:
        self.host = a_host(*specs, on_failure=on_failure, **settings)
        ids = ClientOrderIds(store_id="TEST", epoch=1)
        self.sequencer = Sequencer(actors=[*others, self.host], ids=ids)

    def run(self, message: Message, ts: int | None = None) -> list[Message]:
        """What was sent in this input's step."""
        self.sequencer.run(message, message.ts_event if ts is None else ts)
        sent, self.sequencer.sent = self.sequencer.sent, []
        return sent

    def start(self, state: TradingState = "active", ts: int = START) -> list[Message]:
        """A process life whose account may trade at once."""
        return [*self.run(Started(ts_event=ts, epoch=1)), *self.state(state, ts=ts)]

    def state(self, state: TradingState, ts: int = START, **scope: str) -> list[Message]:
        where = Scope(**(scope or {"account": "paper"}))
        return self.run(StateChanged(ts_event=ts, scope=where, state=state, reason="test"))

    def strategy(self, name: str = "one") -> Any:
        return self.host._runners[name].strategy

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self.sequencer.snapshot())

    def restore(self, snapshot: bytes) -> None:
        self.sequencer.restore(msgspec.msgpack.decode(snapshot, type=CoreSnapshot))


def a_bar(minute: int, close: float, instrument: str = BTC, interval_ns: int = MINUTE) -> Bar:
    """The bar that ends `minute` minutes after the start."""
    return Bar(
        ts_event=START + minute * MINUTE, instrument=instrument, interval_ns=interval_ns,
        open=close, high=close + 1, low=close - 1, close=close, volume=1.0,
    )  # fmt: skip


def a_quote(second: float, mid: float, instrument: str = BTC, spread: float = 0.02) -> Quote:
    return Quote(
        ts_event=START + int(second * SECOND), instrument=instrument,
        bid_price=round(mid - spread / 2, 8), bid_size=1.0,
        ask_price=round(mid + spread / 2, 8), ask_size=1.0,
    )  # fmt: skip


def a_trade(second: float, price: float, size: float = 1.0, instrument: str = BTC) -> Trade:
    return Trade(
        ts_event=START + int(second * SECOND), instrument=instrument, trade_id=str(second), price=price,
        size=size, aggressor="buy",
    )  # fmt: skip


def accepted(request: OrderRequest, ts: int = START) -> OrderAccepted:
    terms = request.terms
    return OrderAccepted(
        ts_event=ts, client_order_id=terms.client_order_id, account=terms.account, strategy=terms.strategy,
        instrument=terms.instrument, venue_order_id="v" + terms.client_order_id,
    )  # fmt: skip


def filled(request: OrderRequest, quantity: str, remaining: str, ts: int = START) -> OrderFilled:
    terms = request.terms
    return OrderFilled(
        ts_event=ts, client_order_id=terms.client_order_id, account=terms.account, strategy=terms.strategy,
        instrument=terms.instrument, venue_order_id="v", trade_id="t", side=terms.side,
        quantity=Decimal(quantity), price=Decimal(100), fee=Decimal(0), fee_currency="USDT",
        liquidity="maker", remaining=Decimal(remaining), mid_price=None,
    )  # fmt: skip


def corrected(fill: OrderFilled, quantity: str, filled_quantity: str) -> FillCorrected:
    before = FillFigures(quantity=fill.quantity, price=fill.price, fee=fill.fee, fee_currency="USDT")
    return FillCorrected(
        ts_event=START, client_order_id=fill.client_order_id, account=fill.account, strategy=fill.strategy,
        instrument=fill.instrument, venue_order_id="v", trade_id="t", revision=2, side=fill.side,
        before=before, after=msgspec.structs.replace(before, quantity=Decimal(quantity)), fee_known=True,
        liquidity="maker", mid_price=None, ts_filled=START, filled_quantity=Decimal(filled_quantity),
    )  # fmt: skip


def booked(
    order: str | None,
    position: str,
    filled: str,
    *,
    strategy: str = "one",
    side: Side = "buy",
    ts: int = START,
) -> PositionChanged:
    return PositionChanged(
        ts_event=ts, account="paper", strategy=strategy, instrument=BTC, quantity=Decimal(position),
        entry_price_average=Decimal(100), realised_pnl=Decimal(0), account_quantity=Decimal(position),
        client_order_id=order, filled_quantity=Decimal(filled),
    )  # fmt: skip
