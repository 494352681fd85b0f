"""The schema fingerprint: equal in every process, different with any field."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from actors.core.actor import CoreActor
from actors.core.schema import schema_fingerprint


class Narrow(msgspec.Struct, array_like=True):
    count: int


class Wide(msgspec.Struct, array_like=True):
    count: int
    total: int


class Counter(CoreActor):
    name = "counter"
    state_type = Narrow


class WiderCounter(CoreActor):
    name = "counter"
    state_type = Wide


def test_a_field_more_in_a_state_is_another_schema() -> None:
    assert schema_fingerprint([Counter()]) != schema_fingerprint([WiderCounter()])
    assert schema_fingerprint([Counter()]) == schema_fingerprint([Counter()])


@pytest.mark.slow
def test_every_process_and_every_hash_seed_gives_the_same() -> None:
    code = "from actors.core.schema import schema_fingerprint; print(schema_fingerprint([]))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert seen == {schema_fingerprint([]) + "\n"}
