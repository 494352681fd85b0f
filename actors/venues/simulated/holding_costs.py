"""What a margin account pays, or receives, for holding: funding, borrow fees, interest."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from actors.messages.clearing import ChargeKind, PositionCharged
from actors.messages.market import FundingRate
from actors.model.instrument import ZERO, Instrument
from actors.model.money import to_decimal
from actors.venues.simulated.charges import FEE_STEP
from actors.venues.simulated.margin import MarginAccount


def fund(account: MarginAccount, instrument: Instrument, rate: FundingRate) -> list[PositionCharged]:
    """Charge one payment of funding: position × mark × rate, from longs to shorts while the rate is > 0."""
    held = account.contracts.get(instrument.id)
    if held is None or not held.quantity:
        return []
    mark = account.mark(instrument.id) if rate.mark_price is None else to_decimal(rate.mark_price)
    notional = held.quantity * mark * instrument.multiplier
    return [
        _charge(
            account,
            "funding",
            -notional * to_decimal(rate.rate),
            str(rate.ts_event),
            rate.ts_event,
            instrument.id,
            held.quantity,
        )
    ]


def charge_day(account: MarginAccount, day: int, ts: int) -> list[PositionCharged]:
    """Charge one day of borrowed shares, at mark, and of cash owed: yearly rate over the days of a year."""
    margin, charges = account.margin, []
    days = Decimal(margin.days_per_year)
    for instrument, quantity in account.held():
        rate = margin.borrow_rate(instrument)
        if quantity < ZERO and rate and not instrument.is_derivative:
            value = quantity * account.mark(instrument.id) * instrument.multiplier
            amount = value * rate / days
            charges.append(_charge(account, "borrow", amount, str(day), ts, instrument.id, quantity))
    owed = account.total.get(account.currency, ZERO)
    if owed < ZERO and margin.interest:
        amount = owed * margin.interest / days
        charges.append(_charge(account, "interest", amount, str(day), ts, None, ZERO))
    return charges


def _charge(
    account: MarginAccount,
    kind: ChargeKind,
    exact: Decimal,
    charge_id: str,
    ts: int,
    instrument: str | None,
    quantity: Decimal,
) -> PositionCharged:
    amount = exact.quantize(FEE_STEP, ROUND_HALF_EVEN) + ZERO
    account.move(account.currency, amount)
    return PositionCharged(
        ts_event=ts,
        account=account.name,
        instrument=instrument,
        kind=kind,
        asset=account.currency,
        amount=amount,
        quantity=quantity,
        charge_id=charge_id,
    )
