"""What TWS refuses before an order reaches any book, with its own numbers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from actors.venues.simulated.engine import MatchingEngine
from daemon.exchange.ib.contracts import RULES, Catalogue, Contract
from daemon.exchange.ib.order_request import PlaceOrder

ORDER_TYPES = frozenset({"MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MOC", "LOC"})
TIMES_IN_FORCE = frozenset({"", "DAY", "GTC", "IOC", "FOK", "GTD", "OPG"})
INVALID = "Error validating request.-'bN' : cause"
UNKNOWN_CONTRACT = "No security definition has been found for the request"
AMBIGUOUS_CONTRACT = "The contract description specified for the request is ambiguous"
ACTIVE_MAX = 20
"""Orders of one account on one side of one contract."""


class Refusal(Exception):
    """TWS answers with this error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def check_order(
    request: PlaceOrder, catalogue: Catalogue, engine: MatchingEngine, accounts: Collection[str]
) -> Contract:
    """The contract that is meant.

    Raises:
        Refusal: It cannot be taken.
    """
    wanted = request.contract
    if not wanted.exchange:
        raise Refusal(321, f"{INVALID} - Please enter a valid exchange")
    found = catalogue.find(wanted)
    if len(found) != 1:
        raise Refusal(200, UNKNOWN_CONTRACT if not found else AMBIGUOUS_CONTRACT)
    contract = found[0]
    if request.account not in accounts:
        raise Refusal(321, f"{INVALID} - Invalid account code '{request.account}'.")
    if request.action not in ("BUY", "SELL"):
        raise Refusal(321, f"{INVALID} - Invalid side")
    if request.order_type not in ORDER_TYPES:
        raise Refusal(
            387, f"Unsupported order type for this exchange and security type: {request.order_type}"
        )
    if request.time_in_force not in TIMES_IN_FORCE:
        raise Refusal(321, f"{INVALID} - Invalid time in force")
    _check_figures(request, contract, engine)
    return contract


def _check_figures(request: PlaceOrder, contract: Contract, engine: MatchingEngine) -> None:
    if request.quantity <= 0:
        raise Refusal(434, "The order size cannot be zero.")
    lot = contract.instrument.lot_size
    if request.quantity % lot:
        raise Refusal(10243, "Fractional-sized order cannot be placed via API. Please use desktop version.")
    for price in (request.limit_price, request.aux_price, request.trail_stop_price, request.limit_offset):
        if price and price % step_at(contract, price):
            raise Refusal(110, "The price does not conform to the minimum price variation for this contract.")
    if request.order_type in ("LMT", "LOC", "STP LMT") and not request.limit_price:
        raise Refusal(321, f"{INVALID} - Limit price is missing")
    if request.order_type in ("STP", "STP LMT") and not request.aux_price:
        raise Refusal(321, f"{INVALID} - Stop price is missing")
    if request.order_type == "TRAIL LIMIT":
        _check_trail_limit(request)
    side = "buy" if request.action == "BUY" else "sell"
    active = [
        order for order in engine.open_orders(request.account, contract.instrument.id) if order.side == side
    ]
    if len(active) >= ACTIVE_MAX:
        raise Refusal(201, f"Order rejected - reason:more than {ACTIVE_MAX} working orders on one side")


def _check_trail_limit(request: PlaceOrder) -> None:
    """Its limit is told either way, and the stop it is reckoned from is told too."""
    if (request.limit_price is None) == (request.limit_offset is None):
        text = "You must specify one value: limit price or limit price offset value."
        raise Refusal(321, f"{INVALID} - {text}")
    if not request.trail_stop_price:
        raise Refusal(321, f"{INVALID} - Trailing stop price is missing")
    if (request.aux_price is None) == (request.trailing_percent is None):
        raise Refusal(321, f"{INVALID} - You must specify one value: trailing amount or trailing percent.")


def step_at(contract: Contract, price: Decimal) -> Decimal:
    """How far apart prices are here, by the contract's market rule."""
    return next(step for low, step in reversed(RULES[contract.rule_id].bands) if price >= low)


def good_till_ns(request: PlaceOrder, contract: Contract) -> int | None:
    """When a GTD order ends, ns UTC; `20261120-15:30:00` is UTC, with a space the contract's own zone."""
    if request.time_in_force != "GTD" or not request.good_till:
        return None
    text, zone = request.good_till, UTC
    if "-" in text:
        when = datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=zone)
    else:
        parts = text.split()
        name = parts[2] if len(parts) > 2 else contract.time_zone
        when = datetime.strptime(" ".join(parts[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(name))
    return int(when.timestamp() * 1e9)
