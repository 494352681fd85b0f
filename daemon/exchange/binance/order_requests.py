"""From parameters to a well-formed order, then through the symbol's filters."""

from __future__ import annotations

import secrets
from decimal import Decimal

from actors.model.money import round_to_lot
from daemon.exchange.binance.errors import ApiError, filter_failure, missing
from daemon.exchange.binance.parameters import Parameters
from daemon.exchange.market_data.market import SymbolMarket
from daemon.exchange.orders import OrderRequest

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
PREVENTION = "EXPIRE_MAKER"

# type → (mandatory, allowed besides)
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "LIMIT": (("timeInForce", "quantity", "price"), ("icebergQty",)),
    "LIMIT_MAKER": (("quantity", "price"), ("icebergQty",)),
    "MARKET": ((), ("quantity", "quoteOrderQty")),
    "STOP_LOSS": (("quantity", "stopPrice"), ()),
    "STOP_LOSS_LIMIT": (("timeInForce", "quantity", "price", "stopPrice"), ("icebergQty",)),
}
_ALL = ("timeInForce", "quantity", "price", "quoteOrderQty", "stopPrice", "icebergQty")


def fresh_id() -> str:
    """An id for an order or a cancel that was sent without one."""
    return secrets.token_urlsafe(16).replace("_", "-")


def read_order(params: Parameters) -> OrderRequest:
    """The order as it was asked for.

    Raises:
        ApiError: A parameter is missing, malformed, or does not go with the type.
    """
    symbol = params.required("symbol")
    params.required("side")
    side = params.choice("side", ("BUY", "SELL"), (-1117, "Invalid side."))
    params.required("type")
    kind = params.choice("type", ORDER_TYPES, (-1116, "Invalid orderType."))
    assert side is not None
    assert kind is not None
    _check_fields(params, kind)
    in_force = params.choice("timeInForce", TIMES_IN_FORCE, (-1115, "Invalid timeInForce."))
    response = params.choice(
        "newOrderRespType",
        ("ACK", "RESULT", "FULL"),
        (-1130, "Data sent for parameter 'newOrderRespType' is not valid."),
    )
    params.choice(
        "selfTradePreventionMode",
        (PREVENTION,),
        (-1013, "This symbol does not allow the specified self-trade prevention mode."),
    )
    params.integer("strategyId")
    params.integer("strategyType")
    return OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=in_force or "GTC",
        quantity=params.decimal("quantity"),
        quote_quantity=params.decimal("quoteOrderQty"),
        price=params.decimal("price"),
        stop_price=params.decimal("stopPrice"),
        iceberg_quantity=params.decimal("icebergQty"),
        client_order_id=params.client_order_id("newClientOrderId") or fresh_id(),
        response_type=response or ("FULL" if kind in ("LIMIT", "MARKET") else "ACK"),
        self_trade_prevention=PREVENTION,
    )


def _check_fields(params: Parameters, kind: str) -> None:
    mandatory, optional = _FIELDS[kind]
    for name in mandatory:
        params.required(name)
    for name in _ALL:
        if name not in mandatory and name not in optional and params.text(name) is not None:
            raise ApiError(-1106, f"Parameter '{name}' sent when not required.")
    if kind == "MARKET":
        given = [name for name in ("quantity", "quoteOrderQty") if params.text(name) is not None]
        if not given:
            raise missing("quantity")
        if len(given) == 2:
            raise ApiError(-1128, "Combination of optional parameters invalid.")


def checked_quantity(request: OrderRequest, market: SymbolMarket, open_orders: int, open_max: int) -> Decimal:
    """What the order is for in base units, once every filter has let it through.

    Raises:
        ApiError: -1111 or -1013 with the name of the filter.
    """
    instrument = market.listing.instrument
    for name, value in (
        ("price", request.price), ("stopPrice", request.stop_price), ("quantity", request.quantity),
        ("quoteOrderQty", request.quote_quantity), ("icebergQty", request.iceberg_quantity),
    ):  # fmt: skip
        if value is not None and _decimals(value) > 8:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
    for price in (request.price, request.stop_price):
        if price is not None and not _passes_price_filter(price, market):
            raise filter_failure("PRICE_FILTER")
    if request.price is not None and not _near_last_price(request.price, market):
        raise filter_failure("PERCENT_PRICE_BY_SIDE")
    quantity = _quantity(request, market)
    least = instrument.quantity_min
    most = instrument.quantity_max or quantity
    if not least <= quantity <= most or quantity % instrument.lot_size:
        raise filter_failure("LOT_SIZE")
    if request.type == "MARKET" and quantity > market.listing.market_quantity_max:
        raise filter_failure("MARKET_LOT_SIZE")
    price = request.price or request.stop_price or _reference_price(request, market)
    if price is not None and quantity * price < instrument.notional_min:
        raise filter_failure("NOTIONAL")
    if open_orders >= open_max:
        raise filter_failure("MAX_NUM_ORDERS")
    return quantity


def _quantity(request: OrderRequest, market: SymbolMarket) -> Decimal:
    if request.quantity is not None:
        return request.quantity
    price = _reference_price(request, market)
    if price is None:
        raise ApiError(-2010, "Market is closed.")
    assert request.quote_quantity is not None
    return round_to_lot(request.quote_quantity / price, market.listing.instrument.lot_size)


def _reference_price(request: OrderRequest, market: SymbolMarket) -> Decimal | None:
    if market.top is None:
        return None
    return Decimal(market.top.ask_price if request.side == "BUY" else market.top.bid_price)


def _passes_price_filter(price: Decimal, market: SymbolMarket) -> bool:
    tick = market.listing.instrument.tick_size
    return tick <= price <= market.listing.price_max and not price % tick


def _near_last_price(price: Decimal, market: SymbolMarket) -> bool:
    times = market.listing.percent_price
    last = market.last_price or (market.top.bid_price if market.top else None)
    if times is None or last is None:
        return True
    return Decimal(last) / times <= price <= Decimal(last) * times


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
