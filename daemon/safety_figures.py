"""Limits, losses and approvals as rows and figures, read from the running core."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actors.risk.stored_limits import LimitBook
from daemon.graph import Core
from daemon.telemetry import Telemetry


def limit_rows(book: LimitBook) -> list[dict[str, Any]]:
    """One row per limit of every account and strategy."""
    rows = []
    for scope in book.scopes():
        stored = book.stored(scope)
        for limit, value in stored.in_force.items():
            rows.append(
                {
                    "account": scope.account,
                    "strategy": scope.strategy,
                    "limit": limit,
                    "value": value,
                    "configured": stored.configured[limit],
                    "hash": stored.digest,
                }
            )
    return rows


def refresh_safety(telemetry: Telemetry, core: Core, accounts: Iterable[str]) -> None:
    """Losses as last valued, with their limits; what waits for the operator: approvals, differences."""
    consent = core.risk.consent
    telemetry.approvals_pending = len(consent.approvals.pending)
    telemetry.is_kill_file_there = consent.is_kill_file_there
    open_ones = [each.account for each in core.reconciliation.differences() if each.status == "open"]
    telemetry.differences_open = {account: open_ones.count(account) for account in accounts}
    telemetry.losses = {
        (account, each.scope.strategy or "", each.cause): (
            each.figure,
            None if each.limit is None else float(each.limit),
        )
        for account in accounts
        for each in core.risk.guard.watched(account)
    }
