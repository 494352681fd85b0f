"""Many schedules, on every core."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from math import inf
from multiprocessing import get_context
from time import monotonic, process_time
from typing import NamedTuple

from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import SAFE, UNSAFE, Variant

CHUNK = 250


class Chunk(NamedTuple):
    """Schedules to run one after the other."""

    variant: str
    first: int
    schedules: int
    ends_at: float
    """On the monotonic clock; one that has not begun by then is not run."""


class Seen(NamedTuple):
    """What a chunk has shown."""

    schedules: int
    faults: list[tuple[int, str]]
    """By seed."""
    counts: Counter[str]
    cpu_seconds: float


class Result(NamedTuple):
    """All schedules together."""

    schedules: int
    """So many were run; fewer than wanted where time ran out."""
    broken: list[tuple[int, str]]
    """Seed and fault."""
    counts: Counter[str]
    jobs: int
    cpu_seconds: float
    """Processor time of all jobs, start-up left out."""


def run_many(
    schedules: int,
    seed: int,
    *,
    variant: Variant = SAFE,
    jobs: int | None = None,
    seconds: float = inf,
) -> Result:
    """Run the schedules of `seed`, `seed + 1` and so on; what is not begun after so many seconds is left."""
    ends_at = monotonic() + seconds
    chunks = [
        Chunk(variant.name, first, min(CHUNK, seed + schedules - first), ends_at)
        for first in range(seed, seed + schedules, CHUNK)
    ]
    jobs = min(jobs or os.cpu_count() or 1, len(chunks))
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    cpu_seconds, done = 0.0, 0
    with ExitStack() as stack:
        results: Iterator[Seen] = map(_run_chunk, chunks)
        if jobs > 1:
            pool = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn")))
            results = pool.map(_run_chunk, chunks)
        for seen in results:
            broken += seen.faults
            counts += seen.counts
            cpu_seconds += seen.cpu_seconds
            done += seen.schedules
    return Result(done, sorted(broken), counts, jobs, cpu_seconds)


def _run_chunk(chunk: Chunk) -> Seen:
    if monotonic() > chunk.ends_at:
        return Seen(0, [], Counter(), 0.0)
    began = process_time()
    gc.disable()  # what a schedule leaves in cycles is collected once, at the end
    variant = next(each for each in (SAFE, *UNSAFE) if each.name == chunk.variant)
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    for seed in range(chunk.first, chunk.first + chunk.schedules):
        outcome = run_schedule(seed, variant)
        counts += outcome.counts
        if outcome.fault is not None:
            broken.append((seed, outcome.fault))
    gc.enable()
    gc.collect()
    return Seen(chunk.schedules, broken, counts, process_time() - began)
