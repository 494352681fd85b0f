"""Orders that were open when a session began: its books know them, and its simulated venue must have them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from actors.core.market import MarketBoard
from actors.model.money import ZERO
from actors.oms.order import Order as OmsOrder
from actors.store.rerun import decode_snapshot
from actors.strategies.recorded import AbsentStrategy
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import VenueOrderState
from daemon.research.parity.orders import Order, OrderBook, Orders, recorded_orders
from daemon.research.parity.session import Session
from daemon.startup import core_of_head


def inherited_orders(session: Session) -> list[OmsOrder]:
    """Orders that had not ended, as the session's first state holds them; some the venue may not know yet."""
    core = core_of_head(session.head, classes=dict.fromkeys(session.config.strategies, AbsentStrategy))
    raw = decode_snapshot(session.head.snapshot).actors.get(core.oms.name)
    if raw is None:
        return []
    core.oms.restore(core.oms.decode_state(raw))
    return [order for order in core.oms.orders() if not order.is_closed]


def as_orders(session: Session, inherited: Sequence[OmsOrder]) -> Orders:
    """The same as the beginning of a run's orders; fills of before do not count here."""
    return {
        order.terms.client_order_id: Order(terms=order.terms, ts_decided=session.ts_started)
        for order in inherited
    }


def place(engine: MatchingEngine, inherited: Sequence[OmsOrder], accounts: Collection[str]) -> None:
    """Let those that it has taken rest at a simulated venue under the ids that the real one gave them.

    Trailing stops are left out: where the real venue had moved them to, nobody has recorded.
    """
    known = {order.terms.client_order_id for order in inherited}
    state = engine.snapshot()
    for account in state.accounts:
        if account.name in accounts:
            account.orders = [
                _resting(order, number, known)
                for number, order in enumerate(inherited, start=1)
                if order.terms.account == account.name
                and order.accepted_seq
                and order.terms.instrument in engine.markets
                and order.terms.trail is None
            ]
    state.last_priority = max(state.last_priority, len(inherited))
    engine.restore(state)


def show_last_prices(engine: MatchingEngine, market: MarketBoard, at: int) -> None:
    """Let a simulated venue know what was seen last: else it would value what is held there at nothing."""
    for instrument in engine.markets:
        quote, trade = market.quotes.get(instrument), market.trades.get(instrument)
        bar = market.bars.get(instrument)
        if quote is not None:
            engine.on_quote(quote, at)
        if trade is not None:
            engine.on_trade(trade, at)
        if bar is not None and quote is None and trade is None:
            engine.on_bar(bar, at)


def _resting(order: OmsOrder, priority: int, known: Collection[str]) -> VenueOrderState:
    terms = order.terms
    is_held = terms.special is not None and terms.special.parent in known
    return VenueOrderState(
        account=terms.account,
        instrument=terms.instrument,
        client_order_id=terms.client_order_id,
        venue_order_id=order.venue_order_id or "",
        side=terms.side,
        order_type=terms.order_type,
        quantity=terms.quantity,
        price=terms.price,
        stop_price=terms.stop_price,
        time_in_force=terms.time_in_force,
        post_only=terms.post_only,
        reduce_only=terms.reduce_only,
        ts_created=0,
        ts_updated=0,
        priority=priority,
        status="partially_filled" if order.filled else "accepted",
        special=terms.special,
        is_held=is_held,
        is_triggered=terms.stop_price is None and not is_held,
        has_rested=terms.price is not None and terms.stop_price is None,
        filled_quantity=order.filled,
        filled_notional=order.filled * (terms.price or ZERO),
        lock_price=terms.price or terms.stop_price or Decimal(0),
    )


def recorded_book(session: Session) -> OrderBook:
    """Orders and fills of the session, those that it began with included."""
    return recorded_orders(session, as_orders(session, inherited_orders(session)))
