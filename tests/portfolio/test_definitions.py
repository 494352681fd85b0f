"""Steps and limits that the venue changes while we run."""

from __future__ import annotations

import msgspec

from actors.messages.market import InstrumentUpdate
from actors.messages.orders import OrderDenied, OrderIntent, OrderRequest
from actors.model.instrument import Instrument
from tests.portfolio.build import BTC, D, Rig, a_signal, an_instrument, some_terms


def an_update(definition: Instrument) -> InstrumentUpdate:
    return InstrumentUpdate(ts_event=0, instrument=definition.id, definition=definition, is_trading=True)


def test_a_signal_is_sized_in_the_lots_of_now() -> None:
    rig = Rig("fixed_quantity", "1.25")
    rig.feed(an_update(an_instrument(lot_size=D("0.5"))))
    assert rig.only(OrderIntent, a_signal()).terms.quantity == 1


def test_an_exact_wish_is_checked_against_the_steps_of_now() -> None:
    rig = Rig("fixed_quantity", "1")
    wish = OrderRequest(ts_event=0, terms=some_terms(quantity="1.001"))
    rig.only(OrderIntent, wish)
    coarse = an_instrument(lot_size=D("0.01"))
    rig.feed(an_update(coarse))
    again = msgspec.structs.replace(wish, terms=some_terms(quantity="1.001"))
    assert rig.only(OrderDenied, again).code == "QUANTITY_NOT_ON_LOT"


def test_a_definition_of_what_is_not_configured_is_nobodys() -> None:
    rig = Rig("fixed_quantity", "1")
    rig.feed(an_update(an_instrument("XRP")))
    assert rig.only(OrderIntent, a_signal()).terms.instrument == BTC
