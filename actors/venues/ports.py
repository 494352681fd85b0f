"""The two ports a venue plugs into. Whatever an edge learns enters the core only through `Intake.offer`.

A feed or broker is one supervised task around its `run`. It reconnects by itself with capped, jittered
back-off and reports its line by `FeedStatus` or `BrokerStarted` / `BrokerStopped`; an exception out of
`run` means it cannot go on and the supervisor makes a fresh one. Nothing here is Binance's or anyone's: a
venue whose client library calls back (IB) puts plain records into the intake from its callbacks, one that
is polled from its polling task.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from actors.messages.account import VenueOrder
from actors.messages.base import Message
from actors.messages.margin import QueryMargin
from actors.messages.market import Bar
from actors.messages.orders import QueryAccount, Side, VenueCommand
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules

BrokerCommand = VenueCommand | QueryAccount | QueryMargin


class Intake(Protocol):
    """Where an edge puts what it has learnt; never blocks and never refuses."""

    def offer(self, message: Message) -> None:
        """Hand over one message; it becomes an input when the sequencer takes it."""


class MarketSubscription(Protocol):
    """What a feed is asked to deliver for one instrument."""

    @property
    def instrument(self) -> str:
        """`BTCUSDT@binance`."""

    @property
    def quotes(self) -> bool:
        """Best bid and ask."""

    @property
    def trades(self) -> bool:
        """Public executions."""

    @property
    def book(self) -> bool:
        """The whole order book, as a snapshot and deltas."""

    @property
    def bar_intervals(self) -> tuple[int, ...]:
        """Nanoseconds; bars that the venue itself publishes."""


class Feed(Protocol):
    """Market data of one venue."""

    venue: str

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Definitions, asked from the venue.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: The venue does not know a symbol, or more than one instrument answers to it.
        """

    async def bars(self, instrument: Instrument, interval_ns: int, start: int, end: int) -> list[Bar]:
        """Closed bars with start ≤ bar start and bar end ≤ end, oldest first; venues page as they must."""

    async def run(self) -> None:
        """Deliver until cancelled. Bars missed while the line was down are fetched and offered in order, then
        `BackfillDone`."""

    async def close(self) -> None:
        """Give the connections up; after this `run` has ended or may be cancelled."""


class Held(NamedTuple):
    """What an account has of one asset, or of one contract; below 0 where it is short."""

    free: Decimal
    locked: Decimal


class Gained(NamedTuple):
    """What is tickerd's of the account's holdings."""

    amounts: dict[str, Decimal]
    """By asset, signed; an asset that is not there has nothing of tickerd's."""
    unsure: dict[str, str]
    """Asset → why the venue's history does not say for certain."""


Outcome = Literal["done", "refused", "not_sent", "unknown"]


class Sale(NamedTuple):
    """What became of one closing order."""

    instrument: str
    side: Side
    client_order_id: str
    quantity: Decimal
    outcome: Outcome
    filled: Decimal
    text: str


class Emergency(Protocol):
    """One account reached straight by its credentials: no core, no tape, no books.

    Every call may raise `VenueUnreachable`, or another `TradingError` when the venue refuses.
    """

    async def account_id(self) -> str:
        """The venue's own id of the account."""

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Everything that rests, whoever has placed it."""

    async def cancel(self, order: VenueOrder) -> None:
        """Cancel one order; an order that is closed by now is no error."""

    async def holdings(self) -> dict[str, Held]:
        """By asset; what is not there is not held."""

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Their definitions."""

    async def gained(self, instruments: Sequence[Instrument]) -> Gained:
        """What tickerd's own orders in these instruments have brought in, fees taken off.

        Raises:
            TradingError: The venue's history says it of none of them.
        """

    async def is_below_minimum(self, instrument: Instrument, quantity: Decimal) -> bool:
        """Whether the venue takes no order as small as this."""

    async def reduce(
        self, instrument: Instrument, side: Side, quantity: Decimal, client_order_id: str
    ) -> Sale:
        """Sell, or buy back, at market; sent once, whatever becomes of it."""

    async def close(self) -> None:
        """Give the connections up."""


class Broker(Protocol):
    """Orders of one account at one venue."""

    account: str
    rules: VenueRules

    async def account_id(self) -> str:
        """The venue's own id of the account behind the credentials.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: The credentials are refused.
        """

    def submit(self, command: BrokerCommand) -> None:
        """Take a command whose step is on the tape. Never blocks and never refuses.

        What cannot be sent any more comes back as `NotSent`, what was sent without a certain answer as
        `OutcomeUnknownReport`.
        """

    def backlog(self) -> int:
        """Commands taken and not yet handed to the transport."""

    async def run(self) -> None:
        """Connect, report `BrokerStarted`, send commands and offer reports until cancelled."""

    async def close(self) -> None:
        """Abort the connections: no byte may outlive this call."""
