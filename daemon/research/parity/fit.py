"""What a session shows of latency, slippage and fees, in the words of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np

from actors.model.money import ZERO
from daemon.research.parity.ladder import Marks
from daemon.research.parity.orders import Order, Orders
from daemon.research.parity.timing import RecordedTimes

MILLISECOND_NS = 1_000_000
BPS = 10_000


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A sample in four figures; None without one."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    latency_ms: Spread
    """From a decision until the venue had the order."""
    report_latency_ms: Spread
    """From the venue until we knew."""
    slippage_bps: Spread
    """Of fills that took, against what the simulation would have paid; > 0 cost us."""
    maker_fee: float | None
    """Fraction of notional, None without such a fill."""
    taker_fee: float | None

    def snippet(self, account: str) -> str:
        """The figures as a configuration has them."""
        lines = [f"[accounts.{account}.simulated]"]
        figures = {
            "latency_ms": self.latency_ms.p50,
            "report_latency_ms": self.report_latency_ms.p50,
            "maker_fee": self.maker_fee,
            "taker_fee": self.taker_fee,
        }
        lines += [f"{name} = {_number(value)}" for name, value in figures.items() if value is not None]
        return "\n".join(lines)


def fitted(account: str, times: RecordedTimes, orders: Orders, at_model_prices: Orders, marks: Marks) -> Fit:
    """What one account's recorded orders show."""
    travels = times.travels.get((account, "submit"), [])
    own = {key: order for key, order in orders.items() if order.terms.account == account}
    slipped = [
        value
        for key, order in own.items()
        if (value := _slippage_bps(order, at_model_prices[key])) is not None
    ]
    return Fit(
        latency_ms=spread([travel.out_ns / MILLISECOND_NS for travel in travels]),
        report_latency_ms=spread([travel.back_ns / MILLISECOND_NS for travel in travels]),
        slippage_bps=spread(slipped),
        maker_fee=_fee_rate(own, marks, is_maker=True),
        taker_fee=_fee_rate(own, marks, is_maker=False),
    )


def spread(values: Sequence[float]) -> Spread:
    """The figures of a sample."""
    if not len(values):
        return Spread(count=0, mean=None, p50=None, p90=None, p99=None)
    p50, p90, p99 = (
        float(each) for each in np.quantile(np.asarray(values, dtype=np.float64), (0.5, 0.9, 0.99))
    )
    return Spread(count=len(values), mean=float(np.mean(values)), p50=p50, p90=p90, p99=p99)


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
