"""What a matching engine says happened: plain values, one per step in an order's life, oldest first."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.messages.account import VenueFill
from actors.messages.orders import TRAILING, Command, OrderType, Side, SpecialTerms, TimeInForce, VenueStatus
from actors.model.instrument import ZERO

_OPEN = ("accepted", "partially_filled")


class VenueOrderState(msgspec.Struct, array_like=True):
    """One order as the engine keeps it, open or closed; read it, never change it."""

    account: str
    instrument: str
    client_order_id: str
    venue_order_id: str
    """Decimal digits, increasing over the whole engine."""
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    ts_created: int
    ts_updated: int
    priority: int
    """Place in time priority; lower goes first, a replaced order gets a new one."""
    status: VenueStatus = "accepted"
    is_triggered: bool = True
    """False while a stop waits for its price."""
    has_rested: bool = False
    """Whether it has met the market once without taking all; what then comes to it makes it the maker."""
    filled_quantity: Decimal = ZERO
    filled_notional: Decimal = ZERO
    """Σ quantity × price of its fills, quote currency."""
    locked: Decimal = ZERO
    """What the order holds back of `locked_asset`."""
    locked_asset: str = ""
    lock_price: Decimal = ZERO
    """Quote per base that a buy holds back for each open unit, before fees."""
    charged: tuple[Decimal, ...] = ()
    """What each charge of a fee schedule that counts by order has come to, before and after its bounds."""
    queue_ahead: Decimal | None = None
    """Quantity that stands before it at its price; None while nobody can know."""
    queue_seen: Decimal = ZERO
    """Displayed there when that was last looked at."""
    is_liquidation: bool = False
    """The venue's own, to close what its account can no longer carry."""
    special: SpecialTerms | None = None
    is_held: bool = False
    """An exit of a bracket whose entry has not filled: it is nowhere in the market."""
    trail_best: Decimal | None = None
    """Best price that a trailing stop has followed."""

    @property
    def remaining(self) -> Decimal:
        """Quantity not yet filled."""
        return self.quantity - self.filled_quantity

    @property
    def trails(self) -> bool:
        """Whether the market moves its stop and its limit: their owner has named neither."""
        return self.order_type in TRAILING

    @property
    def is_open(self) -> bool:
        """Whether it can still fill."""
        return self.status in _OPEN


class VenueEvent(msgspec.Struct, frozen=True):
    """One step in the life of one order; the figures are those right after this step."""

    account: str
    instrument: str
    client_order_id: str
    venue_order_id: str | None
    """None only when a submit was rejected, or a command named no order we know."""
    ts: int
    """The `now` of the call that made it."""


class Accepted(VenueEvent, frozen=True, kw_only=True):
    """The order is taken; whatever it fills at once comes next."""


class Rejected(VenueEvent, frozen=True, kw_only=True):
    """A command was refused and changed nothing."""

    command: Command
    code: str
    """Stable, upper case: one of `reject.py`."""
    text: str
    """What was compared, in one line."""


class Filled(VenueEvent, frozen=True, kw_only=True):
    """One execution; against another order of ours both sides carry the same trade id."""

    fill: VenueFill
    """As the account's history shows it; the trade id is decimal digits, increasing over the whole engine."""
    filled_quantity: Decimal
    """Cumulative, this fill included."""
    filled_notional: Decimal
    """Cumulative quote, this fill included."""
    order_quantity: Decimal
    """Equal to `filled_quantity` when this fill ends the order."""

    @property
    def trade_id(self) -> str:
        """Of the execution."""
        return self.fill.trade_id

    @property
    def side(self) -> Side:
        """Of the order."""
        return self.fill.side

    @property
    def quantity(self) -> Decimal:
        """Of this execution."""
        return self.fill.quantity

    @property
    def price(self) -> Decimal:
        """Quote per base."""
        return self.fill.price

    @property
    def fee(self) -> Decimal:
        """In `fee_currency`."""
        return self.fill.fee

    @property
    def fee_currency(self) -> str:
        """What the fee is paid in."""
        return self.fill.fee_currency

    @property
    def is_maker(self) -> bool:
        """Whether the order had rested."""
        return self.fill.liquidity == "maker"

    @property
    def is_liquidation(self) -> bool:
        """Whether the venue itself has sent the order."""
        return self.fill.liquidity == "liquidation"


class Cancelled(VenueEvent, frozen=True, kw_only=True):
    """Ended by a cancel command."""

    filled_quantity: Decimal


class Expired(VenueEvent, frozen=True, kw_only=True):
    """Ended by the venue."""

    filled_quantity: Decimal
    reason: str
    """`IOC`, `FOK`, `DAY`, `SELF_TRADE_PREVENTION`, `INSUFFICIENT_BALANCE`, `WOULD_TAKE`."""


class Replaced(VenueEvent, frozen=True, kw_only=True):
    """Changed in place, under the same ids."""

    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None


class Adjusted(VenueEvent, frozen=True, kw_only=True):
    """Changed by the venue itself, as a split or a fill of another of its group makes it."""

    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    trail: Decimal | None
    limit_offset: Decimal | None


class Triggered(VenueEvent, frozen=True, kw_only=True):
    """A stop price was reached; the order works from here on as a market or limit order."""


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One asset of one account."""

    free: Decimal
    locked: Decimal
    """Exactly what the open orders need."""

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


__all__ = [
    "Accepted", "Adjusted", "Balance", "Cancelled", "Expired", "Filled", "Rejected", "Replaced", "Triggered",
    "VenueEvent", "VenueOrderState",
]  # fmt: skip
