"""The matching engine: orders of any number of accounts against each other and against the recorded market.

Every call takes the time, changes state at once and returns what happened, oldest first. It is the core of
the simulated venue in a backtest and in paper trading, and of the exchange process. How orders meet the
market is said in `market.py`, what they cost in `accounts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter

import msgspec

from actors.messages.account import VenueFill
from actors.messages.market import Bar, BookDelta, BookSnapshot, InstrumentUpdate, Quote, Trade
from actors.messages.orders import Command, OrderTerms
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.instrument import ZERO, Instrument
from actors.venues.simulated import reject
from actors.venues.simulated.accounts import AccountState, Executed
from actors.venues.simulated.admission import money_refusal, not_open, replace_refusal, submit_refusal
from actors.venues.simulated.desk import Desk
from actors.venues.simulated.events import Balance, Rejected, Replaced, VenueEvent, VenueOrderState
from actors.venues.simulated.market import Market
from actors.venues.simulated.recorded import MarketState
from actors.venues.simulated.reject import Refusal
from actors.venues.simulated.settings import MarketSettings, SimulatedVenueSettings, Slippage
from actors.venues.simulated.slippage import Slip, SlippageFunction
from actors.venues.simulated.trailing import begun

PLAIN_MARKET = MarketSettings()


class EngineState(msgspec.Struct, array_like=True):
    """The whole engine as checkpoints keep it; it shares live orders, so encode it before the next call."""

    last_order_id: int
    last_trade_id: int
    last_priority: int
    accounts: list[AccountState]
    markets: list[MarketState]


class MatchingEngine:
    """Accounts, their orders, and the market they meet. Account names and instruments must be known to it."""

    def __init__(
        self,
        *,
        accounts: Mapping[str, SimulatedVenueSettings],
        instruments: Mapping[str, Instrument],
        market: MarketSettings = PLAIN_MARKET,
        slippage: SlippageFunction | None = None,
        calendars: Calendars = BUILT_IN,
        lag_ns: int = 0,
    ) -> None:
        """`lag_ns` is how long after an instant the market data of it come."""
        self._desk, self._settings = Desk(calendars, lag_ns), market
        self._slip = Slip(market.slippage, slippage) if market.slippage != Slippage() else None
        self.markets: dict[str, Market] = {name: self._market_of(i) for name, i in instruments.items()}
        """By instrument."""
        self._desk.markets = self.markets
        for name, settings in accounts.items():
            self.add_account(name, settings)

    def _market_of(self, instrument: Instrument) -> Market:
        return Market(instrument, self._desk, self._settings, self._slip)

    def begin_ids(self, last: int) -> None:
        """Give the ids of orders and trades from behind `last` on; before the first of either."""
        assert self._desk.last_order_id == self._desk.last_trade_id == 0, "ids never go back"
        self._desk.last_order_id = self._desk.last_trade_id = last

    # commands

    def submit(self, terms: OrderTerms, now: int) -> list[VenueEvent]:
        """Place an order for `terms.account`: `Rejected`, or `Accepted` and what follows from it at once."""
        events = self._desk.begin(now)
        market = self.markets.get(terms.instrument)
        if market is None:
            unknown = reject.UNKNOWN_INSTRUMENT, f"instrument={terms.instrument}"
            self._reject("submit", unknown, terms.account, terms.instrument, terms.client_order_id, None)
            return events
        terms = begun(market, terms)
        lock_price = terms.price or terms.stop_price or market.reference(terms.side)
        refused = submit_refusal(market, terms, lock_price)
        if refused is None:
            order = self._desk.draft(terms, market.instrument, lock_price or ZERO)
            refused = money_refusal(market, order)
            if refused is None:
                self._desk.accept(order, market.instrument)
                market.arrive(order)
                return events
        self._reject("submit", refused, terms.account, terms.instrument, terms.client_order_id, None)
        return events

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
        events = self._desk.begin(now)
        order = self.find_order(account, venue_order_id=venue_order_id, client_order_id=client_order_id)
        if order is None or not order.is_open or order.instrument != instrument:
            self._reject(
                "cancel", not_open(order), account, instrument, client_order_id or "", venue_order_id
            )
            return events
        market = self.markets[instrument]
        market.detach(order)
        self._desk.cancel(order, market.instrument)
        market.refresh()
        return events

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
        """`Replaced` and what follows, or `Rejected` (command `replace`).

        Quantity is the new total. Only a smaller quantity at the same prices keeps the order's priority.
        """
        events = self._desk.begin(now)
        order = self.find_order(account, venue_order_id=venue_order_id)
        if order is None or not order.is_open or order.instrument != instrument:
            self._reject("replace", not_open(order), account, instrument, "", venue_order_id)
            return events
        market = self.markets[instrument]
        refused = replace_refusal(market, order, quantity, price, stop_price)
        if refused is not None:
            self._reject("replace", refused, account, instrument, order.client_order_id, venue_order_id)
            return events
        keeps = price == order.price and stop_price == order.stop_price and quantity <= order.quantity
        if not keeps:
            market.detach(order)
            order.has_rested, order.priority = False, self._desk.next_priority()
        self._change(order, market, quantity, price, stop_price)
        if not keeps:
            market.arrive(order)
        return events

    def _change(
        self,
        order: VenueOrderState,
        market: Market,
        quantity: Decimal,
        price: Decimal | None,
        stop_price: Decimal | None,
    ) -> None:
        order.quantity, order.price, order.stop_price = quantity, price, stop_price
        order.lock_price = price or stop_price or order.lock_price
        order.ts_updated = self._desk.now
        self._desk.accounts[order.account].relock(order, market.instrument)
        self._desk.events.append(
            Replaced(
                account=order.account,
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                ts=self._desk.now,
                quantity=quantity,
                price=price,
                stop_price=stop_price,
            )
        )

    def _reject(
        self,
        command: Command,
        refused: Refusal,
        account: str,
        instrument: str,
        client_order_id: str,
        venue_order_id: str | None,
    ) -> None:
        self._desk.events.append(
            Rejected(
                account=account,
                instrument=instrument,
                client_order_id=client_order_id,
                venue_order_id=venue_order_id,
                ts=self._desk.now,
                command=command,
                code=refused[0],
                text=refused[1],
            )
        )

    # the market; an instrument that is not known is passed over

    def _market(self, instrument: str, now: int) -> Market | None:
        self._desk.begin(now)
        return self.markets.get(instrument)

    def on_quote(self, quote: Quote, now: int) -> list[VenueEvent]:
        """Best bid and ask have changed."""
        if (market := self._market(quote.instrument, now)) is not None and market.note_quote(quote):
            market.meet_depth()
        return self._desk.events

    def on_trade(self, trade: Trade, now: int) -> list[VenueEvent]:
        """Others have traded."""
        if (market := self._market(trade.instrument, now)) is not None and market.note_trade(trade):
            market.meet_trade(trade)
        return self._desk.events

    def on_bar(self, bar: Bar, now: int) -> list[VenueEvent]:
        """A whole bar; matched only where neither quotes, trades nor books of the instrument have come."""
        if (market := self._market(bar.instrument, now)) is not None and market.note_bar(bar):
            market.meet_bar(bar)
        return self._desk.events

    def on_book_snapshot(self, book: BookSnapshot, now: int) -> list[VenueEvent]:
        """The whole visible book."""
        if (market := self._market(book.instrument, now)) is not None:
            market.on_book_snapshot(book)
        return self._desk.events

    def on_book_delta(self, delta: BookDelta, now: int) -> list[VenueEvent]:
        """Levels that have changed."""
        if (market := self._market(delta.instrument, now)) is not None:
            market.on_book_delta(delta)
        return self._desk.events

    def on_instrument(self, update: InstrumentUpdate, now: int) -> list[VenueEvent]:
        """New steps and limits, or trading stops: open orders stay, new ones are refused while it does."""
        if (market := self._market(update.instrument, now)) is not None:
            market.redefine(update.definition, is_trading=update.is_trading)
        return self._desk.events

    def end_day(self, instrument: str, now: int) -> list[VenueEvent]:
        """DAY orders of this instrument expire."""
        events = self._desk.begin(now)
        market = self.markets[instrument]
        for order in self._open_by_priority():
            if order.instrument == instrument and order.time_in_force == "day":
                market.detach(order)
                self._desk.expire(order, market.instrument, "DAY")
        market.refresh()
        return events

    # what the venue does by itself

    @property
    def desk(self) -> Desk:
        """Accounts, and the events of the running call."""
        return self._desk

    def close_out(self, account: str, instrument: str, change: Decimal, now: int) -> list[VenueEvent]:
        """Sell (`change` < 0) or buy at market for an account that can no longer carry its position."""
        events = self._desk.begin(now)
        market = self.markets[instrument]
        number = self._desk.last_order_id + 1
        terms = OrderTerms(
            client_order_id=f"liquidation:{number}",
            account=account,
            strategy="",
            instrument=instrument,
            side="buy" if change > ZERO else "sell",
            order_type="market",
            quantity=abs(change),
        )
        order = self._desk.draft(terms, market.instrument, ZERO)
        order.is_liquidation = True
        self._desk.accept(order, market.instrument)
        market.arrive(order)
        return events

    def expire_all(self, account: str, reason: str, now: int) -> list[VenueEvent]:
        """End every open order of an account."""
        events = self._desk.begin(now)
        for order in list(self._desk.accounts[account].open.values()):
            market = self.markets[order.instrument]
            market.detach(order)
            self._desk.expire(order, market.instrument, reason)
            market.refresh()
        return events

    # what there is

    def balances(self, account: str) -> dict[str, Balance]:
        """Every asset the account has ever had, in the order they came."""
        return self._desk.accounts[account].balances()

    def open_orders(self, account: str, instrument: str | None = None) -> list[VenueOrderState]:
        """Oldest first."""
        orders = self._desk.accounts[account].open.values()
        return [order for order in orders if instrument is None or order.instrument == instrument]

    def orders(self, account: str, instrument: str | None = None) -> list[VenueOrderState]:
        """All orders still remembered, closed ones too, oldest first."""
        orders = self._desk.accounts[account].orders.values()
        return [order for order in orders if instrument is None or order.instrument == instrument]

    def order_count(self, account: str) -> int:
        """How many orders are remembered."""
        return len(self._desk.accounts[account].orders)

    def find_order(
        self, account: str, *, venue_order_id: str | None = None, client_order_id: str | None = None
    ) -> VenueOrderState | None:
        """By the venue's id if given, else the newest with this client id; given both, both must fit."""
        owner = self._desk.accounts[account]
        if venue_order_id is None:
            return owner.by_client.get(client_order_id or "")
        order = owner.orders.get(venue_order_id)
        is_other = order is not None and client_order_id not in (None, order.client_order_id)
        return None if is_other else order

    def fills(
        self, account: str, instrument: str | None = None, *, after_trade_id: str = ""
    ) -> list[VenueFill]:
        """Executions with a greater trade id, oldest first."""
        fills = self._desk.accounts[account].fills_after(after_trade_id)
        return fills if instrument is None else [fill for fill in fills if fill.instrument == instrument]

    def order_fills(self, order: VenueOrderState) -> list[VenueFill]:
        """Executions of one order, oldest first."""
        return list(self._desk.accounts[order.account].fills_of.get(order.venue_order_id, ()))

    @property
    def last_trade_id(self) -> str:
        """Trade id of the newest execution of the engine; `0` before any."""
        return str(self._desk.last_trade_id)

    # money from outside, and memory

    def add_account(self, account: str, settings: SimulatedVenueSettings) -> None:
        """Open an account with its opening balances.

        Raises:
            ConfigError: Its fee currency cannot be priced for some instrument.
        """
        self._desk.add_account(account, settings, {n: m.instrument for n, m in self.markets.items()})

    def transfer(self, account: str, asset: str, amount: Decimal) -> bool:
        """Deposit (> 0) or withdraw (< 0); False when less than that is free, and nothing has changed."""
        owner = self._desk.accounts[account]
        if is_there := owner.withdrawable(asset) + amount >= ZERO:
            owner.move(asset, amount)
        return is_there

    def restate(self, account: str, instrument: str, was: Executed, becomes: Executed) -> None:
        """Put other figures in the place of an execution's; its order stays as it is."""
        self._desk.accounts[account].restate(self.markets[instrument].instrument, was, becomes)

    def forget_closed(self, account: str, before: int, fills_to: Mapping[str, str]) -> None:
        """Drop orders closed before this time, and their fills.

        Kept are orders with a fill whose trade id is greater than `fills_to` has for its instrument.
        """
        self._desk.accounts[account].forget_closed(before, fills_to)

    # state

    def _open_by_priority(self) -> list[VenueOrderState]:
        orders = [order for account in self._desk.accounts.values() for order in account.open.values()]
        return sorted(orders, key=attrgetter("priority"))

    def snapshot(self) -> EngineState:
        """State for the checkpoint."""
        desk = self._desk
        return EngineState(
            desk.last_order_id,
            desk.last_trade_id,
            desk.last_priority,
            [account.snapshot() for account in desk.accounts.values()],
            [market.snapshot() for market in self.markets.values()],
        )

    def restore(self, state: EngineState) -> None:
        """Take a checkpoint's state, save of accounts that were not given at construction."""
        desk = self._desk
        desk.last_order_id, desk.last_trade_id = state.last_order_id, state.last_trade_id
        desk.last_priority = state.last_priority
        for account in state.accounts:
            if account.name in desk.accounts:
                desk.restore(account)
        for saved in state.markets:
            market = self.markets[saved.instrument.id] = self._market_of(saved.instrument)
            market.restore(saved)
        for order in self._open_by_priority():
            self.markets[order.instrument].place(order)
        for market in self.markets.values():
            market.refresh()
