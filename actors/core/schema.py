"""The shape of everything that tapes and checkpoints hold, as one short text."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from actors.core.actor import CoreActor
from actors.messages import MESSAGES


def schema_fingerprint(actors: Iterable[CoreActor]) -> str:
    """Changes with any field of any message, and of any state of these actors."""
    states: list[Any] = [actor.state_type for actor in actors if hasattr(actor, "state_type")]
    described = msgspec.inspect.multi_type_info([*MESSAGES, *states])
    return sha256("\n".join(map(repr, described)).encode()).hexdigest()[:16]
