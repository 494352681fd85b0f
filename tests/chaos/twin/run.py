"""Many schedules, on every core."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from time import process_time
from typing import NamedTuple

from tests.chaos.twin.schedule import run_schedule
from tests.chaos.twin.variants import SAFE, UNSAFE, Variant

CHUNK = 250
Chunk = tuple[list[tuple[int, str]], Counter[str], float]
"""Faults by seed, counts, processor seconds."""


class Result(NamedTuple):
    """All schedules together."""

    schedules: int
    broken: list[tuple[int, str]]
    """Seed and fault."""
    counts: Counter[str]
    jobs: int
    cpu_seconds: float
    """Processor time of all jobs, start-up left out."""


def run_many(schedules: int, seed: int, *, variant: Variant = SAFE, jobs: int | None = None) -> Result:
    """Run the schedules of `seed`, `seed + 1` and so on."""
    chunks = [
        (variant.name, first, min(CHUNK, seed + schedules - first))
        for first in range(seed, seed + schedules, CHUNK)
    ]
    jobs = min(jobs or os.cpu_count() or 1, len(chunks))
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    cpu_seconds = 0.0
    with ExitStack() as stack:
        results: Iterator[Chunk] = map(_run_chunk, chunks)
        if jobs > 1:
            pool = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn")))
            results = pool.map(_run_chunk, chunks)
        for faults, seen, seconds in results:
            broken += faults
            counts += seen
            cpu_seconds += seconds
    return Result(schedules, sorted(broken), counts, jobs, cpu_seconds)


def _run_chunk(chunk: tuple[str, int, int]) -> Chunk:
    began = process_time()
    gc.disable()  # what a schedule leaves in cycles is collected once, at the end
    name, first, count = chunk
    variant = next(each for each in (SAFE, *UNSAFE) if each.name == name)
    broken: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        outcome = run_schedule(seed, variant)
        counts += outcome.counts
        if outcome.fault is not None:
            broken.append((seed, outcome.fault))
    gc.enable()
    gc.collect()
    return broken, counts, process_time() - began
