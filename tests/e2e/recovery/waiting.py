"""Waiting for what a restart may have to prove first."""

from __future__ import annotations

from tests.e2e.rig import Daemon, wait_for

PROOF_SECONDS = 100.0
"""An order in flight at a kill holds its instrument until proven, for which the venue's gap must pass."""


def trades_on(daemon: Daemon, strategy: str = "maker") -> None:
    """Until the strategy was filled again."""
    before = daemon.fills_by_strategy()[strategy]
    wait_for(
        lambda: daemon.fills_by_strategy()[strategy] > before,
        f"a fill of {strategy}; log: {daemon.log_file}",
        PROOF_SECONDS,
    )
