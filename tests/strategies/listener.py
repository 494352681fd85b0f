"""A strategy that writes down whatever it hears."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors import (
    Bar,
    DayClose,
    FillCorrected,
    OffLoopAnswer,
    OrderFilled,
    OrderUpdate,
    Quote,
    State,
    Strategy,
    StrategyTimer,
    Trade,
    TradeClosed,
)
from actors.messages.orders import OrderRequest
from tests.strategies.stage import SECOND, Stage, a_quote


class Heard(State):
    calls: list[str] = msgspec.field(default_factory=list)


class Listener(Strategy):
    """Writes down whatever it hears."""

    state: Heard

    def hear(self, what: str) -> None:
        self.state.calls.append(what)

    def on_start(self) -> None:
        self.hear("start")

    def on_bar(self, bar: Bar) -> None:
        self.hear(f"bar {bar.close:g}")

    def on_quote(self, quote: Quote) -> None:
        self.hear(f"quote {quote.mid_price:g}")

    def on_trade(self, trade: Trade) -> None:
        self.hear(f"trade {trade.price:g}")

    def on_timer(self, timer: StrategyTimer) -> None:
        self.hear(f"timer {timer.key} {(self.ctx.now - timer.ts_event) // SECOND}s late")

    def on_order(self, update: OrderUpdate) -> None:
        self.hear(type(update).__name__)

    def on_fill(self, fill: OrderFilled) -> None:
        self.hear(f"fill {fill.quantity} at position {self.ctx.position()}")

    def on_fill_corrected(self, corrected: FillCorrected) -> None:
        self.hear(f"corrected to {corrected.after.quantity} at position {self.ctx.position()}")

    def on_trade_closed(self, trade: TradeClosed) -> None:
        self.hear(f"closed {trade.realised_pnl}")

    def on_day_close(self, day: DayClose) -> None:
        self.hear(f"day {day.ts_event}")

    def on_result(self, answer: OffLoopAnswer) -> None:
        self.hear(f"result {answer.value} {answer.error}")

    def on_stop(self) -> None:
        self.hear("stop")


def heard(stage: Stage, name: str = "one") -> list[str]:
    calls: list[str] = stage.strategy(name).state.calls
    taken = list(calls)
    calls.clear()
    return taken


class Trader(Listener):
    def on_quote(self, quote: Quote) -> None:
        self.ctx.limit("buy", Decimal("0.5"), self.ctx.round_price(quote.bid_price), post_only=True)


def an_order(stage: Stage, second: int = 1) -> OrderRequest:
    [request] = stage.run(a_quote(second, 100))
    assert isinstance(request, OrderRequest)
    return request
