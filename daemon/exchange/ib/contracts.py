"""What the fake TWS lists: stocks, a future, a currency pair, an option, each with what its details say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from actors.errors import UsageError
from actors.model.instrument import Instrument, InstrumentKind, instrument_id
from daemon.exchange.symbols import Listing

VENUE = "ib"
D = Decimal
DAYS_SHOWN = 7
QUARTERS = {3: "H", 6: "M", 9: "U", 12: "Z"}
ALWAYS = ("0000", "2359")


class MarketRule(msgspec.Struct, frozen=True):
    """From this price on prices move in these steps."""

    bands: tuple[tuple[Decimal, Decimal], ...]

    @property
    def least(self) -> Decimal:
        """The smallest step of all bands."""
        return min(step for _, step in self.bands)


RULES = {
    26: MarketRule(((D(0), D("0.0001")), (D(1), D("0.01")))),
    67: MarketRule(((D(0), D("0.25")),)),
    59: MarketRule(((D(0), D("0.00005")),)),
    109: MarketRule(((D(0), D("0.01")), (D(3), D("0.05")))),
}


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One contract as TWS describes it."""

    con_id: int
    sec_type: str
    listing: Listing
    exchanges: tuple[str, ...]
    """First the one its details name."""
    primary_exchange: str = ""
    local_symbol: str
    trading_class: str
    symbol: str
    long_name: str
    expiry: str = ""
    strike: Decimal = D(0)
    right: str = ""
    multiplier: str = ""
    time_zone: str
    hours: tuple[str, str] = ALWAYS
    """Of every weekday, in its own zone; `ALWAYS` for every day."""
    rule_id: int
    stock_type: str = ""

    @property
    def currency(self) -> str:
        """What its prices are in."""
        return self.listing.instrument.quote

    @property
    def instrument(self) -> Instrument:
        """As the engine trades it."""
        return self.listing.instrument

    def is_open(self, now_ns: int) -> bool:
        """Whether it trades now."""
        if self.hours == ALWAYS:
            return True
        local = datetime.fromtimestamp(now_ns / 1e9, tz=ZoneInfo(self.time_zone))
        return local.weekday() < 5 and self.hours[0] <= local.strftime("%H%M") < self.hours[1]

    def hours_text(self, now_ns: int) -> str:
        """Sessions of the coming days as contract details show them: `20261120:0930-20261120:1600;…`."""
        first = datetime.fromtimestamp(now_ns / 1e9, tz=ZoneInfo(self.time_zone)).date()
        return ";".join(self._day(first + timedelta(days=number)) for number in range(DAYS_SHOWN))

    def _day(self, day: date) -> str:
        name = day.strftime("%Y%m%d")
        if self.hours != ALWAYS and day.weekday() >= 5:
            return f"{name}:CLOSED"
        return f"{name}:{self.hours[0]}-{name}:{self.hours[1]}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as a client names it: what is empty matches anything."""

    con_id: int
    symbol: str
    sec_type: str
    expiry: str
    strike: Decimal
    right: str
    multiplier: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str

    def matches(self, contract: Contract) -> bool:
        """Whether this may be meant."""
        if self.con_id:
            return self.con_id == contract.con_id
        pairs = (
            (self.symbol, contract.symbol),
            (self.sec_type, contract.sec_type),
            (self.currency, contract.currency),
            (self.local_symbol, contract.local_symbol),
            (self.trading_class, contract.trading_class),
            (self.primary_exchange, contract.primary_exchange),
            (self.multiplier, contract.multiplier),
            (self.right, contract.right),
        )
        if any(wish and wish != there for wish, there in pairs):
            return False
        if self.exchange and self.exchange not in contract.exchanges:
            return False
        if self.strike and self.strike != contract.strike:
            return False
        return contract.expiry.startswith(self.expiry)


class Catalogue:
    """All contracts of the fake."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.all = tuple(contracts)
        self.by_symbol = {contract.listing.symbol: contract for contract in contracts}
        self.by_id = {contract.con_id: contract for contract in contracts}

    def find(self, wanted: Wanted) -> list[Contract]:
        """Everything that may be meant, in the order of their ids."""
        return [contract for contract in self.all if wanted.matches(contract)]

    def one(self, wanted: Wanted) -> Contract | None:
        """The one that is meant; None when there is none or more than one."""
        found = self.find(wanted)
        return found[0] if len(found) == 1 else None


_STOCKS = {
    # symbol: conId, name, primary exchange, price
    "AAPL": (265598, "APPLE INC", "NASDAQ", 230.0),
    "MSFT": (272093, "MICROSOFT CORP", "NASDAQ", 415.0),
    "SPY": (756733, "SS SPDR S&P 500 ETF TRUST-US", "ARCA", 590.0),
    "IBM": (8314, "INTL BUSINESS MACHINES CORP", "NYSE", 225.0),
    "KO": (8894, "COCA-COLA CO/THE", "NYSE", 63.0),
}
_FUTURES = {
    # root: first conId, name, exchange, multiplier, price
    "ES": (495512552, "E-mini S&P 500", "CME", 50, 5_900.0),
    "NQ": (563947726, "E-mini NASDAQ 100", "CME", 20, 20_700.0),
}
_PAIRS = {"EUR.USD": (12087792, "European Monetary Union Euro", 1.05)}


def catalogue(symbols: Sequence[str], now: datetime, *, hours: tuple[str, str] = ALWAYS) -> Catalogue:
    """Contracts by our own symbols: `AAPL`, `ESZ6` (or `ES` for the next expiry), `EUR.USD`, `AAPL C 240`.

    Raises:
        UsageError: A symbol that is none of these.
    """
    contracts = [_contract(symbol, now, hours) for symbol in symbols]
    return Catalogue(sorted(contracts, key=lambda contract: contract.con_id))


def _contract(symbol: str, now: datetime, hours: tuple[str, str]) -> Contract:
    if symbol in _STOCKS:
        return _stock(symbol, hours)
    if symbol in _PAIRS:
        return _pair(symbol, hours)
    root = next((each for each in _FUTURES if symbol.startswith(each)), None)
    if root is not None:
        for number, expiry in enumerate(_quarters(now)):
            local = f"{root}{QUARTERS[expiry.month]}{expiry.year % 10}"
            if symbol in (root, local):
                return _future(root, local, number, expiry, hours)
    parts = symbol.split()
    if len(parts) == 3 and parts[0] in _STOCKS and parts[1] in ("C", "P") and parts[2].isdigit():
        return _option(parts[0], parts[1], D(parts[2]), next(iter(_quarters(now))), hours)
    raise UsageError(
        f"{symbol!r} is not listed: choose from {', '.join([*_STOCKS, *_PAIRS, *_FUTURES])}, or an option "
        "as in 'AAPL C 240'"
    )


def _quarters(now: datetime) -> list[date]:
    """The next four third Fridays of a quarter's last month."""
    found: list[date] = []
    year, month = now.year, now.month
    while len(found) < 4:
        if month in QUARTERS:
            first = date(year, month, 1)
            friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
            if friday > now.date():
                found.append(friday)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _instrument(
    symbol: str, kind: InstrumentKind, base: str, quote: str, rule_id: int, *, multiplier: int = 1
) -> Instrument:
    return Instrument(
        id=instrument_id(symbol, VENUE),
        symbol=symbol,
        venue=VENUE,
        kind=kind,
        base=base,
        quote=quote,
        tick_size=RULES[rule_id].bands[-1][1],
        lot_size=D(1),
        quantity_min=D(1),
        multiplier=D(multiplier),
    )


def _stock(symbol: str, hours: tuple[str, str]) -> Contract:
    con_id, name, primary, price = _STOCKS[symbol]
    instrument = _instrument(symbol, "equity", symbol, "USD", 26)
    return Contract(
        con_id=con_id, sec_type="STK", symbol=symbol, local_symbol=symbol, long_name=name,
        listing=Listing(instrument=instrument, start_price=price), exchanges=("SMART", primary),
        primary_exchange=primary, trading_class="NMS" if primary == "NASDAQ" else symbol,
        time_zone="US/Eastern", hours=hours, rule_id=26, stock_type="ETF" if symbol == "SPY" else "COMMON",
    )  # fmt: skip


def _future(root: str, local: str, number: int, expiry: date, hours: tuple[str, str]) -> Contract:
    con_id, name, exchange, multiplier, price = _FUTURES[root]
    instrument = _instrument(local, "future", local, "USD", 67, multiplier=multiplier)
    return Contract(
        con_id=con_id + number, sec_type="FUT", symbol=root, local_symbol=local, long_name=name,
        listing=Listing(instrument=instrument, start_price=price), exchanges=(exchange,),
        trading_class=root, expiry=expiry.strftime("%Y%m%d"), multiplier=str(multiplier),
        time_zone="US/Central", hours=hours, rule_id=67,
    )  # fmt: skip


def _pair(symbol: str, hours: tuple[str, str]) -> Contract:
    con_id, name, price = _PAIRS[symbol]
    base, _, quote = symbol.partition(".")
    instrument = _instrument(symbol, "forex", base, quote, 59)
    return Contract(
        con_id=con_id, sec_type="CASH", symbol=base, local_symbol=symbol, long_name=name,
        listing=Listing(instrument=instrument, start_price=price), exchanges=("IDEALPRO",),
        trading_class=symbol, time_zone="US/Eastern", hours=hours, rule_id=59,
    )  # fmt: skip


def _option(symbol: str, right: str, strike: Decimal, expiry: date, hours: tuple[str, str]) -> Contract:
    local = f"{symbol:<6}{expiry:%y%m%d}{right}{int(strike * 1000):08d}"
    con_id = 700_000_000 + int(strike) * 2 + (right == "P")
    instrument = _instrument(local, "option", local, "USD", 109, multiplier=100)
    return Contract(
        con_id=con_id, sec_type="OPT", symbol=symbol, local_symbol=local, long_name=_STOCKS[symbol][1],
        listing=Listing(instrument=instrument, start_price=8.0), exchanges=("SMART", "CBOE"),
        trading_class=symbol, expiry=expiry.strftime("%Y%m%d"), strike=strike, right=right,
        multiplier="100", time_zone="US/Eastern", hours=hours, rule_id=109,
    )  # fmt: skip


def ib_time(now_ns: int) -> str:
    """`20261120-14:30:00`, UTC, as a TWS set to UTC writes it."""
    return datetime.fromtimestamp(now_ns / 1e9, tz=UTC).strftime("%Y%m%d-%H:%M:%S")
