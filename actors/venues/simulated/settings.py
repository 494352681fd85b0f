"""Settings of a simulated venue: how orders meet its market, and what an account there pays and waits."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from actors.venues.simulated.charges import Charge
from actors.venues.simulated.delays import Delay
from actors.venues.simulated.margin_settings import MarginSettings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the configuration."""


class SimulatedVenueSettings(_Section, frozen=True, kw_only=True):
    """One account: fees are fractions of notional, < 0 is a rebate."""

    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fees: str | None = None
    """Name of a published fee schedule; with it or with `charges` the two rates above are not charged."""
    charges: tuple[Charge, ...] = ()
    """A fee schedule, or what comes on top of the named one."""
    fee_currency: str | None = None
    """None: the asset received, as spot venues charge, or quote for shares and where there is a fee schedule;
    an asset name (`BNB`, `USDT`) charges that asset."""
    fee_prices: dict[str, Decimal] = {}
    """Quote currency per unit of a third fee asset."""
    latency_ms: float = 1.0
    """From a command's decision until the venue sees it."""
    report_latency_ms: float = 0.0
    submit_delay: Delay = Delay()
    """On top of `latency_ms`, of orders, changes and questions."""
    cancel_delay: Delay = Delay()
    """On top of `latency_ms`, of cancels."""
    report_delay: Delay = Delay()
    """On top of `report_latency_ms`; reports of one account never overtake each other."""
    market_data_delay: Delay = Delay()
    """How old market data are when a decision is made on them; commands come that much later."""
    seed: int = 0
    """Of the chance in these delays."""
    self_trade_prevention: Literal["EXPIRE_MAKER", "NONE"] = "EXPIRE_MAKER"
    fill_share_of_trade: float = 1.0
    """Share of a recorded trade's size that resting orders at its price may take."""
    opening_balances: dict[str, Decimal] = {}
    account_type: Literal["cash", "margin"] = "cash"
    """Cash: nothing is sold that is not held, nothing bought that is not paid. Margin: as `margin` says."""
    margin: MarginSettings = MarginSettings()
    settlement_days: int = 0
    """Cash account: weekdays until the proceeds of a sale can buy; equities in the US: 1."""
    open_orders: Literal["us", "adjust", "cancel"] = "us"
    """What splits and dividends do to open orders; `us` as FINRA rule 5330."""


class BarFills(_Section, frozen=True, kw_only=True):
    """How orders meet bars, where there is nothing finer."""

    market_orders: Literal["next_open", "same_close"] = "next_open"
    path: Literal["adaptive", "ohlc", "olhc", "pessimistic"] = "adaptive"
    """Way through a bar: nearer extreme first; high first; low first; every stop before any limit."""
    limits: Literal["touch", "through"] = "touch"
    """Whether a resting limit order fills where the bar touches its price, or only beyond it."""
    volume_share: float | None = None
    """Most that all our orders together may take of a bar's volume; None: without end."""
    market_rest: Literal["next_bar", "cancel", "all_or_none"] = "next_bar"
    """What becomes of a market order that one bar does not fill: it goes on with the next, ends with what it
    has got, or ends with nothing."""
    zero_volume: Literal["skip", "fill"] = "skip"
    """Whether bars without volume fill anything; where no bar has any, nobody has counted and all fill."""


class Slippage(_Section, frozen=True, kw_only=True):
    """How much worse than the market an order fills that takes; the terms add up."""

    bps: float = 0.0
    """Ten-thousandths of the price."""
    ticks: float = 0.0
    spread_share: float = 0.0
    """Fraction of the distance between bid and ask, where quotes show it."""
    impact: float = 0.0
    """Fraction of the price that a fill of the whole volume of its bar or trade would move it."""
    impact_exponent: float = 0.5
    """Impact grows with the share of the volume to this power: 0.5 is the square root, 1 linear."""
    function: str | None = None
    """The user's own: `package.module:function` or `folder/file.py:function`."""
    rounding: Literal["against", "nearest"] = "against"
    """To whole ticks."""
    stays_in_bar: bool = False
    """Whether a price beyond the bar's high or low is taken back to it."""


class TradingTimes(_Section, frozen=True, kw_only=True):
    """When orders may fill; without a calendar or hours of its own, whenever there are data."""

    calendar: str | None = None
    """Its name; `instrument` takes the calendar of each instrument's definition."""
    opens: str | None = None
    """Local time, `09:30`, with `closes` and `zone` instead of a calendar."""
    closes: str | None = None
    zone: str = "UTC"
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    outside: Literal["wait", "reject"] = "wait"
    """What becomes of orders that come while the market is closed."""


class MarketSettings(_Section, frozen=True, kw_only=True):
    """How a venue's market treats the orders of all its accounts."""

    bars: BarFills = BarFills()
    slippage: Slippage = Slippage()
    queue: Literal["front", "back", "proportional"] = "front"
    """Where a resting order stands at a displayed price: before all others; behind them, and those leave from
    the back first; behind them, and those leave evenly."""
    sizes: Literal["displayed", "unlimited"] = "displayed"
    """Whether quotes fill no more than their size."""
    hours: TradingTimes = TradingTimes()
