"""What a session shows of latency, slippage and fees, in the words of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np

from actors.model.money import ZERO
from daemon.config import Config
from daemon.research.parity.ladder import Marks
from daemon.research.parity.orders import Order, Orders
from daemon.research.parity.timing import RecordedTimes


class Told(NamedTuple):
    """The recorded orders, and the same at the simulation's prices."""

    recorded: Orders
    at_model_prices: Orders


MILLISECOND_NS = 1_000_000
BPS = 10_000


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A sample in four figures; None without one."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    shares: tuple[float, ...]
    """The middles of ten equal shares, smallest first: each as likely as any other."""


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    latency_ms: Spread
    """From a decision until the venue had the order."""
    cancel_latency_ms: Spread
    report_latency_ms: Spread
    """From the venue until we knew."""
    slippage_bps: Spread
    """Of fills that took, against what the simulation would have paid; > 0 cost us."""
    maker_fee: float | None
    """Fraction of notional, None without such a fill."""
    taker_fee: float | None
    configuration: str
    """The same as the configuration has it."""


def fitted(account: str, config: Config, times: RecordedTimes, told: Told, marks: Marks) -> Fit:
    """What one account's recorded orders show; `config` is what the fills were compared with."""
    venue = config.accounts[account].venue
    bps = config.venues[venue].simulated.slippage.bps if venue in config.venues else 0.0
    submits, cancels = (times.travels.get((account, kind), []) for kind in ("submit", "cancel"))
    own = {key: order for key, order in told.recorded.items() if order.terms.account == account}
    slipped = [
        value
        for key, order in own.items()
        if (value := _slippage_bps(order, told.at_model_prices[key])) is not None
    ]
    fit = Fit(
        latency_ms=spread([travel.out_ns / MILLISECOND_NS for travel in submits]),
        cancel_latency_ms=spread([travel.out_ns / MILLISECOND_NS for travel in cancels]),
        report_latency_ms=spread([travel.back_ns / MILLISECOND_NS for travel in (*submits, *cancels)]),
        slippage_bps=spread(slipped),
        maker_fee=_fee_rate(own, marks, is_maker=True),
        taker_fee=_fee_rate(own, marks, is_maker=False),
        configuration="",
    )
    return msgspec.structs.replace(fit, configuration=_configuration(fit, account, venue, bps))


def _configuration(fit: Fit, account: str, venue: str, bps: float) -> str:
    """The fit in TOML; `bps` is the slippage that the fills were compared with."""
    lines = [f"[accounts.{account}.simulated]"]
    delays = {"submit_delay": fit.latency_ms, "cancel_delay": fit.cancel_latency_ms,
              "report_delay": fit.report_latency_ms}  # fmt: skip
    if any(each.count for each in delays.values()):
        lines += ["latency_ms = 0", "report_latency_ms = 0"]
    for name, each in delays.items():
        if each.count:
            shares = ", ".join(map(_number, each.shares))
            lines.append(f'{name} = {{ model = "recorded", recorded_ms = [{shares}] }}')
    fees = {"maker_fee": fit.maker_fee, "taker_fee": fit.taker_fee}
    lines += [f"{name} = {_number(rate)}" for name, rate in fees.items() if rate is not None]
    mean = fit.slippage_bps.mean
    if mean is not None and bps + mean > 0:
        lines += ["", f"[venues.{venue}.simulated.slippage]", f"bps = {_number(bps + mean)}"]
    return "\n".join(lines)


def spread(values: Sequence[float]) -> Spread:
    """The figures of a sample."""
    if not len(values):
        return Spread(count=0, mean=None, p50=None, p90=None, p99=None, shares=())
    sample = np.asarray(values, dtype=np.float64)
    p50, p90, p99 = np.quantile(sample, (0.5, 0.9, 0.99)).tolist()
    shares = np.quantile(sample, np.arange(0.05, 1.0, 0.1)).tolist()
    mean = float(sample.mean())
    return Spread(count=len(values), mean=mean, p50=p50, p90=p90, p99=p99, shares=tuple(shares))


def _slippage_bps(order: Order, model: Order) -> float | None:
    """How much dearer than simulated the order took; None for one that only rested."""
    paid, expected = order.price, model.price
    if paid is None or expected is None or all(fill.liquidity == "maker" for fill in order.fills):
        return None
    sign = 1 if order.terms.side == "buy" else -1
    return float((paid - expected) / expected * sign * BPS)


def _fee_rate(orders: Orders, marks: Marks, *, is_maker: bool) -> float | None:
    """Fees over notional of all such fills."""
    fees = notional = ZERO
    for order in orders.values():
        instrument = marks.instrument(order.terms.instrument)
        for fill in order.fills:
            if (fill.liquidity == "maker") == is_maker:
                unit = fill.price if fill.fee_currency == instrument.base else marks.rate(
                    fill.fee_currency, instrument.quote
                )  # fmt: skip
                fees += fill.fee * unit
                notional += fill.quantity * fill.price * instrument.multiplier
    return float(fees / notional) if notional else None


def _number(value: float) -> str:
    return f"{Decimal(f'{value:.4g}').normalize():f}"
