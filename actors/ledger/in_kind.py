"""Fees: which a position pays itself, what they are worth; and what leaves a position with a transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from actors.core.market import MarketBoard
from actors.ledger.account_book import AccountBook
from actors.ledger.exact import subtract
from actors.ledger.lots import Position, take_away
from actors.messages.orders import OrderFilled
from actors.model.instrument import ONE, Instrument
from actors.model.money import ZERO, to_decimal
from actors.views.valuation import Valuation


def paid_by_position(fill: OrderFilled, instrument: Instrument, held: Decimal) -> Decimal:
    """Part of the fee that the strategy's position pays: all of a buy's, of a sale's what is still long."""
    fee = fill.fee
    if not fee or fill.fee_currency != instrument.base or instrument.multiplier != ONE:
        return ZERO
    if instrument.is_derivative:
        return ZERO
    if fill.side == "buy" or fee < ZERO:
        return fee
    return max(ZERO, min(fee, subtract(held, fill.quantity)))


def fee_value(
    fill: OrderFilled, instrument: Instrument, valuation: Valuation, market: MarketBoard
) -> Decimal:
    """The fee in quote currency at the price of the fill; 0 for an asset that has no price yet."""
    if not fill.fee or fill.fee_currency == instrument.quote:
        return fill.fee
    if fill.fee_currency == instrument.base:
        return fill.fee * fill.price
    price = valuation.price(fill.fee_currency, instrument.quote, market)
    return fill.fee * to_decimal(price) if price is not None else ZERO


def shrink(
    book: AccountBook,
    positions: Sequence[Position],
    instruments: Mapping[str, Instrument],
    asset: str,
) -> list[Position]:
    """Take what the account holds no longer off the positions that held it, at cost: no gain and no loss."""
    shrunk = []
    for position in positions:
        instrument = instruments.get(position.instrument)
        if instrument is None or instrument.unit != asset or position.quantity <= ZERO:
            continue
        net = book.net[position.instrument]
        missing = net - book.journal.holdings[asset] / instrument.multiplier
        taken = min(position.quantity, missing)
        if taken > ZERO:
            book.close_lot(instrument, taken, take_away(position, taken))
            book.net[position.instrument] = subtract(net, taken)
            shrunk.append(position)
    return shrunk
