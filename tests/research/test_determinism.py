"""The same run is the same to the last bit: again, in other processes, with other hash seeds and zones."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from daemon.research import Backtester
from daemon.research.generated import generated_bars
from tests.conftest import REPO_ROOT
from tests.research.strategies_for_tests import Cross

PLACES = [("0", "UTC"), ("1", "America/New_York"), ("4711", "Asia/Kolkata")]
PROGRAM = "from tests.research.test_determinism import result_hash; print(result_hash())"


def result_hash() -> str:
    """Of a run with two instruments, several trades and every figure."""
    data = {"A": generated_bars(300, seed=1), "B": generated_bars(300, seed=2)}
    return Backtester(Cross, data, per_instrument=True).run(fast=3, slow=8).info.result_hash


def elsewhere(seed: str, zone: str) -> str:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=REPO_ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_twice_in_one_process() -> None:
    assert result_hash() == result_hash()


@pytest.mark.slow
def test_in_other_processes_with_other_hash_seeds_and_time_zones() -> None:
    assert {elsewhere(seed, zone) for seed, zone in PLACES} == {result_hash()}


@pytest.mark.soak
def test_with_ten_hash_seeds() -> None:
    assert {elsewhere(str(seed), "UTC") for seed in range(10)} == {result_hash()}
