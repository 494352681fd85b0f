"""An instrument as its venue defines it now: steps and limits change while we run."""

from __future__ import annotations

from collections.abc import Mapping

from actors.core.market import MarketBoard
from actors.model.instrument import Instrument


def definition_of(name: str, instruments: Mapping[str, Instrument], market: MarketBoard) -> Instrument | None:
    """The newest definition of a configured instrument; None for any other."""
    configured = instruments.get(name)
    if configured is None:
        return None
    if not market.definitions:
        return configured
    update = market.definitions.get(name)
    return configured if update is None else update.definition
