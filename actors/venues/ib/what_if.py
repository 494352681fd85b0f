"""What an order would do to the margin: IB's *what if*, a question in the form of an order.

The one flag in it keeps it from being an order, so it carries none of our references, waits for no parent and
joins no group: nothing could take it for one of ours, and nothing could make it work later. TWS may answer
twice, first by a warning without any figures (erdewit/ib_insync#380): only figures are an answer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actors.core.effects import effect
from actors.errors import VenueUnreachable
from actors.messages.margin import MarginFigures
from actors.messages.orders import OrderTerms
from actors.venues.ib.claims import margin_figures
from actors.venues.ib.directory import Directory
from actors.venues.ib.orders import Impossible, known_from_terms, order_from
from actors.venues.ib.session import Session


async def margin_of(
    terms: OrderTerms, session: Session, directory: Directory, account_id: str
) -> tuple[MarginFigures, str]:
    """The figures, and TWS's warning if it has one.

    Raises:
        Impossible: IB has no such order.
        VenueUnreachable: No line, or no answer.
        RequestFailed: TWS would refuse the order.
    """
    listed, library = directory.of(terms.instrument.partition("@")[0]), session.library
    if not session.is_up or library is None:
        raise VenueUnreachable("there is no line to IB")
    if listed is None:
        raise Impossible(f"{terms.instrument} has no contract yet")
    if terms.special is not None:
        alone = msgspec.structs.replace(
            terms.special, parent=None, oca_group=None, oca_kind=None, more_follow=False
        )
        terms = msgspec.structs.replace(terms, special=alone)
    order = order_from(known_from_terms(terms), account_id, library)
    order.orderRef = ""
    return await ask_what_if(session, listed.contract, order)


async def ask_what_if(session: Session, contract: Any, order: Any) -> tuple[MarginFigures, str]:
    """The same about an order in the library's own form.

    Raises:
        VenueUnreachable: No line, or no answer.
        RequestFailed: TWS would refuse the order.
    """
    order.whatIf = True

    def send(number: int) -> None:
        order.orderId = number
        assert order.whatIf, "without the flag it would be an order"
        effect("tws.send what if")
        session.client.placeOrder(number, contract, order)

    answers = await session.ask("what if", "whatIf", send)
    state = answers[-1][0]
    return margin_figures(state), str(state.warningText or "")
