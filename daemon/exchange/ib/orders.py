"""An order as TWS keeps it, open or done."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec

from actors.venues.simulated.accounts import Executed
from daemon.exchange.ib.contracts import Contract
from daemon.exchange.ib.order_request import PlaceOrder

ZERO = Decimal(0)
CENT = Decimal("0.01")

Status = Literal["PreSubmitted", "Submitted", "PendingCancel", "Filled", "Cancelled", "Inactive"]
DONE: frozenset[Status] = frozenset({"Filled", "Cancelled", "Inactive"})


class Execution(msgspec.Struct, kw_only=True):
    """One execution; its revision is the last part of its id."""

    base_id: str
    """All of the id but the last part."""
    revision: int
    order: IbOrder
    shares: Decimal
    price: Decimal
    commission: Decimal
    is_maker: bool
    realized_pnl: Decimal | None
    """After fees; None when nothing was closed."""
    gain: Decimal
    """Before fees."""
    cumulative: Decimal
    time_ns: int

    @property
    def exec_id(self) -> str:
        """`0000e1a7.000010a2.01.01`."""
        return f"{self.base_id}.{self.revision:02}"

    @property
    def signed(self) -> Executed:
        """As the engine counts it."""
        shares = self.shares if self.order.is_buy else -self.shares
        return Executed(shares, self.price, self.commission, self.order.contract.currency)

    def restated(self, price: Decimal | None, shares: Decimal | None) -> Execution:
        """The next revision; the commission is charged by the shares."""
        price, shares = self.price if price is None else price, self.shares if shares is None else shares
        part = shares / self.shares if self.shares else Decimal(1)
        commission = (self.commission * part).quantize(CENT, ROUND_HALF_EVEN)
        return msgspec.structs.replace(
            self, revision=self.revision + 1, price=price, shares=shares,
            commission=self.commission if part == 1 else commission,
            cumulative=self.cumulative + shares - self.shares,
        )  # fmt: skip


class IbOrder(msgspec.Struct, kw_only=True, eq=False):
    """One order with its present state."""

    perm_id: int
    client_id: int
    order_id: int
    account: str
    contract: Contract
    request: PlaceOrder
    """The newest terms."""
    created_ns: int
    status: Status = "PreSubmitted"
    venue_order_id: str | None = None
    """The engine's number once it is in the book."""
    held: str | None = "new"
    """Why it is not in the book yet."""
    quantity: Decimal = ZERO
    filled: Decimal = ZERO
    """By what its executions are stated as now."""
    executed: Decimal = ZERO
    """As it happened: shares that are busted afterwards do not work again."""
    notional: Decimal = ZERO
    stop_price: Decimal | None = None
    """Where a trailing stop stands."""
    trail_extreme: float | None = None
    executions: list[Execution] = []
    done_ns: int = 0
    reason: str = ""
    why_held: str = ""
    """`locate`: shares to sell short are looked for."""

    @property
    def is_done(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in DONE

    @property
    def remaining(self) -> Decimal:
        """Quantity not yet filled."""
        return self.quantity - self.executed

    @property
    def average_price(self) -> Decimal:
        """Of its fills; 0 without any."""
        return self.notional / self.filled if self.filled else ZERO

    @property
    def last_price(self) -> Decimal:
        """Of its last fill; 0 without any."""
        return self.executions[-1].price if self.executions else ZERO

    @property
    def limit_price(self) -> Decimal | None:
        """Its worst price; that of a trailing stop keeps its offset from where the stop stands."""
        request = self.request
        if request.limit_offset is None or self.stop_price is None:
            return request.limit_price
        return self.stop_price + (request.limit_offset if self.is_buy else -request.limit_offset)

    @property
    def is_buy(self) -> bool:
        """Its side."""
        return self.request.action == "BUY"
