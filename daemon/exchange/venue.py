"""The venue behind the sockets: accounts, orders and money, matched by the engine against the market."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, cast

from actors.messages.market import BookDelta, BookSnapshot, Quote, Trade
from actors.messages.orders import OrderTerms, OrderType, Side, TimeInForce
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import (
    Accepted,
    Balance,
    Cancelled,
    Expired,
    Filled,
    Rejected,
    Replaced,
    Triggered,
    VenueEvent,
)
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.exchange.clock import NS_PER_MS, VenueClock
from daemon.exchange.faults import FaultBook, Subject
from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, Level, PublicTrade, Top
from daemon.exchange.market_data.market import SymbolMarket
from daemon.exchange.orders import Execution, OrderFill, OrderReport, OrderRequest, OrderView, VenueRefusal
from daemon.exchange.records import Records
from daemon.exchange.settings import ExchangeAccount
from daemon.exchange.symbols import Listing
from daemon.exchange.truth import TruthLog
from daemon.exchange.wallet import Wallet

TYPES: dict[str, OrderType] = {
    "LIMIT": "limit",
    "LIMIT_MAKER": "limit",
    "MARKET": "market",
    "STOP_LOSS": "stop",
    "STOP_LOSS_LIMIT": "stop_limit",
}

BOOK_LEVELS = 5_000
FIRST_MS = 1_735_689_600_000
"""2025: ids count on from the milliseconds since, so that no later exchange gives one a second time."""


class VenueListener(Protocol):
    """Who is told what happens to accounts."""

    def on_report(self, report: OrderReport) -> None: ...

    def on_balances(self, account: str, assets: Sequence[str]) -> None: ...

    def on_transfer(self, account: str, asset: str, amount: Decimal) -> None: ...

    def on_cut(self, account: str) -> None:
        """Cut this account's connections."""


class Venue:
    """Every call happens at once; listeners hear of it before the call returns."""

    def __init__(
        self,
        *,
        accounts: Sequence[ExchangeAccount],
        listings: Sequence[Listing],
        fees: tuple[Decimal, Decimal],
        clock: VenueClock,
        truth: TruthLog,
        faults: FaultBook,
    ) -> None:
        self.listings = {listing.symbol: listing for listing in listings}
        self._clock, self._faults = clock, faults
        self._records = Records(truth, self.listings)
        maker_fee, taker_fee = fees
        self._engine = MatchingEngine(
            accounts={
                account.name: SimulatedVenueSettings(
                    maker_fee=maker_fee, taker_fee=taker_fee, opening_balances=account.balances
                )
                for account in accounts
            },
            instruments={listing.instrument.id: listing.instrument for listing in self.listings.values()},
        )
        self.wallet = Wallet(engine=self._engine, clock=clock, moved=self._on_moved)
        self._engine.begin_ids(clock.now_ms() - FIRST_MS)
        self._orders: dict[str, dict[int, OrderView]] = {account.name: {} for account in accounts}
        self._open: dict[str, dict[int, OrderView]] = {account.name: {} for account in accounts}
        self._by_client_id: dict[tuple[str, str], list[OrderView]] = {}
        self._fills: dict[tuple[str, str], list[tuple[OrderView, OrderFill]]] = {}
        self._listeners: list[VenueListener] = []
        self._markets: dict[str, SymbolMarket] = {}
        for account in accounts:
            self._records.opened(account.name, account.balances)

    def listen(self, listener: VenueListener) -> None:
        """Tell this one too."""
        self._listeners.append(listener)

    # orders

    def place(self, account: str, request: OrderRequest, quantity: Decimal) -> OrderView:
        """Take an order; the view shows what became of it at once.

        Raises:
            VenueRefusal: Nothing has changed.
        """
        now = self._clock.now_ns()
        if self._would_trigger(request):
            raise self._refusal(account, request, "WOULD_TRIGGER", f"stop_price={request.stop_price}")
        cut = self._faults.take(
            "partial_fill_then_disconnect", Subject(request.symbol, "order.place", account)
        )
        if cut is not None:
            self._thin_out(request.symbol, quantity, now)
        events = self._engine.submit(self._terms(account, request, quantity), now)
        first = events[0]
        if isinstance(first, Rejected):
            if cut is not None:
                self._restore(request.symbol, now)
            raise self._refusal(account, request, first.code, first.text)
        assert first.venue_order_id is not None
        view = OrderView(
            account=account,
            request=request,
            order_id=int(first.venue_order_id),
            quantity=quantity,
            created_ms=now // NS_PER_MS,
            updated_ms=now // NS_PER_MS,
        )
        self._orders[account][view.order_id] = self._open[account][view.order_id] = view
        self._by_client_id.setdefault((account, request.client_order_id), []).append(view)
        self._tell(events)
        if cut is not None:
            for listener in self._listeners:
                listener.on_cut(account)
            self._restore(request.symbol, now)
        return view

    def cancel(self, order: OrderView, cancel_id: str) -> None:
        """Cancel what is left.

        Raises:
            VenueRefusal: It is not open.
        """
        if not order.is_open:
            raise VenueRefusal("UNKNOWN_ORDER", "the order is closed")
        order.cancel_id = cancel_id
        instrument = self.listings[order.symbol].instrument.id
        events = self._engine.cancel(
            order.account, instrument, self._clock.now_ns(), venue_order_id=str(order.order_id)
        )
        if events and isinstance(events[0], Rejected):
            raise VenueRefusal(events[0].code, events[0].text)
        self._tell(events)

    def find(
        self, account: str, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderView | None:
        """By the venue's id if given, else the newest order with this client id, an open one first."""
        if order_id is not None:
            order = self._orders[account].get(order_id)
            return order if order is not None and order.symbol == symbol else None
        orders = self._by_client_id.get((account, client_order_id or ""), [])
        same = [order for order in orders if order.symbol == symbol]
        return next((order for order in reversed(same) if order.is_open), same[-1] if same else None)

    def rename(self, order: OrderView) -> None:
        """From now on a cancelled order is found under the id of its cancel instead of its own."""
        self._by_client_id[order.account, order.request.client_order_id].remove(order)
        self._by_client_id.setdefault((order.account, order.cancel_id or ""), []).append(order)

    def orders(self, account: str) -> list[OrderView]:
        """All, oldest first."""
        return list(self._orders[account].values())

    def open_orders(self, account: str, symbol: str | None = None) -> list[OrderView]:
        """Oldest first."""
        return [order for order in self._open[account].values() if symbol in (None, order.symbol)]

    def fills(self, account: str, symbol: str) -> list[tuple[OrderView, OrderFill]]:
        """All executions of the account in one symbol, oldest first."""
        return self._fills.get((account, symbol), [])

    # money

    def balances(self, account: str) -> dict[str, Balance]:
        """Every asset the account has ever had."""
        return self._engine.balances(account)

    def _on_moved(self, account: str, asset: str, amount: Decimal) -> None:
        self._records.transferred(account, asset, amount)
        for listener in self._listeners:
            listener.on_transfer(account, asset, amount)
            listener.on_balances(account, [asset])

    # the market

    def on_top(self, market: SymbolMarket, top: Top) -> None:
        """Best bid and ask have changed."""
        self._show_top(market.listing, top, self._clock.now_ns())

    def on_trade(self, market: SymbolMarket, trade: PublicTrade) -> None:
        """Others have traded."""
        now = self._clock.now_ns()
        shown = Trade(
            ts_event=trade.trade_ms * NS_PER_MS,
            instrument=market.listing.instrument.id,
            trade_id=str(trade.trade_id),
            price=float(trade.price),
            size=float(trade.size),
            aggressor="sell" if trade.buyer_is_maker else "buy",
        )
        self._tell(self._engine.on_trade(shown, now))

    def on_depth(self, market: SymbolMarket, change: DepthChange) -> None:
        """Levels have changed."""
        delta = BookDelta(
            ts_event=change.event_ms * NS_PER_MS,
            instrument=market.listing.instrument.id,
            first_update_id=change.first_id,
            last_update_id=change.last_id,
            bids=_levels(change.bids),
            asks=_levels(change.asks),
        )
        self._tell(self._engine.on_book_delta(delta, self._clock.now_ns()))

    def on_snapshot(self, market: SymbolMarket, snapshot: DepthSnapshot) -> None:
        """The whole book."""
        self._markets[market.symbol] = market
        self._show_book(market.listing, snapshot, self._clock.now_ns())

    def on_pause(self, now_ms: int) -> None:
        """Nothing to do between batches."""

    # inside

    def _refusal(self, account: str, request: OrderRequest, code: str, text: str) -> VenueRefusal:
        self._records.refused(account, request.client_order_id, code, text)
        return VenueRefusal(code, text)

    def _would_trigger(self, request: OrderRequest) -> bool:
        """Whether a stop's price has already been reached."""
        market = self._markets.get(request.symbol)
        if request.stop_price is None or market is None or market.top is None:
            return False
        if request.side == "SELL":
            return Decimal(market.last_price or market.top.bid_price) <= request.stop_price
        return Decimal(market.last_price or market.top.ask_price) >= request.stop_price

    def _terms(self, account: str, request: OrderRequest, quantity: Decimal) -> OrderTerms:
        return OrderTerms(
            client_order_id=request.client_order_id,
            account=account,
            strategy="",
            instrument=self.listings[request.symbol].instrument.id,
            side=cast(Side, request.side.lower()),
            order_type=TYPES[request.type],
            quantity=quantity,
            price=request.price,
            stop_price=request.stop_price,
            # what a market order does not get at once it does not get at all
            time_in_force="ioc" if request.type == "MARKET" else _time_in_force(request.time_in_force),
            post_only=request.type == "LIMIT_MAKER",
        )

    def _tell(self, events: Sequence[VenueEvent]) -> None:
        """Bring our views up to date event by event, and tell each step and the new balances."""
        if not events:
            return
        touched: dict[str, dict[str, None]] = {}
        for event in events:
            if isinstance(event, Rejected) or event.venue_order_id is None:
                continue
            order = self._orders[event.account][int(event.venue_order_id)]
            report = self._take(order, event)
            if not order.is_open:
                self._open[event.account].pop(order.order_id, None)
            instrument = self.listings[order.symbol].instrument
            assets = touched.setdefault(event.account, {})
            assets |= {instrument.base: None, instrument.quote: None}
            if isinstance(event, Filled):
                assets[event.fee_currency] = None
            if report is not None:
                for listener in self._listeners:
                    listener.on_report(report)
        for account, assets in touched.items():
            for listener in self._listeners:
                listener.on_balances(account, list(assets))

    def _take(self, order: OrderView, event: VenueEvent) -> OrderReport | None:
        time_ms = order.updated_ms = event.ts // NS_PER_MS
        match event:
            case Accepted():
                self._records.accepted(order)
                order.is_working = order.request.stop_price is None
                order.working_ms = time_ms if order.is_working else -1
                return OrderReport(order=order, execution="NEW", time_ms=time_ms)
            case Filled():
                return self._take_fill(order, event, time_ms)
            case Cancelled():
                order.status, order.closed_ms = "CANCELED", time_ms
                self._records.closed("cancelled", order)
                return OrderReport(order=order, execution="CANCELED", time_ms=time_ms)
            case Expired():
                prevented = event.reason == "SELF_TRADE_PREVENTION"
                order.status = "EXPIRED_IN_MATCH" if prevented else "EXPIRED"
                order.closed_ms, order.expiry_reason = time_ms, event.reason
                self._records.closed("expired", order)
                execution: Execution = "TRADE_PREVENTION" if prevented else "EXPIRED"
                return OrderReport(order=order, execution=execution, time_ms=time_ms)
            case Triggered():
                order.is_working, order.working_ms = True, time_ms
                return None
            case Replaced() | Rejected():
                return None
            case _:
                raise AssertionError(f"the engine says {type(event).__name__}, which no one has told us of")

    def _take_fill(self, order: OrderView, event: Filled, time_ms: int) -> OrderReport:
        fill = OrderFill(
            trade_id=int(event.trade_id),
            price=event.price,
            quantity=event.quantity,
            fee=event.fee,
            fee_asset=event.fee_currency,
            is_maker=event.is_maker,
            time_ms=time_ms,
        )
        order.fills.append(fill)
        self._fills.setdefault((order.account, order.symbol), []).append((order, fill))
        order.executed, order.quote_executed = event.filled_quantity, event.filled_notional
        is_done = event.filled_quantity == event.order_quantity
        order.status = "FILLED" if is_done else "PARTIALLY_FILLED"
        order.closed_ms = time_ms if is_done else None
        self._records.filled(order, fill)
        return OrderReport(order=order, execution="TRADE", time_ms=time_ms, fill=fill)

    def _thin_out(self, symbol: str, quantity: Decimal, now: int) -> None:
        """Leave no more at the best prices than about half of this order, and nothing behind them."""
        top, listing = self._markets[symbol].top, self.listings[symbol]
        if top is None:
            return
        lots = max(1, int(quantity / listing.instrument.lot_size) // 2)
        size = f"{lots * listing.instrument.lot_size:.8f}"
        thin = Top(symbol, top.update_id, top.bid_price, size, top.ask_price, size)
        bids, asks = [(top.bid_price, size)], [(top.ask_price, size)]
        self._show_book(listing, DepthSnapshot(symbol, top.update_id, bids, asks), now)
        self._show_top(listing, thin, now)

    def _restore(self, symbol: str, now: int) -> None:
        """Show the engine the true market again after `_thin_out`."""
        market = self._markets[symbol]
        book = market.book
        whole = DepthSnapshot(symbol, book.last_id, book.bids(BOOK_LEVELS), book.asks(BOOK_LEVELS))
        self._show_book(market.listing, whole, now)
        if market.top is not None:
            self._show_top(market.listing, market.top, now)

    def _show_book(self, listing: Listing, snapshot: DepthSnapshot, now: int) -> None:
        book = BookSnapshot(
            ts_event=now,
            instrument=listing.instrument.id,
            update_id=snapshot.last_id,
            bids=_levels(snapshot.bids),
            asks=_levels(snapshot.asks),
        )
        self._tell(self._engine.on_book_snapshot(book, now))

    def _show_top(self, listing: Listing, top: Top, now: int) -> None:
        quote = Quote(
            ts_event=now,
            instrument=listing.instrument.id,
            bid_price=float(top.bid_price),
            bid_size=float(top.bid_size),
            ask_price=float(top.ask_price),
            ask_size=float(top.ask_size),
        )
        events = self._engine.on_quote(quote, now)
        if events:
            self._tell(events)


def _time_in_force(text: str) -> TimeInForce:
    return cast(TimeInForce, text.lower())


def _levels(levels: Sequence[Level]) -> tuple[tuple[float, float], ...]:
    return tuple((float(price), float(size)) for price, size in levels)
