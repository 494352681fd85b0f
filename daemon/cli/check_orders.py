"""Orders that a strategy asks for and its venue does not take: said by `check`, denied at run time."""

from __future__ import annotations

from collections.abc import Iterator

from actors.errors import ConfigError
from actors.strategies.asked_orders import Asked, orders_asked
from actors.strategies.loading import load_strategy
from actors.strategies.parameters import convert_parameters
from actors.venues.simulated.rules import SIMULATED_OFFER
from actors.views.special_terms import Fault, fault_in_offer
from daemon.config import Config
from daemon.graph import is_paper, venue_rules


def order_doubts(config: Config) -> list[str]:
    """One sentence for every call that would be denied, on this account or on a real one at its venue.

    A strategy that cannot be loaded has no calls: that it cannot is said elsewhere.
    """
    found: dict[str, None] = {}
    for name, section in config.strategies.items():
        try:
            strategy = load_strategy(section.use)
            asked = orders_asked(strategy, convert_parameters(strategy, section.parameters))
        except ConfigError:
            continue
        for each in asked:
            for doubt in _doubts(config, section.account, each):
                found[f"strategies.{name}: {doubt}"] = None
    return list(found)


def _doubts(config: Config, account: str, asked: Asked) -> Iterator[str]:
    section = config.accounts[account]
    venue = config.venues[section.venue]
    simulated = fault_in_offer(asked.terms, SIMULATED_OFFER, 0)
    real = fault_in_offer(asked.terms, venue_rules(config, section).offer, 0)
    if is_paper(section):
        if simulated is not None:
            yield f"{asked.place} places an order that the simulated venue denies, {_said(simulated)}"
        elif real is not None and venue.kind != "simulated":
            yield (
                f"{asked.place} places an order that only a paper account takes, "
                f"{section.venue} itself would deny it: {_said(real)}"
            )
    elif real is not None:
        yield f"{asked.place} places an order that {section.venue} does not take, {_said(real)}"


def _said(fault: Fault) -> str:
    return f"{fault[0]}: {fault[1]}"
