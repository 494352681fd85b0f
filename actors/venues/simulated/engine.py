"""The matching engine: orders of any number of accounts against each other and against recorded market data.

Every call takes the time, changes state at once and returns what happened, oldest first. It is the core of the
simulated venue in a backtest and in paper trading, and of the exchange process.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from actors.messages.account import VenueFill
from actors.messages.market import Bar, BookDelta, BookSnapshot, InstrumentUpdate, Quote, Trade
from actors.messages.orders import OrderTerms
from actors.model.instrument import Instrument
from actors.venues.simulated.events import Balance, VenueEvent, VenueOrderState
from actors.venues.simulated.settings import SimulatedVenueSettings


class MatchingEngine:
    """Accounts, their orders, and the market they meet."""

    def __init__(
        self, *, accounts: Mapping[str, SimulatedVenueSettings], instruments: Mapping[str, Instrument]
    ) -> None: ...

    # commands

    def submit(self, terms: OrderTerms, now: int) -> list[VenueEvent]:
        """Place an order for `terms.account`: `Rejected` alone, or `Accepted` and what follows from it at once."""
        raise NotImplementedError

    def cancel(
        self,
        account: str,
        instrument: str,
        now: int,
        *,
        venue_order_id: str | None = None,
        client_order_id: str | None = None,
    ) -> list[VenueEvent]:
        """`Cancelled`, or `Rejected` (command `cancel`, `UNKNOWN_ORDER`) when no such order is open."""
        raise NotImplementedError

    def replace(
        self,
        account: str,
        instrument: str,
        now: int,
        *,
        venue_order_id: str,
        quantity: Decimal,
        price: Decimal | None,
        stop_price: Decimal | None = None,
    ) -> list[VenueEvent]:
        """`Replaced` and what follows, or `Rejected` (command `replace`). Only a smaller quantity keeps the priority."""
        raise NotImplementedError

    # the market

    def on_quote(self, quote: Quote, now: int) -> list[VenueEvent]:
        """Best bid and ask have changed."""
        raise NotImplementedError

    def on_trade(self, trade: Trade, now: int) -> list[VenueEvent]:
        """Others have traded."""
        raise NotImplementedError

    def on_bar(self, bar: Bar, now: int) -> list[VenueEvent]:
        """A whole bar; matched only where neither quotes, trades nor books of the instrument have come."""
        raise NotImplementedError

    def on_book_snapshot(self, book: BookSnapshot, now: int) -> list[VenueEvent]:
        """The whole visible book."""
        raise NotImplementedError

    def on_book_delta(self, delta: BookDelta, now: int) -> list[VenueEvent]:
        """Levels that have changed."""
        raise NotImplementedError

    def on_instrument(self, update: InstrumentUpdate, now: int) -> list[VenueEvent]:
        """New steps and limits, or trading stops: open orders stay, new ones are refused while it does."""
        raise NotImplementedError

    def end_day(self, instrument: str, now: int) -> list[VenueEvent]:
        """DAY orders of this instrument expire."""
        raise NotImplementedError

    # what there is

    def balances(self, account: str) -> dict[str, Balance]:
        """Every asset the account has ever had, in the order they came."""
        raise NotImplementedError

    def open_orders(self, account: str, instrument: str | None = None) -> list[VenueOrderState]:
        """Oldest first."""
        raise NotImplementedError

    def orders(self, account: str, instrument: str | None = None) -> list[VenueOrderState]:
        """All orders still remembered, closed ones too, oldest first."""
        raise NotImplementedError

    def find_order(
        self, account: str, *, venue_order_id: str | None = None, client_order_id: str | None = None
    ) -> VenueOrderState | None:
        """By the venue's id if given, else the newest order with this client id."""
        raise NotImplementedError

    def fills(
        self, account: str, instrument: str | None = None, *, after_trade_id: str = ""
    ) -> list[VenueFill]:
        """Executions with a greater trade id, oldest first."""
        raise NotImplementedError

    def order_fills(self, order: VenueOrderState) -> list[VenueFill]:
        """Executions of one order, oldest first."""
        raise NotImplementedError

    # money from outside, and memory

    def add_account(self, account: str, settings: SimulatedVenueSettings) -> None:
        """Open an account with its opening balances."""
        raise NotImplementedError

    def transfer(self, account: str, asset: str, amount: Decimal) -> bool:
        """Deposit (> 0) or withdraw (< 0); False when less than that is free, and nothing has changed."""
        raise NotImplementedError

    def forget_closed(self, account: str, before: int, fills_to: Mapping[str, str]) -> None:
        """Drop orders closed before this time and their fills, as far as `fills_to` names them (trade id per
        instrument) as known to the account's owner."""
        raise NotImplementedError
