"""What TWS says about an order, in any order and as often as it likes."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    OutcomeUnknownReport,
    RejectReport,
    StatusReport,
)
from actors.venues.ib.claims import OpenOrder
from actors.venues.ib.library import load_library
from actors.venues.ib.orders import changed, known_from_claim, order_from
from tests.venues.ib.rig import trading
from tests.venues.ib.test_traps import statement

D = Decimal
pytestmark = pytest.mark.slow


async def test_a_warning_about_an_order_is_no_end_and_an_unknown_number_makes_it_suspect() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        for code in (399, 10349):
            rigged.fault("order_message", code=code)
        rigged.fault("order_message", code=4711)
        await rigged.told.until(lambda: rigged.told.all(OutcomeUnknownReport))
        assert len(rigged.told.all(OutcomeUnknownReport)) == 1
        assert rigged.told.all(CancelReport) == []
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert rigged.told.all(StatusReport)[0].status == "accepted"
        # About an order that TWS has not taken yet the same number is no refusal either.
        rigged.fault("error_before", method="placeOrder", code=4711)
        second = rigged.submit(price="101")
        await rigged.told.until(lambda: len(rigged.told.all(OutcomeUnknownReport)) == 2)
        assert rigged.told.all(OutcomeUnknownReport)[1].client_order_id == second
        assert rigged.told.all(RejectReport) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [("", 201), ("", 202), ("replace", 201), ("cancel", 201), ("cancel", 161), ("cancel", 10148)],
)
async def test_what_is_refused_about_an_accepted_order_does_not_end_it(command: str, code: int) -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        venue_id = await rigged.accepted(name)
        if not command:
            rigged.fault("order_message", code=code)
        elif command == "replace":
            rigged.fault("error_before", method="placeOrder", code=code)
            rigged.replace(name, "7", "99", venue_id)
        else:
            rigged.fault("error_before", method="cancelOrder", code=code)
            rigged.cancel(name, venue_id)
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert rigged.told.all(StatusReport)[0].status == "accepted"
        assert [each.command for each in rigged.told.all(RejectReport)] == ([command] if command else [])
        # 202 only says that a cancel was carried out, which its status says as well.
        is_suspect = not command and code == 201
        assert len(rigged.told.all(OutcomeUnknownReport)) == is_suspect
        assert rigged.told.all(CancelReport) == []


async def test_two_live_orders_under_one_reference_raise_the_alarm() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        (first,) = rigged.tws.desk.live()
        again = msgspec.structs.replace(first.request, order_id=4_000)
        rigged.tws.desk.place(first.client_id, again, rigged.tws.market.symbols)
        await rigged.told.until(lambda: rigged.told.all(OutcomeUnknownReport))
        (alarm,) = rigged.told.all(OutcomeUnknownReport)
        assert (alarm.client_order_id, "two orders" in alarm.reason) == (name, True)


async def test_an_order_that_has_ended_is_no_second_live_one() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        venue_id = await rigged.accepted(name)
        (first,) = rigged.tws.desk.live()
        rigged.cancel(name, venue_id)
        await rigged.told.until(lambda: rigged.told.all(CancelReport))
        again = msgspec.structs.replace(first.request, order_id=4_000)
        rigged.tws.desk.place(first.client_id, again, rigged.tws.market.symbols)
        evidence = await statement(rigged)
        assert evidence.orders is not None
        assert len(evidence.orders.orders) == 1
        assert rigged.told.all(OutcomeUnknownReport) == []


@pytest.mark.parametrize("kind", ["reorder_reports", "duplicate_report", "swallow_report"])
@pytest.mark.parametrize("message", ["openOrder", "orderStatus"])
async def test_statuses_out_of_order_move_no_quantity(kind: str, message: str) -> None:
    async with trading() as rigged:
        rigged.fault(kind, method=message, count=2)
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        evidence = await statement(rigged)
        assert evidence.fills is not None
        assert len(evidence.fills.fills) == len(rigged.told.all(FillReport)) == 1
        assert len(rigged.told.all(AcceptReport)) == 1


@pytest.mark.parametrize(
    ("lost", "price"),
    [(("openOrder",), "100"), (("orderStatus",), "100"), (("openOrder", "orderStatus"), None)],
)
async def test_any_one_message_shows_that_tws_has_an_order(lost: tuple[str, ...], price: str | None) -> None:
    async with trading() as rigged:
        for message in lost:
            rigged.fault("swallow_report", method=message, count=1_000)
        name = rigged.submit(price=price)
        await rigged.accepted(name)
        assert len(rigged.told.all(AcceptReport)) == 1


JUNK = OpenOrder(
    order_id=5, client_id=17, perm_id=9, account="DU1", con_id=1, action="SELL", quantity=D(10),
    order_type="", limit_price=D("1.5"), aux_price=D("2.5"), time_in_force="GTC", order_ref="T1",
    oca_group="", parent_id=0, outside_hours=False, status="Submitted", trailing_percent=D(4),
    trail_stop=D("99"), limit_offset=D("0.7"), oca_type=3, good_till="", adaptive="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("order_type", "own"),
    [
        ("MKT", {}),
        ("LMT", {"lmtPrice": 1.5}),
        ("STP", {"auxPrice": 2.5}),
        ("STP LMT", {"lmtPrice": 1.5, "auxPrice": 2.5}),
        ("TRAIL", {"trailingPercent": 4.0}),
        ("TRAIL LIMIT", {"trailingPercent": 4.0, "trailStopPrice": 99.0, "lmtPriceOffset": 0.7}),
    ],
)
async def test_of_an_order_that_tws_shows_only_its_own_terms_are_sent_again(
    order_type: str, own: dict[str, float]
) -> None:
    library = load_library()
    known = known_from_claim(msgspec.structs.replace(JUNK, order_type=order_type), "AAPL@ib")
    assert (known.oca_group, known.oca_type) == ("", 0)
    wanted = D(8), known.limit_price, known.stop_price, known.trail
    order = order_from(changed(known, wanted), "DU1", library)
    clean = library.Order(
        orderId=5, action="SELL", totalQuantity=8, orderType=order_type, tif="GTC", account="DU1",
        orderRef="T1", transmit=True, **own,
    )  # fmt: skip
    assert repr(order) == repr(clean)  # which shows what differs from an empty order
