"""What the operator sees and asks: answers the control socket and the health checks from the running core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import monotonic_ns
from typing import Any

import msgspec

from actors.messages.assigning import AssignHolding, AssignPosition
from actors.messages.control import (
    Approve,
    ClearHalt,
    CommandDone,
    OperatorCommand,
    Scope,
    Stop,
)
from actors.messages.orders import OrderTerms
from actors.model.money import ZERO
from actors.oms.order import Order
from actors.reconciliation.proposals import Difference
from actors.risk.held import Held
from actors.store.export import newest_fills
from daemon.config import Config
from daemon.control_commands import Names
from daemon.graph import Core
from daemon.runtime import Runtime
from daemon.safety_figures import limit_rows, refresh_safety
from daemon.telemetry import AccountFigures, Telemetry

UNHEALTHY_SECONDS = 10.0
"""A loop that takes no input for so long, or a write that is not durable by then, needs a restart."""


class OperatorPort:
    """Reads between two steps, on the loop's own thread; commands go through the runtime like any input."""

    def __init__(
        self,
        *,
        config: Config,
        core: Core,
        runtime: Runtime,
        telemetry: Telemetry,
        state: Path,
        take_checkpoint: Callable[[], int],
        begin_stop: Callable[[], None],
        now_ns: Callable[[], int],
        look_for_kill_file: Callable[[], None],
    ) -> None:
        self._config, self._core, self._runtime = config, core, runtime
        self._telemetry, self._state = telemetry, state
        self._take_checkpoint, self._begin_stop = take_checkpoint, begin_stop
        self.now_ns, self._look_for_kill_file = now_ns, look_for_kill_file
        self.is_stopping = False
        self._cancels = False
        telemetry.refreshers.append(self._refresh)

    # what can be named

    def names(self) -> Names:
        """Accounts, strategies and instruments."""
        strategies = {name: section.account for name, section in self._config.strategies.items()}
        instruments: dict[str, dict[str, None]] = {}
        for section in self._config.strategies.values():
            for instrument in section.instruments:
                instruments.setdefault(instrument, {})[section.account] = None
        return Names(
            accounts=tuple(self._config.accounts),
            strategies=strategies,
            instruments={name: tuple(accounts) for name, accounts in instruments.items()},
        )

    # reading

    def status(self) -> dict[str, Any]:
        """Process, accounts and strategies with their states, and what stands in the way."""
        orders = [order for order in self._core.oms.orders() if not order.is_closed]
        return {
            "session": self._telemetry.session,
            "pid": os.getpid(),
            "version": self._telemetry.version,
            "uptime_seconds": round(self._telemetry.age_seconds(self._telemetry.started_ns), 1),
            "seq": self._core.sequencer.seq,
            "inputs": self._telemetry.inputs,
            "orders": sum(self._telemetry.orders_sent.values()),
            "fills": sum(self._telemetry.fills.values()),
            "open_orders": len(orders),
            "held_orders": sum(1 for _ in self._core.risk.held),
            "unknown_orders": sum(order.state == "unknown" for order in orders),
            "accounts": [self._account_row(name) for name in self._config.accounts],
            "strategies": [self._strategy_row(name) for name in self._config.strategies],
            "holds": [
                {"scope": str(hold.scope), "state": hold.state, "reason": hold.reason}
                for hold in self._core.risk.consent.holds()
            ],
            "approvals": self.approvals(),
        }

    def _account_row(self, name: str) -> dict[str, Any]:
        section = self._config.accounts[name]
        state, reason = self._core.risk.state_of(Scope(account=name))
        if state in ("starting", "reconciling") and section.mode != "paper":
            reason = self._line_down(section.venue) or reason  # what is known now, not when it went
        figures = self._core.ledger.at_mark(name)
        return {
            "account": name,
            "mode": section.mode,
            "venue": section.venue,
            "state": state,
            "reason": reason,
            "equity": figures.equity,
            "currency": figures.currency,
            "drawdown": figures.drawdown,
        }

    def _strategy_row(self, name: str) -> dict[str, Any]:
        account = self._config.strategies[name].account
        state, reason = self._core.risk.state_of(Scope(account=account, strategy=name))
        return {"strategy": name, "account": account, "state": state, "reason": reason}

    def positions(self) -> list[dict[str, Any]]:
        """One row per strategy and instrument that is not flat."""
        rows = []
        for account in self._config.accounts:
            for position in self._core.ledger.positions(account):
                if position.quantity:
                    rows.append(
                        {
                            "account": account,
                            "strategy": position.strategy,
                            "instrument": position.instrument,
                            "quantity": position.quantity,
                            "entry_price_average": position.entry_price_average,
                            "realised_pnl": position.realised_pnl,
                            "mark_price": self._core.sequencer.market.mark_price(position.instrument),
                        }
                    )
        return rows

    def orders(self) -> list[dict[str, Any]]:
        """Every order that is not closed."""
        held = [_held_row(each) for each in self._core.risk.held]
        return [*held, *(_order_row(order) for order in self._core.oms.orders() if not order.is_closed)]

    async def fills(self, limit: int) -> list[dict[str, Any]]:
        """The newest settled fills, oldest first."""
        return await asyncio.to_thread(newest_fills, self._state, limit)

    def differences(self) -> list[dict[str, Any]]:
        """Every difference that is kept, oldest first, with its evidence and what was booked."""
        return [_difference_row(each) for each in self._core.reconciliation.differences()]

    def unclaimed(self) -> list[dict[str, Any]]:
        """What the venues show that no order in our books stands for, and `assign` could give a strategy."""
        return [msgspec.structs.asdict(each) for each in self._core.oms.unclaimed()]

    def approvals(self) -> list[dict[str, Any]]:
        """What waits for a second command."""
        return [
            {"id": each.approval_id, "what": each.what, "asked_by": each.asked_by, "asked_at": each.asked_at}
            for each in self._core.risk.consent.approvals.pending.values()
        ]

    def limits(self) -> list[dict[str, Any]]:
        """Limits in force, beside what the configuration says."""
        return limit_rows(self._core.risk.consent.limits)

    def metrics(self) -> dict[str, Any]:
        """Every figure of /metrics."""
        return self._telemetry.snapshot()

    def headline(self) -> str:
        """One line for systemd."""
        states = ", ".join(
            f"{name} {self._core.risk.state_of(Scope(account=name))[0]}" for name in self._config.accounts
        )
        return f"{states}; {self._telemetry.inputs} inputs, {sum(self._telemetry.fills.values())} fills"

    # steering

    async def submit(self, command: OperatorCommand) -> CommandDone:
        """Give a command to the core; returns once it was taken and is durable."""
        if isinstance(command, ClearHalt | Approve):
            self._look_for_kill_file()  # the core decides on what is there now, not a second ago
        refusal = None
        if isinstance(command, AssignHolding):
            refusal = self._not_assignable(command)
        elif isinstance(command, AssignPosition):
            refusal = self._not_movable(command)
        if refusal is not None:
            return CommandDone(
                ts_event=self.now_ns(), command_id=command.command_id, accepted=False, text=refusal
            )
        return await self._runtime.ask(command)

    def _not_assignable(self, command: AssignHolding) -> str | None:
        """Why the account has not got so much that is nobody's."""
        ledger, account = self._core.ledger, command.scope.account or ""
        instrument = ledger.instrument(command.instrument)
        if instrument.is_derivative:
            return None
        here = [each for each in ledger.positions(account) if each.instrument == command.instrument]
        own = sum((each.quantity for each in here), Decimal(0))
        held = ledger.balances(account).get(instrument.unit, Decimal(0)) / instrument.multiplier
        if any(each.strategy == command.scope.strategy and each.quantity < 0 for each in here):
            return f"{command.scope.strategy} is short {command.instrument}: a holding cannot close that"
        if not 0 < command.quantity <= held - own:
            return f"{account} holds {held}, {own} of it is strategies': at most {held - own} is nobody's"
        return None

    def _not_movable(self, command: AssignPosition) -> str | None:
        """Why one strategy's position cannot become another's."""
        account, held = command.scope.account or "", dict[str, Decimal]()
        for each in self._core.ledger.positions(account):
            if each.instrument == command.instrument and each.quantity:
                held[each.strategy] = each.quantity
        if command.former not in held:
            holders = ", ".join(held) or "nobody"
            return f"{command.former} holds no {command.instrument} in {account}: {holders} does"
        if held[command.former] * held.get(command.scope.strategy or "", Decimal(0)) < 0:
            return f"{command.scope.strategy} holds the other side of {command.instrument}: close that first"
        return None

    async def checkpoint(self) -> dict[str, Any]:
        """Take a checkpoint now."""
        return {"seq": self._take_checkpoint()}

    async def stop(self, *, by: str, cancel_orders: bool | None) -> CommandDone:
        """Give the core its last command and let the process end."""
        cancels = self._config.daemon.on_stop == "cancel" if cancel_orders is None else cancel_orders
        now = self.now_ns()
        done = await self._runtime.ask(
            Stop(ts_event=now, scope=Scope(), command_id=f"stop-{now}", by=by, cancel_orders=cancels)
        )
        self.is_stopping = True
        self._cancels = cancels
        self._begin_stop()
        return done

    def orders_to_settle(self) -> list[str]:
        """Orders a stop waits for: what it cancels, else what has a command under way; no unknown ones."""
        return [
            order.terms.client_order_id
            for order in self._core.oms.orders()
            if not order.is_closed and (self._cancels or order.awaiting is not None or order.cancel_wanted)
        ]

    # health

    def unhealthy(self) -> str | None:
        """Why the process should be restarted; None while the loop turns and writes become durable."""
        if self._runtime.failed.done():
            return str(self._runtime.failed.result())
        idle = (monotonic_ns() - self._runtime.last_slice_ns) / 1e9
        if idle > UNHEALTHY_SECONDS:
            return f"the trading loop has not turned for {idle:.1f} s"
        waiting = self._runtime.oldest_wait_ns() / 1e9
        if waiting > UNHEALTHY_SECONDS:
            return f"the disk has not taken a write for {waiting:.1f} s"
        return None

    def unready(self) -> str | None:
        """Why not every account trades, or why a venue's line or data are not there; None when all is well.

        One instrument without data stops that instrument; a venue without any live data trades nothing.
        """
        self._telemetry.refresh()
        for venue in self._telemetry.lines:
            if (reason := self._line_down(venue)) is not None:
                return reason
        for account in self._config.accounts:
            state, reason = self._core.risk.state_of(Scope(account=account))
            if state != "active":
                return f"account {account} is {state}: {reason}"
        for venue, data in self._telemetry.feed_data.items():
            if data.is_dark:
                return f"no instrument of {venue} has live data: {data.reason}"
        return None

    def _line_down(self, venue: str) -> str | None:
        line = self._telemetry.lines.get(venue)
        return None if line is None or line.is_up else f"the line of {venue} is down: {line.reason}"

    # telemetry, brought in when somebody looks

    def _refresh(self, telemetry: Telemetry) -> None:
        telemetry.queue_depth["inputs"] = self._runtime.waiting
        for account, broker in self._runtime.brokers.items():
            telemetry.queue_depth[f"broker:{account}"] = broker.backlog()
        telemetry.watchdog_age_seconds = (monotonic_ns() - self._runtime.last_slice_ns) / 1e9
        self._refresh_orders(telemetry)
        refresh_safety(telemetry, self._core, self._config.accounts)
        telemetry.positions = {
            (position.account, position.strategy, position.instrument): float(position.quantity)
            for account in self._config.accounts
            for position in self._core.ledger.positions(account)
        }
        for account, section in self._config.accounts.items():
            figures = telemetry.accounts.get(account)
            if figures is None:
                figures = telemetry.accounts[account] = AccountFigures(currency=section.base_currency)
            figures.state = self._core.risk.state_of(Scope(account=account))[0]

    def _refresh_orders(self, telemetry: Telemetry) -> None:
        counts: dict[tuple[str, str], int] = {}
        unknown_since: dict[str, int] = {}
        for order in self._core.oms.orders():
            key = (order.terms.account, order.state)
            counts[key] = counts.get(key, 0) + 1
            if order.state == "unknown":
                since = unknown_since.get(order.terms.account, order.unknown_at)
                unknown_since[order.terms.account] = min(since, order.unknown_at)
        for held in self._core.risk.held:
            waiting = (held.terms.account, "held")
            counts[waiting] = counts.get(waiting, 0) + 1
        telemetry.orders, telemetry.unknown_since_ns = counts, unknown_since


def _order_row(order: Order) -> dict[str, Any]:
    return _terms_row(order.terms, order.venue_order_id, order.state, order.filled)


def _held_row(held: Held) -> dict[str, Any]:
    """An order that has not left, or new terms that have not: the venue's word on margin is missing."""
    state = "held: margin asked" if held.terms.replaces is None else f"held: replaces {held.terms.replaces}"
    return _terms_row(held.terms, None, state, ZERO)


def _terms_row(terms: OrderTerms, venue_order_id: str | None, state: str, filled: Decimal) -> dict[str, Any]:
    return {
        "account": terms.account,
        "strategy": terms.strategy,
        "instrument": terms.instrument,
        "client_order_id": terms.client_order_id,
        "venue_order_id": venue_order_id,
        "state": state,
        "side": terms.side,
        "order_type": terms.order_type,
        "quantity": terms.quantity,
        "filled": filled,
        "price": terms.price,
        "stop_price": terms.stop_price,
        "time_in_force": terms.time_in_force,
        "special": terms.special.said() if terms.special is not None else {},
    }


def _difference_row(difference: Difference) -> dict[str, Any]:
    return {
        "id": difference.difference_id,
        "account": difference.account,
        "kind": difference.kind,
        "subject": difference.subject,
        "status": difference.status,
        "ours": difference.ours,
        "venue": difference.venue,
        "evidence": difference.evidence,
        "bookings": ", ".join(
            f"{each.amount} {each.asset} {each.reason} {each.transfer_id}" for each in difference.bookings
        ),
        "by": difference.by,
        "found_at": difference.found_ts,
    }
