"""Many schedules, on every core."""

from __future__ import annotations

import gc
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import SAFE, UNSAFE, Variant

CHUNK = 250


class Result(NamedTuple):
    """All schedules together."""

    schedules: int
    broken: list[tuple[int, str]]
    """Seed and fault."""
    counts: Counter[str]
    jobs: int


def run_many(schedules: int, seed: int, *, variant: Variant = SAFE, jobs: int | None = None) -> Result:
    """Run the schedules of `seed`, `seed + 1` and so on."""
    chunks = [
        (variant.name, first, min(CHUNK, seed + schedules - first))
        for first in range(seed, seed + schedules, CHUNK)
    ]
    jobs = min(jobs or os.cpu_count() or 1, len(chunks))
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    if jobs <= 1:
        results = map(_run_chunk, chunks)
        for faults, seen in results:
            broken += faults
            counts += seen
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            for faults, seen in pool.map(_run_chunk, chunks):
                broken += faults
                counts += seen
    return Result(schedules, sorted(broken), counts, jobs)


def _run_chunk(chunk: tuple[str, int, int]) -> tuple[list[tuple[int, str]], Counter[str]]:
    name, first, count = chunk
    variant = next(each for each in (SAFE, *UNSAFE) if each.name == name)
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        outcome = run_schedule(seed, variant)
        counts += outcome.counts
        if outcome.fault is not None:
            broken.append((seed, outcome.fault))
    gc.collect()
    return broken, counts
