"""`state_backup.json`: what is held and open, in words, for the day when nothing else can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from actors.messages.control import Scope
from actors.oms.order import Order
from actors.store.layout import write_durably
from daemon.graph import Core
from daemon.safety_figures import limit_rows

log = structlog.get_logger(__name__)

FILE = "state_backup.json"


class StateBackup:
    """Writes the file at the end of each day and at a stop; a failure is logged and stops nothing."""

    def __init__(self, state: Path, core: Core, *, now_ns: Callable[[], int]) -> None:
        self._path, self._core, self._now_ns = state / FILE, core, now_ns

    async def write(self) -> None:
        """Take the state now, between two inputs, and write it beside the loop."""
        data = msgspec.json.format(msgspec.json.encode(plain_state(self._core, self._now_ns())), indent=2)
        try:
            await asyncio.to_thread(write_durably, self._path, data)
        except OSError as error:
            log.error("the daily state was not written", path=str(self._path), error=error.strerror)


def plain_state(core: Core, now_ns: int) -> dict[str, Any]:
    """Balances, positions, open orders and limits of every account; amounts are decimal text."""
    return {
        "written_at": datetime.fromtimestamp(now_ns / 1e9, tz=UTC).isoformat(timespec="seconds"),
        "seq": core.sequencer.seq,
        "accounts": {name: _account(core, name) for name in core.ledger.accounts()},
        "limits": limit_rows(core.risk.consent.limits),
    }


def _account(core: Core, name: str) -> dict[str, Any]:
    state, reason = core.risk.state_of(Scope(account=name))
    orders = [each for each in core.oms.orders() if each.terms.account == name and not each.is_closed]
    return {
        "state": state,
        "reason": reason,
        "balances": {asset: total for asset, total in core.ledger.balances(name).items() if total},
        "positions": [
            {
                "strategy": position.strategy,
                "instrument": position.instrument,
                "quantity": position.quantity,
                "entry_price_average": position.entry_price_average,
            }
            for position in core.ledger.positions(name)
            if position.quantity
        ],
        "open_orders": [_order(order) for order in orders],
    }


def _order(order: Order) -> dict[str, Any]:
    terms = order.terms
    return {
        "client_order_id": terms.client_order_id,
        "venue_order_id": order.venue_order_id,
        "strategy": terms.strategy,
        "instrument": terms.instrument,
        "side": terms.side,
        "state": order.state,
        "quantity": terms.quantity,
        "filled": order.filled,
        "price": terms.price,
    }
