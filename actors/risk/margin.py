"""The margin rule: whether what the venue says an order would do leaves enough; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from actors.messages.margin import MarginFigures
from actors.model.money import ZERO, to_decimal
from actors.risk.limits import RiskLimits
from actors.risk.rules import Refusal


class Promised(NamedTuple):
    """Margin that approved orders will take and the venue's figures do not show yet."""

    initial: Decimal = ZERO
    maintenance: Decimal = ZERO


def margin_refusal(figures: MarginFigures, promised: Promised, limits: RiskLimits) -> Refusal | None:
    """Why the order may not leave; None when it may. What frees margin is never in the way."""
    if figures.initial_change <= ZERO and figures.maintenance_change <= ZERO:
        return None
    equity = figures.equity_after
    initial = figures.initial_after + promised.initial
    maintenance = figures.maintenance_after + promised.maintenance
    excess = equity - maintenance
    told = f"equity={_short(equity)}, maintenance_margin={_short(maintenance)}{_beside(promised.maintenance)}"
    if initial > equity:
        told = f"equity={_short(equity)}, initial_margin={_short(initial)}{_beside(promised.initial)}"
        return Refusal("MARGIN_INSUFFICIENT", f"available={_short(equity - initial)}, min=0, {told}")
    least = limits.excess_liquidity_min
    if least is not None and excess < least:
        return Refusal("EXCESS_LIQUIDITY_BELOW_MIN", f"excess={_short(excess)}, min={least}, {told}")
    fraction = limits.margin_cushion_min
    if fraction is not None and excess < to_decimal(fraction) * equity:
        cushion = excess / equity if equity > ZERO else ZERO
        return Refusal("MARGIN_CUSHION_BELOW_MIN", f"cushion={cushion:.4f}, min={fraction}, {told}")
    return None


def _beside(promised: Decimal) -> str:
    """How much of a figure is ours and not the venue's."""
    return f" ({_short(promised)} of it promised)" if promised else ""


def _short(figure: Decimal) -> str:
    return f"{figure.normalize():f}" if figure else "0"
