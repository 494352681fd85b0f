"""What sessions of kills have shown, summed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.chaos.kills.availability import Availability
from tests.chaos.kills.judge import Judgement
from tests.chaos.kills.phases import IN_FLIGHT

FAULTS_SHOWN = 20


@dataclass
class Outcome:
    """What rounds have shown."""

    kills: int = 0
    orders: int = 0
    fills: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    by_phase: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    start_ms: list[float] = field(default_factory=list)
    """From a process's first instruction to the first order it may send, after a kill."""
    trading_seconds: float = 0.0
    traded_orders: int = 0
    """Orders accepted while these passed."""
    availability: Availability = field(default_factory=Availability)
    replayed: int = 0
    """Inputs that were run again through all parts, each step as recorded."""
    replay_seconds: float = 0.0
    seeds: list[tuple[int, int]] = field(default_factory=list)
    """First seed and kills of each session."""

    def add(self, found: Judgement) -> None:
        """Take the judge's word."""
        self.orders += found.orders
        self.fills += found.fills
        self.lost += found.lost
        self.duplicated += found.duplicated
        self.differences += found.differences
        self.replayed += found.replayed
        self.replay_seconds += found.replay_seconds

    def merge(self, other: Outcome) -> None:
        """Add another session's rounds."""
        self.kills += other.kills
        self.orders += other.orders
        self.fills += other.fills
        self.cuts += other.cuts
        self.trading_seconds += other.trading_seconds
        self.traded_orders += other.traded_orders
        self.replayed += other.replayed
        self.replay_seconds += other.replay_seconds
        self.lost += other.lost
        self.duplicated += other.duplicated
        self.differences += other.differences
        self.start_ms += other.start_ms
        self.seeds += other.seeds
        self.by_phase += other.by_phase
        self.faults += other.faults
        self.availability.add(other.availability)

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicated or self.differences)

    @property
    def in_flight(self) -> float:
        """Share of kills with a command under way."""
        return sum(self.by_phase[phase] for phase in IN_FLIGHT) / max(1, self.kills)

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        starts = sorted(self.start_ms)
        return {
            "kills": self.kills,
            "lost": len(self.lost),
            "duplicated": len(self.duplicated),
            "differences": len(self.differences),
            "orders": self.orders,
            "fills": self.fills,
            "by_phase": dict(self.by_phase.most_common()),
            "in_flight": round(self.in_flight, 3),
            "availability": self.availability.as_json(),
            "orders_per_second": round(self.traded_orders / max(1e-9, self.trading_seconds), 1),
            "start_ms": {"p50": median(starts), "max": starts[-1]} if starts else {},
            "replay": {
                "inputs": self.replayed,
                "inputs_per_second": round(self.replayed / max(1e-9, self.replay_seconds)),
            },
            "cuts": self.cuts,
            "faults": dict(self.faults),
            "seeds": [[first, kills] for first, kills in self.seeds],
            "broken": [*self.lost, *self.duplicated, *self.differences][:FAULTS_SHOWN],
        }
