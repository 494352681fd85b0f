"""What a strategy is: a class with typed parameters, a declared state, and handlers that the host calls.

class SmaCross(Strategy):
    fast: int = 10                                    # parameters: annotated attributes
    slow: int = 30

    def on_setup(self) -> None:                       # indicators belong to the host
        self.fast_average = self.ctx.indicator(SMA(self.fast))
        self.slow_average = self.ctx.indicator(SMA(self.slow))

    def on_bar(self, bar: Bar) -> None:
        if self.fast_average.value > self.slow_average.value:
            self.ctx.long()
        else:
            self.ctx.flat()
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from actors.errors import ConfigError, UsageError
from actors.messages.account import TradeClosed
from actors.messages.control import DayClose, StrategyTimer
from actors.messages.corrections import FillCorrected
from actors.messages.market import Bar, BookDelta, BookSnapshot, CorporateAction, Quote, Trade
from actors.messages.orders import (
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
)
from actors.strategies.context import Context
from actors.strategies.parameters import State, convert_parameters, declared_fields, state_type_of

OrderUpdate = (
    OrderAccepted
    | OrderRejected
    | OrderCancelled
    | OrderReplaced
    | OrderExpired
    | OrderOutcomeUnknown
    | CommandRefused
    | OrderDenied
)
"""Everything that happens to an order but fills, which come by `on_fill`."""


class OffLoopAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of `ctx.run_off_loop`; `error` is None when `value` holds the function's result."""

    request_id: int
    value: Any
    error: str | None
    """`LOST` when the process ended before the answer came."""


class Strategy:
    """Base of all strategies. Override the handlers you need; the others cost nothing.

    Parameters are annotated class attributes and stay as given. What changes from call to call lives in
    `state`, in indicators and in timers, all of which checkpoints keep; setting others after `on_setup`
    raises. When a handler raises, what it had sent is discarded and the strategy pauses until the operator
    resumes it. A paused strategy hears nothing; `ctx` shows it everything that happened meanwhile.
    """

    ctx: Context
    """Everything the strategy can see and do."""
    state: State
    """Annotate it with a subclass of `State` to remember something."""
    history: ClassVar[int] = 100
    """How many closed bars of each instrument and timeframe `ctx.bars` can give."""
    adjusts_history: ClassVar[bool] = False
    """Whether `ctx.bars` and indicators of bars are brought into today's shares by each split and dividend;
    else they keep the prices that were traded."""

    def __init__(self, **parameters: Any) -> None:
        """
        Raises:
            ConfigError: A parameter is unknown, missing or of the wrong type.
        """
        kind: type = type(self)
        values = convert_parameters(kind, parameters)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "state", state_type_of(kind)())

    # handlers, in the order of a strategy's life

    def on_setup(self) -> None:
        """Check parameters and make indicators, before anything runs. Only here may new attributes be set."""

    def on_start(self) -> None:
        """The account may trade and all history is there; once in a strategy's life, restarts included."""

    def on_bar(self, bar: Bar) -> None:
        """A bar has closed; indicators and `ctx.bars` include it.

        Not called before the indicators are warm, nor for bars that come a whole interval late.
        """

    def on_quote(self, quote: Quote) -> None:
        """The best bid or ask has changed."""

    def on_trade(self, trade: Trade) -> None:
        """Somebody traded on the public market."""

    def on_book(self, book: BookSnapshot | BookDelta) -> None:
        """The order book has changed."""

    def on_corporate_action(self, action: CorporateAction) -> None:
        """A split or dividend has taken effect: positions, orders and history, if wished, are new shares."""

    def on_timer(self, timer: StrategyTimer) -> None:
        """A timer named `timer.key` is due; `timer.ts_event` < `ctx.now` says that it was late."""

    def on_order(self, update: OrderUpdate) -> None:
        """Something other than a fill happened to an order of this strategy."""

    def on_fill(self, fill: OrderFilled) -> None:
        """An order was filled, wholly or in part; `ctx.position` includes it."""

    def on_fill_corrected(self, corrected: FillCorrected) -> None:
        """The venue has changed an execution, perhaps of an order long over, or has told its fee at last.

        One that was busted has quantity 0 after it. `ctx.position` includes it; a round trip that was told
        as closed stays as it was told.
        """

    def on_trade_closed(self, trade: TradeClosed) -> None:
        """The position has returned to zero, or was turned round."""

    def on_day_close(self, day: DayClose) -> None:
        """A trading day of one of the instruments has ended."""

    def on_result(self, answer: OffLoopAnswer) -> None:
        """The answer to `ctx.run_off_loop`."""

    def on_stop(self) -> None:
        """The process will end; new orders are refused from here on."""

    # what may not change behind the checkpoint's back

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_is_sealed"):
            raise UsageError(
                f"{type(self).__name__}.{name} cannot be set here: what changes belongs into `state`,"
                " a subclass of State, so that checkpoints keep it"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise UsageError(f"{type(self).__name__}.{name} cannot be deleted: strategies keep their attributes")

    def seal(self) -> None:
        """Called by the host after `on_setup`: from now on no attribute may be set.

        Raises:
            ConfigError: An attribute could change without being seen.
        """
        kind: type = type(self)
        parameters = declared_fields(kind)
        for name, value in self.__dict__.items():
            if name not in parameters and isinstance(value, list | set | bytearray):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is a {type(value).__name__}, which no checkpoint would"
                    " keep: use a tuple if it never changes, or a field of `state`"
                )
            if isinstance(value, dict):
                self.__dict__[name] = MappingProxyType(value)
        self.__dict__["_is_sealed"] = True
