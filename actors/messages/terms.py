"""What an order asks for: the terms that stay the same from the wish to the venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from actors.messages.base import Value

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"]
TRAILING: tuple[OrderType, ...] = ("trailing_stop", "trailing_stop_limit")
"""Their stop follows the market, and a limit price moves with it: neither is among their terms."""
TimeInForce = Literal["gtc", "ioc", "fok", "day", "gtd", "opg", "cls"]
"""`gtd` until `SpecialTerms.good_till`; `opg` and `cls` only in the opening or the closing auction."""
Urgency = Literal["patient", "normal", "urgent"]
OcaKind = Literal["cancel", "reduce", "reduce_unblocked"]
"""What an execution does to the others of its group: ends them, or takes its quantity off each. With
`reduce_unblocked` several may be at the market at once, so that more than one may fill."""


class SpecialTerms(Value, frozen=True, kw_only=True):
    """What only some venues can do; a venue's `Offer` says which."""

    trail: Decimal | None = None
    """How far a trailing stop stays behind the best price since it works, > 0: quote per base, or a
    fraction."""
    trail_is_fraction: bool = False
    """Whether `trail` is a fraction of the price (0.01 = 1 %)."""
    good_till: int | None = None
    """When a `gtd` order ends, nanoseconds UTC."""
    outside_hours: bool = False
    """May fill before and after the regular session too."""
    oca_group: str | None = None
    """Orders of this account that stand for each other: an execution of one cancels or reduces the others."""
    parent: str | None = None
    """Client order id of the order whose fill makes this one work."""
    more_follow: bool = False
    """The venue holds it until the last order of its bracket has come."""
    adaptive: Urgency | None = None
    """Worked by the venue's adaptive algorithm, how eagerly."""
    trail_start: Decimal | None = None
    """Where a trailing stop stands first, whole ticks; None is its trail away from the market."""
    limit_offset: Decimal | None = None
    """How much worse than its stop the limit of a trailing stop-limit order is, ≥ 0, whole ticks."""
    oca_kind: OcaKind | None = None
    """None cancels."""

    @property
    def reduces(self) -> bool:
        """Whether an execution reduces the others of the group instead of cancelling them."""
        return self.oca_kind in ("reduce", "reduce_unblocked")

    @property
    def exclusive_group(self) -> str | None:
        """The group of which only one order can fill at once; None for all others."""
        return None if self.oca_kind == "reduce_unblocked" else self.oca_group

    def said(self) -> dict[str, Any]:
        """What is said beyond the usual, as plain values."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: format(value, "f") if isinstance(value, Decimal) else value
            for name, value in given.items()
            if value not in (None, False)
        }


class OrderTerms(Value, frozen=True, kw_only=True):
    """What an order asks for; it stays the same from the wish to the venue."""

    client_order_id: str
    """Ours, made before sending, unique for ever, sent once."""
    account: str
    strategy: str
    instrument: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    """Base units or contracts, > 0, whole lots."""
    price: Decimal | None = None
    """Limit price in whole ticks; None for market and stop orders."""
    stop_price: Decimal | None = None
    """Trigger of stop and stop-limit orders, whole ticks."""
    time_in_force: TimeInForce = "gtc"
    post_only: bool = False
    reduce_only: bool = False
    """May shrink the account's position, never open or flip it."""
    replaces: str | None = None
    """Client order id of the order whose remainder this one takes over."""
    tag: str | None = None
    """What the strategy calls it: results are grouped by the tag of the order that opened a position."""
    special: SpecialTerms | None = None
    """None for the orders that every venue has."""

    @property
    def trail(self) -> Decimal | None:
        """Of a trailing stop; None for all others."""
        return None if self.special is None else self.special.trail
