"""What TWS says about an account, in our own words: exact numbers, absent ones None, times in UTC."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import msgspec

from actors.messages.margin import MarginFigures

UNSET_FROM = 1e300
UNSET_INTEGERS = (2147483647, 9223372036854775807)


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of an order that has not ended, or has just ended."""

    order_id: int
    """Only together with `client_id`, and only in its session."""
    client_id: int
    perm_id: int
    account: str
    con_id: int
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    time_in_force: str
    order_ref: str
    oca_group: str
    parent_id: int
    outside_hours: bool
    status: str
    trailing_percent: Decimal | None = None
    trail_stop: Decimal | None = None
    """Where a trailing stop stands; junk for every other order."""
    limit_offset: Decimal | None = None
    oca_type: int = 0
    """Tells nothing where there is no group."""
    good_till: str = ""
    adaptive: str = ""
    """How eagerly the adaptive algorithm works it; empty without."""


class OrderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where an order stands. Quantities come from executions, never from here."""

    order_id: int
    client_id: int
    perm_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    average_price: Decimal
    why_held: str


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, or a corrected one."""

    exec_id: str
    order_id: int
    client_id: int
    perm_id: int
    account: str
    con_id: int
    side: str
    """BOT or SLD."""
    shares: Decimal
    price: Decimal
    time_ns: int
    order_ref: str
    liquidity: int
    """1 added, 2 removed."""
    is_live: bool
    """Told as it happened; False when it was asked for."""

    @property
    def key(self) -> str:
        """The same for all revisions of an execution."""
        return self.exec_id.rpartition(".")[0] or self.exec_id

    @property
    def revision(self) -> int:
        """Counts corrections."""
        last = self.exec_id.rpartition(".")[2]
        return int(last) if last.isdigit() else 1


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution cost; < 0 is a rebate."""

    exec_id: str
    amount: Decimal
    currency: str


class CompletedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that has ended; it has no order id, no price and no fee."""

    perm_id: int
    account: str
    con_id: int
    action: str
    quantity: Decimal
    order_ref: str
    status: str
    filled: Decimal


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one contract."""

    account: str
    con_id: int
    symbol: str
    quantity: Decimal
    average_cost: Decimal


class AccountValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an account."""

    account: str
    tag: str
    value: str
    currency: str


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """An error or a notice; `number` is a request's or an order's, -1 for neither."""

    number: int
    code: int
    text: str


Claim = (
    OpenOrder | OrderStatus | Execution | Commission | CompletedOrder | Position | AccountValue | Complaint
)


class LineUser(Protocol):
    """Feed and broker, as the session sees them."""

    def on_up(self) -> None:
        """Everything has to be asked and subscribed anew."""

    def on_down(self, reason: str) -> None:
        """Nothing more comes; what waits for an answer will get none."""

    def on_claim(self, claim: Claim) -> None:
        """Something about orders, money, or the line."""


def exact(number: float) -> Decimal:
    """The library's float as the number it was sent as."""
    return Decimal(repr(float(number))).normalize() + 0


def exact_or_none(number: float) -> Decimal | None:
    """None for what TWS leaves unset."""
    if number >= UNSET_FROM or number in UNSET_INTEGERS:
        return None
    return exact(number)


def margin_figures(state: Any) -> MarginFigures:
    """From the library's state of an order that is only a question, of which `has_margin_figures` is true."""
    return MarginFigures(
        initial_change=_figure_or_none(state.initMarginChange) or Decimal(0),
        maintenance_change=_figure_or_none(state.maintMarginChange) or Decimal(0),
        initial_after=_figure_or_none(state.initMarginAfter) or Decimal(0),
        maintenance_after=_figure_or_none(state.maintMarginAfter) or Decimal(0),
        equity_after=_figure_or_none(state.equityWithLoanAfter) or Decimal(0),
        commission=_figure_or_none(state.commission),
        commission_currency=state.commissionCurrency,
    )


def has_margin_figures(state: Any) -> bool:
    """Whether every figure that a decision needs is there."""
    needed = (
        state.initMarginChange, state.maintMarginChange, state.initMarginAfter, state.maintMarginAfter,
        state.equityWithLoanAfter,
    )  # fmt: skip
    return all(_figure_or_none(value) is not None for value in needed)


def _figure_or_none(value: object) -> Decimal | None:
    """A number as text or float; None for what TWS leaves unset."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found.normalize() + 0 if found.is_finite() and abs(found) < UNSET_FROM else None


def open_order(contract: Any, order: Any, state: Any) -> OpenOrder:
    """From the library's objects."""
    return OpenOrder(
        order_id=order.orderId, client_id=order.clientId, perm_id=order.permId, account=order.account,
        con_id=contract.conId, action=order.action, quantity=exact(order.totalQuantity),
        order_type=order.orderType, limit_price=exact_or_none(order.lmtPrice) or None,
        aux_price=exact_or_none(order.auxPrice) or None, time_in_force=order.tif,
        order_ref=order.orderRef, oca_group=order.ocaGroup, parent_id=order.parentId,
        outside_hours=order.outsideRth, status=state.status,
        trailing_percent=exact_or_none(order.trailingPercent) or None, oca_type=order.ocaType,
        trail_stop=exact_or_none(order.trailStopPrice) or None,
        limit_offset=exact_or_none(order.lmtPriceOffset), good_till=order.goodTillDate,
        adaptive=_adaptive_in(order),
    )  # fmt: skip


def _adaptive_in(order: Any) -> str:
    if order.algoStrategy != "Adaptive":
        return ""
    return next((each.value for each in order.algoParams if each.tag == "adaptivePriority"), "")


def completed_order(contract: Any, order: Any, state: Any) -> CompletedOrder:
    """From the library's objects."""
    return CompletedOrder(
        perm_id=order.permId, account=order.account, con_id=contract.conId, action=order.action,
        quantity=exact(order.totalQuantity), order_ref=order.orderRef, status=state.status,
        filled=exact_or_none(order.filledQuantity) or Decimal(0),
    )  # fmt: skip


def execution(contract: Any, said: Any, *, is_live: bool) -> Execution:
    """From the library's objects."""
    return Execution(
        exec_id=said.execId, order_id=said.orderId, client_id=said.clientId, perm_id=said.permId,
        account=said.acctNumber, con_id=contract.conId, side=said.side, shares=exact(said.shares),
        price=exact(said.price), time_ns=round(said.time.timestamp()) * 1_000_000_000,
        order_ref=said.orderRef, liquidity=said.lastLiquidity, is_live=is_live,
    )  # fmt: skip
