"""A soak and what it must show: nothing grows but what settings, or the orders kept, account for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec

from tests.chaos.soak.life import KEEP_GB, Life, Sample

CHECKPOINTS = 100
SAMPLES = 50
MB = 1_000_000
UNIT = 10_000_000
"""Inputs to which the slope refers."""
GROWTH_MAX = 1 * MB
ROW_BYTES_MAX = 10_000
"""Of the database for each order with its fills and events: it keeps every one."""
DAYS_OPEN = 2
"""Parts that the tape keeps beyond its limit: the one being written, and the one being put away."""


class Soak(msgspec.Struct, frozen=True):
    """All that was seen."""

    samples: list[Sample]
    faults: list[str]
    seconds: float

    @property
    def second_half(self) -> Sequence[Sample]:
        """Everything has its size by then."""
        return self.samples[len(self.samples) // 2 :]

    @property
    def slope(self) -> float:
        """Bytes of resident memory for every 10,000,000 inputs, over the second half."""
        return self._slope(lambda sample: sample.resident_bytes)

    @property
    def database_per_order(self) -> float:
        """Bytes, over the second half."""
        first, last = self.second_half[0], self.second_half[-1]
        return (last.database_bytes - first.database_bytes) / max(1, last.orders - first.orders)

    def _slope(self, of: Callable[[Sample], int]) -> float:
        half = self.second_half
        return linear_regression([each.inputs for each in half], [of(each) for each in half]).slope * UNIT

    def findings(self) -> list[str]:
        """What is not as it must be."""
        half, found = self.second_half, list(self.faults)
        # Of a short run, what the allocator takes once and keeps would be reckoned up as a slope.
        grown = half[-1].resident_bytes - half[0].resident_bytes
        if self.slope > GROWTH_MAX and grown > GROWTH_MAX:
            found.append(f"memory grows by {self.slope / MB:.2f} MB for every 10,000,000 inputs")
        for what in ("descriptors", "tasks"):
            if len(seen := {getattr(each, what) for each in half}) > 1:
                found.append(f"{what} are not constant: {sorted(seen)}")
        day = max(each.tape_bytes for each in self.samples[: len(self.samples) // 10 or 1])
        limit = KEEP_GB * 1e9 + DAYS_OPEN * max(day, 50 * MB)
        if (most := max(each.tape_bytes for each in half)) > limit:
            found.append(f"the tape has grown to {most / MB:.0f} MB, more than {limit / MB:.0f} MB")
        if self.database_per_order > ROW_BYTES_MAX:
            found.append(f"the database takes {self.database_per_order:.0f} bytes an order")
        return found


async def soak(count: int, *, seed: int, tell: Callable[[Sample], None] = lambda sample: None) -> Soak:
    """Run so many inputs in a folder of their own."""
    began = perf_counter()
    with TemporaryDirectory(prefix="tickerd-soak-") as folder:
        life = Life(Path(folder) / "state", checkpoint_inputs=max(count // CHECKPOINTS, 50_000))
        samples = []
        async for sample in life.run(count, seed=seed, samples=SAMPLES):
            tell(sample)
            samples.append(sample)
        return Soak(samples, life.faults, perf_counter() - began)
