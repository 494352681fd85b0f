"""Orders as TWS treats them, in front of the engine: groups, parents, trails, sessions, times in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from actors.messages.orders import OrderTerms, OrderType, TimeInForce
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import Cancelled, Expired, Filled, Rejected, Triggered, VenueEvent
from daemon.exchange.clock import VenueClock
from daemon.exchange.ib.checks import Refusal, check_order, good_till_ns
from daemon.exchange.ib.contracts import Catalogue
from daemon.exchange.ib.holdings import Holdings
from daemon.exchange.ib.order_request import PlaceOrder
from daemon.exchange.ib.orders import Execution, IbOrder, Status
from daemon.exchange.ib.records import IbRecords
from daemon.exchange.market_data.market import SymbolMarket

ENGINE_TYPES: dict[str, OrderType] = {
    "MKT": "market", "LMT": "limit", "STP": "stop", "STP LMT": "stop_limit",
    "MOC": "market", "LOC": "limit", "TRAIL": "market", "TRAIL LIMIT": "limit",
}  # fmt: skip
FIRST_PERM_ID = 1_000_000_000
Markets = Mapping[str, SymbolMarket]
"""By symbol."""
OCA_REDUCING = (2, 3)
"""Kinds of groups: with and without block."""
WARNED_TIF = "Order TIF was set to DAY based on order preset."


class DeskListener(Protocol):
    """Who is told what happens to orders."""

    def on_order(self, order: IbOrder) -> None:
        """New, or with new terms or a new state."""

    def on_execution(self, execution: Execution) -> None:
        """It has just happened, or was corrected."""

    def on_error(self, order: IbOrder, code: int, text: str) -> None:
        """Something the one who placed it must know."""


class OrderDesk:
    """All orders of all accounts; listeners hear of everything before a call returns."""

    def __init__(
        self,
        *,
        engine: MatchingEngine,
        catalogue: Catalogue,
        holdings: Holdings,
        records: IbRecords,
        clock: VenueClock,
        listener: DeskListener,
        accounts: Sequence[str],
        first_id: int,
    ) -> None:
        """`first_id` makes ids that no earlier fake has given."""
        self._engine, self._catalogue, self._holdings = engine, catalogue, holdings
        self._records, self._clock, self._listener = records, clock, listener
        self._accounts = frozenset(accounts)
        self._last_perm_id = FIRST_PERM_ID + first_id // 100
        self._run_id = f"{first_id & 0xFFFFFFFF:08x}"
        self.orders: list[IbOrder] = []
        self._by_handle: dict[tuple[int, int], IbOrder] = {}
        self._by_perm_id: dict[int, IbOrder] = {}
        self._live: dict[int, IbOrder] = {}
        self.executions: list[Execution] = []

    @property
    def next_perm_id(self) -> int:
        """What the next order will be called."""
        return self._last_perm_id + 1

    # commands of clients

    def place(self, client_id: int, request: PlaceOrder, markets: Markets) -> IbOrder:
        """A new order, or new terms for a live one.

        Raises:
            Refusal: Nothing has changed.
        """
        known = self._by_handle.get((client_id, request.order_id))
        if known is not None and not known.is_done:
            self._modify(known, request)
            return known
        if known is not None:
            raise Refusal(104, "Cannot modify a filled order." if known.filled else "Duplicate order id")
        order = self._made(client_id, request)
        self._take(order)
        if not request.time_in_force:
            self._listener.on_error(order, 10349, WARNED_TIF)
        if request.transmit:
            self._release_family(order, markets)
        if not order.is_done:
            self._work(order, markets.get(order.contract.listing.symbol))
        return order

    def preview(self, client_id: int, request: PlaceOrder) -> IbOrder:
        """The order as it would be; it is kept nowhere.

        Raises:
            Refusal: It would not be taken.
        """
        return self._made(client_id, request)

    def terms_of(self, order: IbOrder) -> OrderTerms:
        """As the engine takes it."""
        request = order.request
        order_type = ENGINE_TYPES[request.order_type]
        return OrderTerms(
            client_order_id=str(order.perm_id),
            account=order.account,
            strategy="",
            instrument=order.contract.instrument.id,
            side="buy" if order.is_buy else "sell",
            order_type=order_type,
            quantity=order.quantity,
            price=order.limit_price if order_type in ("limit", "stop_limit") else None,
            stop_price=_stop(request),
            time_in_force=_time_in_force(request.time_in_force),
        )

    def _made(self, client_id: int, request: PlaceOrder) -> IbOrder:
        contract = check_order(request, self._catalogue, self._engine, self._accounts)
        self._last_perm_id += 1
        return IbOrder(
            perm_id=self._last_perm_id, client_id=client_id, order_id=request.order_id,
            account=request.account, contract=contract, request=request, created_ns=self._clock.now_ns(),
            quantity=request.quantity,
        )  # fmt: skip

    def _take(self, order: IbOrder) -> None:
        self.orders.append(order)
        self._by_handle[order.client_id, order.order_id] = order
        self._by_perm_id[order.perm_id] = order
        self._live[order.perm_id] = order

    def _modify(self, order: IbOrder, request: PlaceOrder) -> None:
        if request.contract.con_id not in (0, order.contract.con_id):
            raise Refusal(105, "Order being modified does not match original order")
        check_order(request, self._catalogue, self._engine, self._accounts)
        if request.quantity <= order.executed:
            raise Refusal(201, f"Order rejected - reason:already filled {order.executed}")
        self._change(order, request)

    def _change(self, order: IbOrder, request: PlaceOrder) -> None:
        if order.venue_order_id is not None:
            wanted = msgspec.structs.replace(order, request=request, quantity=request.quantity)
            terms = self.terms_of(wanted)
            events = self._engine.replace(
                order.account, order.contract.instrument.id, self._clock.now_ns(),
                venue_order_id=order.venue_order_id, quantity=terms.quantity, price=terms.price,
                stop_price=terms.stop_price,
            )  # fmt: skip
            if events and isinstance(events[0], Rejected):
                raise Refusal(201, f"Order rejected - reason:{events[0].text}")
        else:
            events = []
        order.request, order.quantity = request, request.quantity
        self._listener.on_order(order)
        self.tell(events)

    def cancel(self, client_id: int, order_id: int) -> None:
        """End what is left.

        Raises:
            Refusal: There is no such order, or it has ended.
        """
        order = self._by_handle.get((client_id, order_id))
        if order is None:
            raise Refusal(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if order.is_done:
            text = (
                f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            )
            raise Refusal(10148, text)
        self.end(order, "")

    def end(self, order: IbOrder, reason: str) -> None:
        """Cancel it, whoever wants that."""
        self._listener.on_error(order, 202, f"Order Canceled - reason:{reason}")
        if order.venue_order_id is None:
            self._close(order, "Cancelled", reason)
            return
        events = self._engine.cancel(
            order.account, order.contract.instrument.id, self._clock.now_ns(),
            venue_order_id=order.venue_order_id,
        )  # fmt: skip
        self.tell(events)

    def live(self) -> list[IbOrder]:
        """Oldest first."""
        return list(self._live.values())

    def find(self, perm_id: int) -> IbOrder | None:
        """By its permanent id."""
        return self._by_perm_id.get(perm_id)

    # what the market does

    def on_time(self, markets: Markets) -> None:
        """Sessions open and close, times in force end, parents fill, stops trail."""
        now = self._clock.now_ns()
        for order in self.live():
            till = good_till_ns(order.request, order.contract)
            is_open = order.contract.is_open(now)
            if till is not None and now >= till:
                self.end(order, "good till date has passed")
            elif order.held is not None:
                self._work(order, markets.get(order.contract.listing.symbol))
            elif not is_open and (order.request.time_in_force or "DAY") == "DAY":
                self.end(order, "end of the session")

    def tell(self, events: Sequence[VenueEvent]) -> None:
        """What the engine says has happened."""
        for event in events:
            order = self._by_perm_id.get(int(event.client_order_id)) if event.client_order_id else None
            if order is None:
                continue
            match event:
                case Filled():
                    self._fill(order, event)
                case Cancelled():
                    self._close(order, "Cancelled", order.reason)
                case Expired():
                    self._listener.on_error(order, 202, f"Order Canceled - reason:{event.reason}")
                    self._close(order, "Cancelled", event.reason)
                case Triggered():
                    order.status = "Submitted"
                    self._listener.on_order(order)
                case _:
                    pass

    def correct(self, exec_id: str, *, price: Decimal | None = None, quantity: Decimal | None = None) -> bool:
        """State an execution anew, as an exchange does; 0 shares bust it. False without one of this id."""
        old = next((each for each in reversed(self.executions) if each.exec_id == exec_id), None)
        if old is None:
            return False
        new = old.restated(price, quantity)
        self.executions[self.executions.index(old)] = new  # the former revision is not told any more
        order = old.order
        order.executions[order.executions.index(old)] = new
        order.filled += new.shares - old.shares
        order.notional += new.price * new.shares - old.price * old.shares
        moved = self._holdings.correct(self._engine, old, new)
        self._records.corrected(new, moved)
        self._listener.on_execution(new)
        return True

    # inside

    def _release_family(self, order: IbOrder, markets: Markets) -> None:
        """An order that is transmitted takes along what waited for it: its parent, and their children."""
        parent_id = order.request.parent_id
        for other in self.live():
            is_parent = other.order_id == parent_id
            is_sibling = parent_id != 0 and other.request.parent_id == parent_id
            if other is not order and other.client_id == order.client_id and (is_parent or is_sibling):
                other.request = msgspec.structs.replace(other.request, transmit=True)
                self._work(other, markets.get(other.contract.listing.symbol))

    def _work(self, order: IbOrder, market: SymbolMarket | None) -> None:
        """Bring it into the book as soon as nothing holds it back."""
        was = order.held
        order.held = self._why_held(order, market)
        if order.held is None:
            self._submit(order)
        elif was != order.held and order.held != "transmit":
            self._listener.on_order(order)

    def _why_held(self, order: IbOrder, market: SymbolMarket | None) -> str | None:
        request = order.request
        if not request.transmit:
            return "transmit"
        if request.parent_id:
            parent = self._by_handle.get((order.client_id, request.parent_id))
            if parent is not None and parent.status in ("Cancelled", "Inactive"):
                self.end(order, "its parent has ended")
                return "parent"
            if parent is not None and parent.status != "Filled":
                return "parent"
        is_open = order.contract.is_open(self._clock.now_ns())
        if request.order_type in ("MOC", "LOC"):
            return None if not is_open and order.held == "close" else "close"
        if not is_open and not request.outside_hours:
            return "session"
        if request.time_in_force == "OPG" and order.held not in ("session", "open"):
            return "open"
        if request.order_type.startswith("TRAIL"):
            return None if market is not None and self._has_trailed(order, market) else "trail"
        return None

    def _has_trailed(self, order: IbOrder, market: SymbolMarket) -> bool:
        """Move the stop with the market; True when the market has come back to it."""
        if market.top is None:
            return False
        price = float(market.top.ask_price if order.is_buy else market.top.bid_price)
        extreme = order.trail_extreme
        if extreme is None or (price < extreme if order.is_buy else price > extreme):
            order.trail_extreme = extreme = price
        request = order.request
        distance = (
            float(request.aux_price)
            if request.aux_price is not None
            else extreme * float(request.trailing_percent or 1) / 100
        )
        stop = extreme + distance if order.is_buy else extreme - distance
        step = order.contract.instrument.tick_size
        exact, start = round(Decimal(stop) / step) * step, request.trail_stop_price
        if start is not None:
            exact = min(exact, start) if order.is_buy else max(exact, start)
        order.stop_price = exact
        return price >= exact if order.is_buy else price <= exact

    def _submit(self, order: IbOrder) -> None:
        request, terms = order.request, self.terms_of(order)
        events = self._engine.submit(terms, self._clock.now_ns())
        first = events[0]
        if isinstance(first, Rejected):
            self._records.refused(order.account, request.order_ref, first.code, first.text)
            self._listener.on_error(order, 201, f"Order rejected - reason:{first.code} {first.text}")
            self._close(order, "Inactive", first.text, is_told=False)
            return
        order.venue_order_id = first.venue_order_id
        order.status = "PreSubmitted" if terms.order_type in ("stop", "stop_limit") else "Submitted"
        self._records.taken(order)
        self._listener.on_order(order)
        self.tell(events[1:])

    def _fill(self, order: IbOrder, event: Filled) -> None:
        order.filled += event.quantity
        order.executed += event.quantity
        order.notional += event.quantity * event.price
        is_whole = order.executed >= order.quantity
        realised = self._holdings.fill(order, event.quantity, event.price, event.fee)
        execution = Execution(
            base_id=f"0000{order.contract.con_id % 0xFFFF:04x}.{self._run_id}.{int(event.trade_id):x}",
            revision=1, order=order, shares=event.quantity, price=event.price, commission=event.fee,
            is_maker=event.is_maker, cumulative=order.filled, time_ns=event.ts,
            realized_pnl=realised.net, gain=realised.gross,
        )  # fmt: skip
        order.executions.append(execution)
        self.executions.append(execution)
        self._records.executed(execution)
        if is_whole:
            self._close(order, "Filled", "", is_told=False)
        self._listener.on_execution(execution)
        self._listener.on_order(order)
        self._settle_others(order, event.quantity)

    def _settle_others(self, order: IbOrder, shares: Decimal) -> None:
        """One cancels the others of its group, or reduces them by what it has filled."""
        group = order.request.oca_group
        if not group:
            return
        for other in self.live():
            if other is order or other.request.oca_group != group or other.account != order.account:
                continue
            if order.request.oca_type in OCA_REDUCING and other.remaining > shares:
                self._change(other, msgspec.structs.replace(other.request, quantity=other.quantity - shares))
            else:
                self.end(other, "OCA group")

    def _close(self, order: IbOrder, status: Status, reason: str, *, is_told: bool = True) -> None:
        order.status, order.reason, order.done_ns = status, reason, self._clock.now_ns()
        order.held = None
        self._live.pop(order.perm_id, None)
        if status != "Inactive":
            self._records.ended(order)
        if is_told:
            self._listener.on_order(order)
        for child in self.live():
            if child.client_id == order.client_id and child.request.parent_id == order.order_id:
                if status == "Filled":
                    child.held = "filled parent"
                elif child.held is not None:
                    self.end(child, "its parent has ended")


def _stop(request: PlaceOrder) -> Decimal | None:
    return request.aux_price if request.order_type in ("STP", "STP LMT") else None


def _time_in_force(text: str) -> TimeInForce:
    if text == "IOC":
        return "ioc"
    return "fok" if text == "FOK" else "gtc"
