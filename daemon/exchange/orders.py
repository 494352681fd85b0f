"""An order as the exchange shows it: what the engine does not keep, and what its events change."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

ZERO = Decimal(0)

OrderStatus = Literal[
    "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"
]
Execution = Literal["NEW", "TRADE", "CANCELED", "EXPIRED", "TRADE_PREVENTION"]


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed request for a new order; whether it is allowed is decided later."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    quantity: Decimal | None
    quote_quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    iceberg_quantity: Decimal | None
    client_order_id: str
    response_type: str
    self_trade_prevention: str


class OrderFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of one side."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    time_ms: int


class OrderView(msgspec.Struct, kw_only=True):
    """One order with its present state."""

    account: str
    request: OrderRequest
    order_id: int
    quantity: Decimal
    created_ms: int
    updated_ms: int
    status: OrderStatus = "NEW"
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    is_working: bool = True
    working_ms: int = -1
    cancel_id: str | None = None
    """The client order id that the cancel was given."""
    expiry_reason: str | None = None
    closed_ms: int | None = None
    fills: list[OrderFill] = []

    @property
    def is_open(self) -> bool:
        """Whether it can still fill."""
        return self.closed_ms is None

    @property
    def symbol(self) -> str:
        """As the venue writes it."""
        return self.request.symbol


class OrderReport(msgspec.Struct, frozen=True, kw_only=True):
    """One step in an order's life; `order` is as it stood right after it, if read at once."""

    order: OrderView
    execution: Execution
    time_ms: int
    fill: OrderFill | None = None


class VenueRefusal(Exception):
    """The venue does not take an order or a cancel."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text
