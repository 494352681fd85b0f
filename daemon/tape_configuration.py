"""Everything that built a core besides code, in the form in which the tape's heads keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from actors.errors import TapeError
from actors.model.calendar import BUILT_IN, Calendars, ListedSessions
from actors.model.instrument import Instrument
from daemon.config import Config
from daemon.graph import BarSources


def tape_configuration(
    config: Config,
    instruments: Iterable[Instrument],
    sources: BarSources,
    calendars: Calendars = BUILT_IN,
) -> dict[str, Any]:
    """Everything `build_core` needs besides code, in the form the tape's heads keep it."""
    plain: dict[str, Any] = msgspec.to_builtins(
        {
            "config": config,
            "instruments": list(instruments),
            "given": sorted(sources.given),
            "trades": sorted(sources.trades),
            "has_backfill": sources.has_backfill,
            "calendars": [each for each in calendars if isinstance(each, ListedSessions)],
        }
    )
    return plain


def from_tape_configuration(plain: Mapping[str, Any]) -> tuple[Config, dict[str, Instrument], BarSources]:
    """What a head was written with.

    Raises:
        TapeError: Something is missing: another version wrote it.
    """
    missing = [
        key for key in ("config", "instruments", "given", "trades", "has_backfill") if key not in plain
    ]
    if missing:
        raise TapeError(
            f"the tape's head lacks {', '.join(missing)}: another tickerd wrote it, use that one to read it"
        )
    instruments = msgspec.convert(plain["instruments"], list[Instrument], strict=False)
    return (
        msgspec.convert(plain["config"], Config, strict=False),
        {instrument.id: instrument for instrument in instruments},
        BarSources(
            given=frozenset((name, interval) for name, interval in plain["given"]),
            trades=frozenset(plain["trades"]),
            has_backfill=plain["has_backfill"],
        ),
    )


def recorded_calendars(plain: Mapping[str, Any]) -> Calendars:
    """Those a head was written with: an exchange's sessions as they were known then."""
    listed = msgspec.convert(plain.get("calendars", []), list[ListedSessions], strict=False)
    return (*BUILT_IN, *listed)
