"""What strategies want to hold, and the orders under way to get there."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.messages.market import CorporateAction
from actors.messages.orders import Signal
from actors.model.money import ZERO
from actors.model.splits import scaled
from actors.views.open_orders import OpenOrder, OpenOrders

Key = tuple[str, str]
"""Strategy and instrument."""


class Want(msgspec.Struct, array_like=True):
    """A strategy's last signal in one instrument."""

    signal: Signal
    target: Decimal | None = None
    """What it came to; None while it could not be sized, or its order was denied."""
    is_waiting: bool = False
    """Whether it is sized again when the orders in the way are settled and booked."""


class WantsState(msgspec.Struct, array_like=True):
    """Wants as checkpoints keep them."""

    wants: list[Want]
    orders: list[OpenOrder]
    cancelling: list[str]


class Wants:
    """Wants by strategy and instrument; only orders made from signals count here."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Want] = {}
        self.orders = OpenOrders()
        """Orders made from signals, from the moment they are asked for."""
        self.cancelling: dict[str, None] = {}
        """Orders asked to end, in the way of a newer signal."""

    def take(self, signal: Signal) -> Want:
        """Remember a signal; one that says again what the last one said keeps its target."""
        key = (signal.strategy, signal.instrument)
        last = self.by_key.get(key)
        want = self.by_key[key] = Want(signal)
        if last is not None and last.target and _says_the_same(last.signal, signal):
            want.target = last.target
        return want

    def of(self, key: Key) -> list[OpenOrder]:
        """Signal orders under way."""
        if not self.orders.by_id:
            return []
        return [order for order in self.orders if (order.terms.strategy, order.terms.instrument) == key]

    def under_way(self, key: Key) -> Decimal:
        """Signed quantity that signal orders may still add to the position."""
        total = ZERO
        if not self.orders.by_id:
            return total
        for order in self.of(key):
            total += order.unbooked if order.terms.side == "buy" else -order.unbooked
        return total

    def closed(self, order: OpenOrder) -> None:
        """An order has left the view."""
        self.cancelling.pop(order.terms.client_order_id, None)

    def scale(self, action: CorporateAction) -> None:
        """A split has happened: what is wanted is as many shares as it was, in today's."""
        if not action.is_split:
            return
        for (_, instrument), want in self.by_key.items():
            if instrument == action.instrument and want.target is not None:
                want.target = scaled(want.target, action.shares_before, action.shares_after)

    def snapshot(self) -> WantsState:
        """State for the checkpoint."""
        return WantsState(list(self.by_key.values()), self.orders.snapshot(), list(self.cancelling))

    def restore(self, state: WantsState) -> None:
        """Take a checkpoint's state."""
        self.by_key = {(want.signal.strategy, want.signal.instrument): want for want in state.wants}
        self.orders.restore(state.orders)
        self.cancelling = dict.fromkeys(state.cancelling)


def _says_the_same(last: Signal, signal: Signal) -> bool:
    return (last.direction, last.strength) == (signal.direction, signal.strength) and (
        last.target_weight is None and signal.target_weight is None
    )
