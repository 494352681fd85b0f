"""Builders that state only what matters to a test of sizing."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any, Literal, TypeVar

from actors.core.sequencer import Sequencer
from actors.messages.account import BalanceChanged, PositionChanged
from actors.messages.base import Message
from actors.messages.market import Quote
from actors.messages.orders import (
    CancelRequest,
    Direction,
    OrderCancelled,
    OrderDenied,
    OrderFilled,
    OrderIntent,
    OrderTerms,
    Side,
    Signal,
)
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.portfolio.actor import PortfolioActor, StrategyPlan
from actors.portfolio.sizing import Sizing

BTC = "BTCUSDT@binance"
ETH = "ETHUSDT@binance"
D = Decimal
M = TypeVar("M", bound=Message)
Method = Literal["fixed_quantity", "fixed_notional", "target_weight"]
_ids = count(1)


def an_instrument(base: str = "BTC", **changed: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": f"{base}USDT@binance",
        "symbol": f"{base}USDT",
        "venue": "binance",
        "kind": "spot",
        "base": base,
        "quote": "USDT",
        "tick_size": D("0.01"),
        "lot_size": D("0.001"),
    }
    return Instrument(**{**fields, **changed})


class Rig:
    """A portfolio alone on a sequencer; BTC is quoted at 100. The test plays risk, venue and ledger."""

    def __init__(
        self,
        method: Method = "fixed_quantity",
        amount: str = "10",
        instrument: Instrument | None = None,
        mid: float | None = 100.0,
    ) -> None:
        plan = StrategyPlan(
            account="main", base_currency="USDT", sizing=Sizing(method=method, amount=D(amount))
        )
        instruments = {BTC: instrument or an_instrument(), ETH: an_instrument("ETH")}
        self.portfolio = PortfolioActor(strategies={"s": plan, "other": plan}, instruments=instruments)
        self.sequencer = Sequencer(actors=[self.portfolio], ids=ClientOrderIds(store_id="TEST", epoch=1))
        self.held: dict[tuple[str, str], Decimal] = {}
        if mid is not None:
            self.feed(a_quote(mid))

    def feed(self, *inputs: Message) -> list[Message]:
        self.sequencer.sent.clear()
        for message in inputs:
            self.sequencer.run(message, self.sequencer.now + 1)
        return list(self.sequencer.sent)

    def only(self, kind: type[M], *inputs: Message) -> M:
        (found,) = self.feed(*inputs)
        assert isinstance(found, kind)
        return found

    def wish(self, *inputs: Message) -> str:
        """What came of it, in one word each: `buy 10`, `cancel`, or the code of a denial."""
        return ", ".join(_word(message) for message in self.feed(*inputs))

    def asked(self, *inputs: Message) -> OrderTerms:
        """Terms of the only order asked for."""
        return self.only(OrderIntent, *inputs).terms

    def balance(self, asset: str, total: str) -> Rig:
        self.feed(BalanceChanged(ts_event=0, account="main", asset=asset, total=D(total)))
        return self

    def hold(self, quantity: str, strategy: str = "s") -> Rig:
        """Let a strategy hold this much more, from an opening lot."""
        self.feed(self.booking(D(quantity), None, D(0), strategy))
        return self

    def booking(
        self, change: Decimal, order: str | None, filled: Decimal, strategy: str = "s", instrument: str = BTC
    ) -> PositionChanged:
        key = (strategy, instrument)
        self.held[key] = self.held.get(key, D(0)) + change
        return PositionChanged(
            ts_event=0,
            account="main",
            strategy=strategy,
            instrument=instrument,
            quantity=self.held[key],
            entry_price_average=D(0),
            realised_pnl=D(0),
            account_quantity=self.held[key],
            client_order_id=order,
            filled_quantity=filled,
        )

    def fill(self, terms: OrderTerms, quantity: str | None = None) -> list[Message]:
        """Fill and book an order, wholly unless told otherwise."""
        filled = D(quantity) if quantity is not None else terms.quantity
        change = filled if terms.side == "buy" else -filled
        return self.feed(
            a_fill(terms, filled, terms.quantity - filled),
            self.booking(change, terms.client_order_id, filled, terms.strategy, terms.instrument),
        )


def _word(message: Message) -> str:
    if isinstance(message, OrderIntent):
        return f"{message.terms.side} {message.terms.quantity.normalize():f}"
    if isinstance(message, CancelRequest):
        return "cancel"
    assert isinstance(message, OrderDenied)
    return message.code


def a_signal(direction: Direction = "long", **fields: Any) -> Signal:
    return Signal(**{"ts_event": 0, "strategy": "s", "instrument": BTC, "direction": direction, **fields})


def some_terms(
    side: Side = "buy", quantity: str = "1", price: str | None = None, **changed: Any
) -> OrderTerms:
    fields: dict[str, Any] = {
        "client_order_id": f"own-{next(_ids)}",
        "account": "main",
        "strategy": "s",
        "instrument": BTC,
        "side": side,
        "order_type": "market" if price is None else "limit",
        "quantity": D(quantity),
        "price": None if price is None else D(price),
    }
    return OrderTerms(**{**fields, **changed})


def a_fill(terms: OrderTerms, quantity: Decimal, remaining: Decimal) -> OrderFilled:
    return OrderFilled(
        **_of(terms),
        venue_order_id="7",
        trade_id=f"t{next(_ids)}",
        side=terms.side,
        quantity=quantity,
        price=D(100),
        fee=D(0),
        fee_currency="USDT",
        liquidity="taker",
        remaining=remaining,
        mid_price=None,
    )


def cancelled(terms: OrderTerms, filled: str = "0") -> OrderCancelled:
    return OrderCancelled(**_of(terms), filled_quantity=D(filled))


def denied(terms: OrderTerms, code: str = "STATE_PAUSED") -> OrderDenied:
    return OrderDenied(**_of(terms), code=code, figures="")


def _of(terms: OrderTerms) -> dict[str, Any]:
    return {
        "ts_event": 0,
        "client_order_id": terms.client_order_id,
        "account": terms.account,
        "strategy": terms.strategy,
        "instrument": terms.instrument,
    }


def a_quote(mid: float, instrument: str = BTC) -> Quote:
    return Quote(ts_event=0, instrument=instrument, bid_price=mid, bid_size=1.0, ask_price=mid, ask_size=1.0)
