"""Our names for instruments and IB's: `AAPL`, `EUR.USD`, `ESZ6`, an option's 21 letters, or as configured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from actors.errors import ConfigError
from actors.model.instrument import Instrument, InstrumentKind, instrument_id
from actors.venues.ib.claims import exact
from actors.venues.ib.hours import Hours, parse_hours
from actors.venues.ib.library import Library

SecType = Literal["STK", "CASH", "FUT", "OPT", "CRYPTO"]
KINDS: dict[SecType, InstrumentKind] = {
    "STK": "equity", "CASH": "forex", "FUT": "future", "OPT": "option", "CRYPTO": "spot",
}  # fmt: skip
FUTURE = re.compile(r"[A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{1,2}")
OPTION = re.compile(r"[A-Z ]{6}\d{6}[CP]\d{8}")
CANDIDATES_SHOWN = 5


class ContractSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is meant by a name; fields that are empty may be anything."""

    sec_type: SecType
    symbol: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    expiry: str = ""
    """`20261218` or `202612`."""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    con_id: int = 0


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One contract that has been found, and what its details say."""

    instrument: Instrument
    contract: Any
    """The library's, with conId and exchange: the only one that orders and requests are made with."""
    hours: Hours
    """When anything trades, before and after the regular session too."""
    regular: Hours
    """When all of it trades."""
    what_to_show: str
    """What bars are made of: `TRADES`, or `MIDPOINT` where there is no tape."""


def spec_of(symbol: str, configured: Mapping[str, ContractSpec]) -> ContractSpec:
    """What a name stands for, as configured or by its form."""
    if symbol in configured:
        return configured[symbol]
    base, dot, quote = symbol.partition(".")
    if dot and len(base) == 3 and len(quote) == 3:
        return ContractSpec(sec_type="CASH", symbol=base, currency=quote, exchange="IDEALPRO")
    if OPTION.fullmatch(symbol):
        return ContractSpec(sec_type="OPT", local_symbol=symbol, exchange="SMART", currency="USD")
    if FUTURE.fullmatch(symbol):
        return ContractSpec(sec_type="FUT", local_symbol=symbol)
    return ContractSpec(sec_type="STK", symbol=symbol, exchange="SMART", currency="USD")


def contract_from(spec: ContractSpec, library: Library) -> Any:
    """The library's contract that asks for it."""
    return library.Contract(
        secType=spec.sec_type, symbol=spec.symbol, exchange=spec.exchange,
        primaryExchange=spec.primary_exchange, currency=spec.currency,
        lastTradeDateOrContractMonth=spec.expiry, strike=spec.strike, right=spec.right,
        multiplier=spec.multiplier, localSymbol=spec.local_symbol, tradingClass=spec.trading_class,
        conId=spec.con_id,
    )  # fmt: skip


def one_of(symbol: str, found: Sequence[Any]) -> Any:
    """The details of the one contract that is meant.

    Raises:
        ConfigError: There is none, or more than one.
    """
    if len(found) == 1:
        return found[0]
    where = f'[venues.ib.tws.contracts."{symbol}"]'
    if not found:
        raise ConfigError(f"IB knows no contract {symbol}: mend the name, or describe it under {where}")
    shown = ", ".join(_describe(details.contract) for details in found[:CANDIDATES_SHOWN])
    raise ConfigError(f"{len(found)} contracts are called {symbol} ({shown}): say which under {where}")


def _describe(contract: Any) -> str:
    parts = (contract.localSymbol, contract.exchange, contract.currency, f"con_id {contract.conId}")
    return " ".join(part for part in parts if part)


def rule_id_of(details: Any) -> int | None:
    """The market rule of the exchange the contract names."""
    exchanges = details.validExchanges.split(",")
    rules = details.marketRuleIds.split(",")
    named = dict(zip(exchanges, rules, strict=False)).get(details.contract.exchange, rules[0])
    return int(named) if named.isdigit() else None


def listed(symbol: str, venue: str, details: Any, steps: Sequence[float]) -> Listed:
    """Our definition. Prices move in the coarsest step of the market rule, which is right at every price."""
    contract = details.contract
    kind = KINDS.get(contract.secType)
    if kind is None:
        raise ConfigError(f"{symbol} is of type {contract.secType}, which is not traded here")
    tick = max((exact(step) for step in steps), default=exact(details.minTick))
    lot = exact(details.sizeIncrement or 1)
    base = {"CASH": contract.symbol, "STK": symbol}.get(contract.secType, symbol)
    instrument = Instrument(
        id=instrument_id(symbol, venue), symbol=symbol, venue=venue, kind=kind, base=base,
        quote=contract.currency, tick_size=tick, lot_size=lot, quantity_min=exact(details.minSize or 1),
        multiplier=Decimal(contract.multiplier or 1), calendar="24/7",
    )  # fmt: skip
    return Listed(
        instrument=instrument,
        contract=contract,
        hours=parse_hours(details.tradingHours, details.timeZoneId),
        regular=parse_hours(details.liquidHours or details.tradingHours, details.timeZoneId),
        what_to_show="MIDPOINT" if contract.secType == "CASH" else "TRADES",
    )
