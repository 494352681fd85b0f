"""What an order would do to the margin of its account, without any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.messages.margin import MarginFigures
from actors.messages.orders import OrderTerms
from actors.model.instrument import ZERO
from actors.venues.simulated.admission import submit_refusal
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.trailing import begun

if TYPE_CHECKING:
    from actors.venues.simulated.engine import MatchingEngine


def preview(engine: MatchingEngine, terms: OrderTerms, now: int) -> tuple[MarginFigures | None, str]:
    """The figures; or None, and why the venue has none. Nothing is kept of the question."""
    desk, market = engine.desk, engine.markets.get(terms.instrument)
    account = desk.accounts[terms.account]
    if market is None or not isinstance(account, MarginAccount):
        return None, f"account {terms.account} has no margin in {terms.instrument}"
    desk.begin(now)
    terms = begun(market, terms)
    price = terms.price or terms.stop_price or market.reference(terms.side)
    refused = submit_refusal(market, terms, price)
    if refused is not None:
        return None, f"{refused[0]}: {refused[1]}"
    return account.preview(desk.draft(terms, market.instrument, price or ZERO), market.instrument), ""
