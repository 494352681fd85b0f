"""The shape of everything that tapes and checkpoints hold, as one short text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from actors.core.actor import CoreActor
from actors.messages import MESSAGES

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where a default's factory lies in memory: another place in every process."""


def schema_fingerprint(actors: Iterable[CoreActor]) -> str:
    """Changes with any field of any message, and of any state of these actors."""
    return _fingerprint(tuple(actor.state_type for actor in actors if hasattr(actor, "state_type")))


@lru_cache(maxsize=8)
def _fingerprint(states: tuple[Any, ...]) -> str:
    described = msgspec.inspect.multi_type_info([*MESSAGES, *states])
    text = _ADDRESS.sub("", "\n".join(map(repr, described)))
    return sha256(text.encode()).hexdigest()[:16]
