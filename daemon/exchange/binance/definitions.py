"""`exchangeInfo`: what a symbol is and which filters its orders pass."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from daemon.exchange.binance.order_requests import ORDER_TYPES, PREVENTION
from daemon.exchange.symbols import Listing


def symbol_info(listing: Listing, open_max: int) -> dict[str, Any]:
    """One entry of `exchangeInfo.symbols`."""
    instrument = listing.instrument
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing, open_max),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": PREVENTION,
        "allowedSelfTradePreventionModes": [PREVENTION],
    }


def _filters(listing: Listing, open_max: int) -> list[dict[str, Any]]:
    instrument = listing.instrument
    times = listing.percent_price
    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": _f(instrument.tick_size),
            "maxPrice": _f(listing.price_max),
            "tickSize": _f(instrument.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": _f(instrument.quantity_min),
            "maxQty": _f(instrument.quantity_max or Decimal(0)),
            "stepSize": _f(instrument.lot_size),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": _f(Decimal(0)),
            "maxQty": _f(listing.market_quantity_max),
            "stepSize": _f(Decimal(0)),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": _f(instrument.notional_min),
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": open_max},
    ]
    if times is not None:
        up, down = f"{times:f}", f"{1 / times:f}"
        filters.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 0,
            }
        )
    return filters


def _f(value: Decimal) -> str:
    return f"{value:.8f}"
