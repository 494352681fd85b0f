"""What happens in one round: drawn from its seed alone, so that a round can be run again by itself."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

AT_START = 0.1
"""Share of rounds whose kill falls into the start."""
START_SHARES = (0.2, 1.05)
"""When it falls, in parts of what a start takes."""
TRADING_SECONDS = (0.15, 0.9)
FAULT_SHARE = 0.6
"""Of the rounds that may have faults at all."""
CUT_SHARE = 0.25
CALM_SHARE = 0.5
"""Of the rounds with trouble, those that go on after it, so that a return to trading is seen."""
CALM_SECONDS = (0.1, 0.6)
ORDER_METHODS = ("order.place", "order.cancel")

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accept_and_lose", {"method": ORDER_METHODS}),
    ("lose_request", {"method": ORDER_METHODS}),
    ("error_before", {"method": ORDER_METHODS}),
    ("error_after", {"method": ORDER_METHODS}),
    ("delay_reply", {"method": (None, *ORDER_METHODS), "milliseconds": (50, 400, 1_500)}),
    ("swallow_report", {"method": ("NEW", "TRADE", "CANCELED")}),
    ("duplicate_report", {"method": (None, "TRADE")}),
    ("reorder_reports", {}),
    ("hide_order", {"milliseconds": (200, 2_000)}),
    ("stale_open_orders", {"milliseconds": (200, 2_000)}),
    ("rename_on_cancel", {}),
    ("depth_gap", {}),
    ("stall", {"target": ("ws_api", "user_data", "streams", "all"), "milliseconds": (100, 600)}),
    ("drop", {"target": ("ws_api", "user_data", "streams", "all")}),
    ("refuse_connection", {"method": ("streams", "ws_api")}),
    ("partial_fill_then_disconnect", {}),
    ("server_shutdown", {"target": ("ws_api", "streams")}),
)
"""Kinds of the exchange and what their fields may be."""


@dataclass(frozen=True)
class Round:
    """One life: how its line is, what goes wrong in it, and when it is killed."""

    seed: int
    is_at_start: bool
    seconds: float
    """Until the kill, from the first order it may send on; in a start, in parts of what a start takes."""
    latency_seconds: float
    """Of the line, one way."""
    checkpoint_seconds: float
    faults: tuple[dict[str, Any], ...]
    cut_after: float | None
    """The line is cut so long after the account was active."""
    calm_seconds: float | None
    """Faults are taken back at `seconds`, and the kill comes so long after the account is active again."""

    @property
    def told(self) -> str:
        """Its faults in a few words."""
        return ", ".join(
            " ".join([each["kind"], *(str(each[name]) for name in ("method", "target") if name in each)])
            for each in self.faults
        )


def plan(seed: int, *, with_faults: bool) -> Round:
    """The round of this seed."""
    chance = Random(f"kills {seed}")
    is_at_start = chance.random() < AT_START
    seconds = chance.uniform(*START_SHARES) if is_at_start else chance.uniform(*TRADING_SECONDS)
    latency = chance.uniform(0.005, 0.04)
    checkpoint = chance.choice((1.0, 2.0, 60.0))
    faults: list[dict[str, Any]] = []
    cut: float | None = None
    if with_faults and chance.random() < FAULT_SHARE:
        for kind, fields in chance.sample(FAULTS, chance.randint(1, 3)):
            drawn = {name: chance.choice(choices) for name, choices in fields.items()}
            count = {} if kind in ("stall", "drop", "server_shutdown") else {"count": chance.randint(1, 2)}
            faults.append({"kind": kind, **count, **{k: v for k, v in drawn.items() if v is not None}})
        if chance.random() < CUT_SHARE:
            cut = chance.uniform(0.0, seconds)
    has_calm = (faults or cut is not None) and chance.random() < CALM_SHARE
    calm = chance.uniform(*CALM_SECONDS) if has_calm else None
    return Round(seed, is_at_start, seconds, latency, checkpoint, tuple(faults), cut, calm)
