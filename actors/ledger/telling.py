"""What the ledger says of a position, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from actors.ledger.lots import ClosedTrip, Position
from actors.messages.account import PositionChanged, TradeClosed
from actors.messages.clearing import ContractsChanged
from actors.model.contracts import Contracts
from actors.model.instrument import Instrument


def trade_closed(position: Position, trip: ClosedTrip, ts: int) -> TradeClosed:
    """A round trip that has ended."""
    return TradeClosed(
        ts_event=ts,
        account=position.account,
        strategy=position.strategy,
        instrument=position.instrument,
        direction=trip.direction,
        quantity=trip.quantity,
        entry_price=trip.entry_price,
        exit_price=trip.exit_price,
        realised_pnl=trip.realised_pnl,
        fees=trip.fees,
        ts_opened=trip.ts_opened,
    )


def contracts_changed(
    account: str, instrument: Instrument, contracts: Mapping[str, Contracts], ts: int
) -> ContractsChanged:
    """Derivatives of an account as they are after a booking."""
    held = contracts[instrument.id]
    return ContractsChanged(
        ts_event=ts, account=account, instrument=instrument.id, quantity=held.quantity, cost=held.cost
    )


def position_changed(
    position: Position, net: Decimal, ts: int, client_order_id: str | None, filled: Decimal
) -> PositionChanged:
    """A position as it is after a booking."""
    return PositionChanged(
        ts_event=ts,
        account=position.account,
        strategy=position.strategy,
        instrument=position.instrument,
        quantity=position.quantity,
        entry_price_average=position.entry_price_average,
        realised_pnl=position.realised_pnl,
        account_quantity=net,
        client_order_id=client_order_id,
        filled_quantity=filled,
    )
