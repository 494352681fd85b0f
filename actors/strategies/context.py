"""`ctx`: everything a strategy can see and do, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from actors.errors import UsageError
from actors.indicators.base import Indicator
from actors.messages.control import OffLoopRequest
from actors.messages.market import Bar, Quote
from actors.messages.orders import (
    Direction,
    Signal,
)
from actors.model.intervals import format_interval, parse_interval
from actors.strategies.ordering import Ordering

if TYPE_CHECKING:
    pass

AnyIndicator = TypeVar("AnyIndicator", bound=Indicator)
Source = Literal["bars", "quotes", "trades"]


class Context(Ordering):
    """A strategy's window on the world. `instrument=None` means the only one that the strategy has."""

    __slots__ = ()

    # indicators, in on_setup only

    def indicator(
        self,
        indicator: AnyIndicator,
        instrument: str | None = None,
        *,
        timeframe: str | int | None = None,
        source: Source = "bars",
    ) -> AnyIndicator:
        """Have the host feed this indicator before it calls a handler, and keep it in every checkpoint.

        Market handlers of the instrument wait until all its indicators are warm. `quotes` feeds mids.
        """
        self._runner.add_indicator(
            indicator, self._named(instrument), self._interval(timeframe, source), source
        )
        return indicator

    # market

    def bars(
        self, count: int, instrument: str | None = None, *, timeframe: str | int | None = None
    ) -> tuple[Bar, ...]:
        """The newest closed bars, oldest first; fewer while the history is shorter."""
        kept = self._runner.lanes[self._named(instrument)].feeds[self._interval(timeframe, "bars")].bars
        if kept.maxlen is not None and count > kept.maxlen:
            raise UsageError(f"{count} bars were asked for, but only {kept.maxlen} are kept: raise `history`")
        return tuple(kept)[-count:] if count > 0 else ()

    def quote(self, instrument: str | None = None) -> Quote | None:
        """The newest quote; None before the first."""
        return self._runner.host.market.quotes.get(self._named(instrument))

    def mark_price(self, instrument: str | None = None) -> float | None:
        """What a position is valued at: the mid, else the newest trade or close; None before any price."""
        return self._runner.host.market.mark_price(self._named(instrument))

    # wanted exposure: how much that is, the portfolio decides

    def long(self, instrument: str | None = None, *, strength: float = 1.0, tag: str | None = None) -> None:
        """Want to be long. Wanting what is wanted already sends nothing; what was refused is sent again when
        it is still wanted after the next bar."""
        if self._runner.wishes.get(instrument or self._only) != ("long", strength):
            self._runner.want(self._named(instrument), "long", strength, tag)

    def short(self, instrument: str | None = None, *, strength: float = 1.0, tag: str | None = None) -> None:
        """Want to be short; see `long`."""
        if self._runner.wishes.get(instrument or self._only) != ("short", strength):
            self._runner.want(self._named(instrument), "short", strength, tag)

    def flat(self, instrument: str | None = None) -> None:
        """Want no position; see `long`."""
        if self._runner.wishes.get(instrument or self._only) != ("flat", 1.0):
            self._runner.want(self._named(instrument), "flat", 1.0)

    def signal(
        self,
        direction: Direction,
        instrument: str | None = None,
        *,
        strength: float = 1.0,
        target_weight: float | None = None,
        tag: str | None = None,
    ) -> None:
        """Say what is wanted, each time anew: the portfolio sizes it at today's prices and equity."""
        name = self._named(instrument)
        self._runner.forget_wish(name)
        self._send(
            Signal(
                ts_event=self.now,
                strategy=self.name,
                instrument=name,
                direction=direction,
                strength=strength,
                target_weight=target_weight,
                tag=tag,
            )
        )

    # what is held

    def position(self, instrument: str | None = None) -> Decimal:
        """The strategy's own signed quantity."""
        return self._runner.host.holdings.position(self.account, self.name, self._named(instrument))

    def entry_price(self, instrument: str | None = None) -> Decimal:
        """Average entry price of the own position; 0 when flat."""
        return self._runner.host.holdings.entry_price_average(
            self.account, self.name, self._named(instrument)
        )

    def account_position(self, instrument: str | None = None) -> Decimal:
        """Net signed quantity over all strategies of the account."""
        return self._runner.host.holdings.account_position(self.account, self._named(instrument))

    def balance(self, asset: str) -> Decimal:
        """What the account holds of one asset, free and locked together."""
        return self._runner.host.holdings.balance(self.account, asset)

    @property
    def cash(self) -> Decimal:
        """What the account holds of its base currency."""
        return self.balance(self._runner.host.currency_of(self.account))

    @property
    def equity(self) -> float:
        """All balances of the account at mark, in its base currency; what has no price yet is left out."""
        host, account = self._runner.host, self.account
        return host.valuation.equity(host.holdings, account, host.currency_of(account), host.market)

    # time and slow work

    def set_timer(
        self,
        key: str,
        *,
        at: int | None = None,
        after: str | int | None = None,
        every: str | int | None = None,
    ) -> None:
        """Have `on_timer` called: `at` a time (ns UTC), `after` a while, or `every` so often (`"10s"` or ns).

        A timer with the same key is replaced. `every` begins one period from now, or at `at`, or `after`.
        """
        period = _duration(every) if every is not None else 0
        if at is None:
            if after is None and not period:
                raise UsageError(f"timer {key!r} never runs: give at=, after= or every=")
            at = self.now + (_duration(after) if after is not None else period)
        self._runner.set_timer(key, at, period)

    def cancel_timer(self, key: str) -> None:
        """Forget a timer; nothing happens when there is none."""
        self._runner.cancel_timer(key)

    def run_off_loop(self, function: Callable[..., Any], *arguments: Any) -> int:
        """Run a slow function elsewhere; its answer comes by `on_result` with the request id returned here.

        Raises:
            UsageError: Not a function at the top level of a module, or arguments that cannot be encoded.
        """
        name = getattr(function, "__qualname__", "")
        if not name.isidentifier():
            raise UsageError(f"run_off_loop needs a function at the top level of a module, not {function!r}")
        try:
            encoded = msgspec.msgpack.encode(arguments)
        except (TypeError, msgspec.MsgspecError) as error:
            raise UsageError(f"run_off_loop({name}): an argument cannot be encoded: {error}") from None
        request_id = self._runner.open_request()
        self._send(
            OffLoopRequest(
                ts_event=self.now,
                request_id=request_id,
                strategy=self.name,
                function=f"{function.__module__}:{name}",
                arguments=encoded,
            )
        )
        return request_id

    # inside

    def _interval(self, timeframe: str | int | None, source: Source) -> int:
        if source != "bars":
            return 0
        if timeframe is None:
            if not self.timeframes:
                raise UsageError(f"{self.name} gets no bars: give it a timeframe, as in timeframes = ['1m']")
            return self.timeframes[0]
        interval = parse_interval(timeframe) if isinstance(timeframe, str) else timeframe
        if interval not in self.timeframes:
            names = ", ".join(format_interval(known) for known in self.timeframes) or "none"
            raise UsageError(f"{self.name} gets no {format_interval(interval)} bars; its timeframes: {names}")
        return interval


def _duration(time: str | float) -> int:
    nanoseconds = parse_interval(time) if isinstance(time, str) else time
    if not isinstance(nanoseconds, int) or nanoseconds <= 0:
        raise UsageError(f'{time!r} is no duration: write "10s" or whole nanoseconds above 0')
    return nanoseconds
