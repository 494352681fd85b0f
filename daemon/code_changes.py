"""What has changed since a state folder was last written: strategies' code, and tickerd's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from actors.core.frames import Head
from actors.errors import ConfigError, StoreError
from actors.own_code.loading import load_function, modules_of
from actors.own_code.modules import digest_of_all
from actors.store.recovery import Recovered
from actors.strategies.base import Strategy
from actors.strategies.loading import load_strategy, strategy_modules, strategy_source_hash
from daemon.config import Config

STATE_UNUSABLE = 7


class OtherVersion(StoreError):
    """The state folder needs the tickerd that wrote it."""

    exit_code = STATE_UNUSABLE


def fingerprints(config: Config, classes: Mapping[str, type[Strategy]]) -> dict[str, str]:
    """Strategy → digest of its source and of everything it is made with."""
    return {name: _fingerprint(config, name, classes[name]) for name in config.strategies if name in classes}


def _fingerprint(config: Config, name: str, strategy: type[Strategy]) -> str:
    section = config.strategies[name]
    made_with = msgspec.json.encode(
        [strategy.__qualname__, section.account, section.instruments, section.bars, section.parameters],
        order="deterministic",
    )
    return sha256(strategy_source_hash(strategy).encode() + made_with).hexdigest()


def own_code_hash(config: Config, classes: Iterable[type[Strategy]]) -> str:
    """Digest of all code of the user's own that runs in the core."""
    programs = [strategy_modules(strategy) for strategy in classes]
    return digest_of_all([*programs, *(modules_of(function) for function in own_slippage(config))])


def own_slippage(config: Config) -> list[Callable[..., Any]]:
    """Functions of the user's own that simulated fills depend on."""
    named = (venue.simulated.slippage.function for venue in config.venues.values())
    return [load_function(name) for name in named if name is not None]


def runnable_classes(head: Head, config: Config) -> dict[str, type[Strategy]]:
    """Strategies of a part of the tape whose code is still the code that wrote it.

    Args:
        config: As in the head.
    """
    found: dict[str, type[Strategy]] = {}
    for name, section in config.strategies.items():
        try:
            strategy = load_strategy(section.use)
        except ConfigError:
            continue
        if head.strategies.get(name) == _fingerprint(config, name, strategy):
            found[name] = strategy
    return found


def changed_strategies(head: Head | None, now: Mapping[str, str]) -> list[str]:
    """Strategies of today that the head knew with other code or other parameters."""
    before = head.strategies if head is not None else {}
    return [name for name, digest in now.items() if before.get(name, digest) != digest]


def check_version(recovered: Recovered, *, version: str, schema: str) -> bool:
    """Whether this tickerd may run the tape's tail; False where it takes over after another's clean stop.

    Raises:
        OtherVersion: Another tickerd wrote the tape and was not stopped cleanly.
    """
    head = recovered.head
    if head is None:
        return True
    former = head.versions.get("tickerd", "unknown")
    if former == version and head.schema == schema:
        return True
    if recovered.session is None and recovered.seq == recovered.last_seq:
        return False
    known = f"tickerd {former}" if former != version else f"another build of tickerd {former}"
    raise OtherVersion(
        f"{recovered.state} was last written by {known}, which did not stop cleanly: start that one once and "
        f"stop it, then start tickerd {version}"
    )
