"""Where a result came from: what trading would have given at mid, and what each cost took of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from actors.core.market import MarketBoard
from actors.ledger.exact import add, multiply
from actors.ledger.journal import Journal
from actors.ledger.lots import Position
from actors.messages.orders import OrderFilled
from actors.model.instrument import Instrument
from actors.model.money import ZERO, to_decimal


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy in one instrument, or the interest of an account, which belongs to neither.

    net = gross − slippage − fees − borrow − funding − interest + dividends
    """

    strategy: str | None
    instrument: str | None
    currency: str
    """Of all figures: the instrument's quote currency, or what interest was paid in."""
    gross: Decimal
    """Realised and unrealised P&L, had every fill been at the mid its order was decided at."""
    slippage: Decimal
    fees: Decimal
    borrow: Decimal
    funding: Decimal
    dividends: Decimal
    interest: Decimal = ZERO
    """On cash owed, > 0 paid."""
    net: Decimal


def slippage_of(fill: OrderFilled, instrument: Instrument) -> Decimal:
    """What a fill cost against the mid of its order's decision, > 0 a cost; 0 where no mid was known."""
    if fill.mid_price is None:
        return ZERO
    worse = fill.price - to_decimal(fill.mid_price)
    cost = worse * fill.quantity * instrument.multiplier
    return cost if fill.side == "buy" else -cost


def attributions(
    positions: Iterable[Position],
    instruments: Mapping[str, Instrument],
    market: MarketBoard,
    journal: Journal,
) -> list[Attribution]:
    """Of each strategy and instrument, at today's marks; behind them what the account paid for cash owed."""
    lines = [
        attribute(position, instruments[position.instrument], market.mark_price(position.instrument))
        for position in positions
        if position.instrument in instruments
    ]
    return lines + [_of_interest(asset, paid) for asset, paid in journal.totals("interest").items() if paid]


def _of_interest(asset: str, paid: Decimal) -> Attribution:
    return Attribution(
        strategy=None, instrument=None, currency=asset, gross=ZERO, slippage=ZERO, fees=ZERO, borrow=ZERO,
        funding=ZERO, dividends=ZERO, interest=paid, net=-paid,
    )  # fmt: skip


def attribute(position: Position, instrument: Instrument, mark: float | None) -> Attribution:
    """The position's result so far, its open part at `mark`; without a mark at its cost."""
    open_gain = ZERO
    if position.quantity and mark is not None:
        worth = multiply(position.quantity, to_decimal(mark))
        open_gain = multiply(worth - position.cost, instrument.multiplier)
    traded = add(position.realised_pnl, open_gain)
    costs = position.fees + position.borrow + position.funding
    return Attribution(
        strategy=position.strategy,
        instrument=position.instrument,
        currency=instrument.quote,
        gross=traded + position.slippage,
        slippage=position.slippage,
        fees=position.fees,
        borrow=position.borrow,
        funding=position.funding,
        dividends=position.dividends,
        net=traded - costs + position.dividends,
    )


_AMOUNTS = ("gross", "slippage", "fees", "borrow", "funding", "dividends", "interest", "net")


def since(before: Iterable[Attribution], after: Iterable[Attribution]) -> list[Attribution]:
    """What each line has gained between two moments; the second has every line of the first."""
    former = {(line.strategy, line.instrument, line.currency): line for line in before}
    found = []
    for line in after:
        old = former.get((line.strategy, line.instrument, line.currency))
        change = {name: getattr(line, name) - getattr(old, name) for name in _AMOUNTS} if old else {}
        found.append(msgspec.structs.replace(line, **change))
    return found
