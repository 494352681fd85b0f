"""Commands → the venue's parameters, its claims → our reports."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from actors.messages.account import CashTransferred
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    CancelReport,
    ExpiryReport,
    FillReport,
    OrderTerms,
    RejectReport,
    SubmitOrder,
)
from actors.venues.binance import translate_orders as translate
from actors.venues.binance.wire import (
    BALANCE_UPDATE,
    CANCEL_ACK,
    EXECUTION_REPORT,
    ORDER_ACK,
    ORDER_ROW,
    TRADE_ROWS,
    TRADING_FRAME,
    ExecutionReport,
)

BTC = "BTCUSDT@binance"
HOLDER = translate.Account(account="main", venue="binance", instruments={})
FILL_FRAME = (
    '{"subscriptionId":0,"event":{"e":"executionReport","E":1790000000009,"s":"BTCUSDT","c":"q-1","S":"BUY",'
    '"o":"LIMIT","f":"GTC","q":"0.01","p":"60000.00","P":"0","F":"0","g":-1,"C":"","x":"TRADE",'
    '"X":"PARTIALLY_FILLED","r":"NONE","i":28,"l":"0.004","z":"0.004","L":"60000.00","n":"0.000004",'
    '"N":"BTC",'
    '"T":1790000000001,"t":56,"I":8641984,"w":true,"m":false,"M":false,"O":1,"Z":"240.00","Y":"240.00",'
    '"Q":"0","W":1,"V":"NONE"}}'
)
COMMON: dict[str, Any] = {
    "ts_event": 1790000000001_000_000,
    "account": "main",
    "instrument": BTC,
    "client_order_id": "q-1",
    "venue_order_id": "28",
}


def an_event(**changes: Any) -> ExecutionReport:
    event = json.loads(FILL_FRAME)["event"]
    return EXECUTION_REPORT.decode(json.dumps({**event, **changes}))


def a_submit(**changes: Any) -> SubmitOrder:
    terms: dict[str, Any] = {
        "client_order_id": "T0000AAAA0000001",
        "account": "main",
        "strategy": "s",
        "instrument": BTC,
        "side": "buy",
        "order_type": "limit",
        "quantity": Decimal("0.0100"),
        "price": Decimal("60000.00"),
        **changes,
    }
    return SubmitOrder(
        ts_event=0,
        account="main",
        instrument=BTC,
        client_order_id="T0000AAAA0000001",
        venue_timestamp_ms=1_790_000_000_000,
        receive_window_ms=5_000,
        terms=OrderTerms(**terms),
    )


def a_cancel(venue_order_id: str | None) -> CancelOrder:
    return CancelOrder(
        ts_event=0,
        account="main",
        instrument=BTC,
        client_order_id="T0000AAAA0000001",
        venue_timestamp_ms=5,
        receive_window_ms=6,
        venue_order_id=venue_order_id,
    )


def test_a_limit_order_has_exactly_these_parameters() -> None:
    assert translate.place_params(a_submit()) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "60000",
        "newClientOrderId": "T0000AAAA0000001",
        "newOrderRespType": "ACK",
        "recvWindow": 5_000,
        "timestamp": 1_790_000_000_000,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"order_type": "market", "price": None, "side": "sell"}, {"type": "MARKET", "side": "SELL"}),
        ({"post_only": True}, {"type": "LIMIT_MAKER", "price": "60000"}),
        ({"time_in_force": "ioc"}, {"type": "LIMIT", "timeInForce": "IOC"}),
        (
            {"order_type": "stop", "price": None, "stop_price": Decimal("1E+2")},
            {"type": "STOP_LOSS", "stopPrice": "100"},
        ),
        (
            {"order_type": "stop_limit", "stop_price": Decimal("59000.10"), "time_in_force": "fok"},
            {"type": "STOP_LOSS_LIMIT", "stopPrice": "59000.1", "timeInForce": "FOK", "price": "60000"},
        ),
    ],
)
def test_every_order_type_has_its_parameters(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    params = translate.place_params(a_submit(**changes))
    optional = {"price", "stopPrice", "timeInForce"}
    assert params.items() >= expected.items()
    assert optional & params.keys() == optional & expected.keys() or "price" in params


@pytest.mark.parametrize("order_type", ["market", "stop"])
def test_orders_at_the_market_have_neither_price_nor_time_in_force(order_type: str) -> None:
    stop = Decimal(1) if order_type == "stop" else None
    params = translate.place_params(a_submit(order_type=order_type, price=None, stop_price=stop))
    assert not {"price", "timeInForce"} & params.keys()


@pytest.mark.parametrize(
    "changes",
    [
        {"time_in_force": "day"},
        {"post_only": True, "time_in_force": "ioc"},
        {"order_type": "market", "price": None, "post_only": True},
        {"price": None},
        {"order_type": "market"},
        {"order_type": "stop", "price": None},
    ],
)
def test_an_order_the_venue_has_no_words_for_is_impossible(changes: dict[str, Any]) -> None:
    with pytest.raises(translate.Impossible):
        translate.place_params(a_submit(**changes))


def test_a_cancel_names_the_venues_id_once_it_is_known_and_none_of_its_own() -> None:
    stamped = {"symbol": "BTCUSDT", "recvWindow": 6, "timestamp": 5}
    assert translate.cancel_params(a_cancel("28")) == {**stamped, "orderId": 28}
    assert translate.cancel_params(a_cancel(None)) == {**stamped, "origClientOrderId": "T0000AAAA0000001"}


def test_an_execution_becomes_a_fill() -> None:
    event = EXECUTION_REPORT.decode(TRADING_FRAME.decode(FILL_FRAME).event)
    assert translate.report_of(event, HOLDER) == FillReport(
        **COMMON,
        trade_id="56",
        side="buy",
        quantity=Decimal("0.004"),
        price=Decimal("60000.00"),
        fee=Decimal("0.000004"),
        fee_currency="BTC",
        liquidity="taker",
    )


def test_a_fee_of_nothing_has_no_asset() -> None:
    report = translate.report_of(an_event(n="0", N=None, m=True), HOLDER)
    assert isinstance(report, FillReport)
    assert report.fee == 0
    assert report.liquidity == "maker"


def test_a_cancel_is_about_the_original_id() -> None:
    event = an_event(x="CANCELED", X="CANCELED", c="made-by-venue", C="q-1", l="0", t=-1)
    assert translate.report_of(event, HOLDER) == CancelReport(**COMMON, filled_quantity=Decimal("0.004"))


def test_new_rejected_and_expired_orders_become_their_reports() -> None:
    assert translate.report_of(an_event(x="NEW", X="NEW"), HOLDER) == AcceptReport(**COMMON)
    rejected = translate.report_of(an_event(x="REJECTED", X="REJECTED", r="NO_FUNDS"), HOLDER)
    assert rejected == RejectReport(**COMMON, command="submit", code="NO_FUNDS", text="NO_FUNDS")
    ended = Decimal("0.004")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"x": "EXPIRED", "X": "EXPIRED"}, "EXPIRED"),
        ({"x": "EXPIRED", "X": "EXPIRED", "eR": 3}, "3"),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, "self-trade prevention"),
    ]
    for changes, reason in cases:
        expired = translate.report_of(an_event(**changes), HOLDER)
        assert expired == ExpiryReport(**COMMON, filled_quantity=ended, reason=reason)


@pytest.mark.parametrize(
    "changes",
    [{"x": "TRADE_PREVENTION", "X": "NEW"}, {"x": "REPLACED", "X": "NEW"}, {"x": "SOMETHING", "X": "NEW"}],
)
def test_an_execution_that_moves_no_order_is_no_report(changes: dict[str, Any]) -> None:
    assert translate.report_of(an_event(**changes), HOLDER) is None


def test_answers_to_commands_become_reports() -> None:
    ack = ORDER_ACK.decode(
        '{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"x","transactTime":1790000000001}'
    )
    about = COMMON | {"client_order_id": "T0000AAAA0000001"}
    assert translate.accept_of(ack, a_submit()) == AcceptReport(**about)
    cancelled = CANCEL_ACK.decode(
        '{"symbol":"BTCUSDT","origClientOrderId":"q-1","orderId":28,"clientOrderId":"other",'
        '"transactTime":1790000000001,"executedQty":"0.004","status":"CANCELED"}'
    )
    report = translate.cancel_of(cancelled, a_cancel("28"))
    assert report == CancelReport(**about, filled_quantity=Decimal("0.004"))


def test_a_trade_of_the_history_has_the_key_of_its_execution() -> None:
    [row] = TRADE_ROWS.decode(
        '[{"symbol":"BTCUSDT","id":56,"orderId":28,"orderListId":-1,"price":"60000.00","qty":"0.004",'
        '"quoteQty":"240.00","commission":"0.000004","commissionAsset":"BTC","time":1790000000001,'
        '"isBuyer":true,"isMaker":false,"isBestMatch":true}]'
    )
    history = translate.venue_fill(row, BTC, "q-1").report("main")
    assert history == translate.report_of(an_event(), HOLDER)


@pytest.mark.parametrize(
    ("word", "executed", "expected"),
    [
        ("NEW", "0", "accepted"),
        ("PENDING_NEW", "0", "accepted"),
        ("PENDING_CANCEL", "0.1", "partially_filled"),
        ("PARTIALLY_FILLED", "0.1", "partially_filled"),
        ("FILLED", "1", "filled"),
        ("CANCELED", "0.1", "cancelled"),
        ("REJECTED", "0", "rejected"),
        ("EXPIRED", "0", "expired"),
        ("EXPIRED_IN_MATCH", "0.1", "expired"),
    ],
)
def test_every_status_has_our_word(word: str, executed: str, expected: str) -> None:
    row = ORDER_ROW.decode(
        json.dumps(
            {
                "symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "q-1", "origQty": "1", "price": "0.00",
                "executedQty": executed, "status": word, "side": "SELL", "expiryReason": "new field",
            }
        )
    )  # fmt: skip
    assert translate.status_of(row) == expected
    order = translate.venue_order(row, HOLDER)
    assert (order.status, order.side, order.price, order.instrument) == (expected, "sell", None, BTC)


def test_an_unknown_status_is_no_answer() -> None:
    row = ORDER_ROW.decode(
        '{"symbol":"B","orderId":1,"clientOrderId":"","origQty":"1","price":"1","executedQty":"0",'
        '"status":"DREAMING","side":"SELL"}'
    )
    with pytest.raises(translate.Impossible, match="DREAMING"):
        translate.status_of(row)


def test_a_balance_update_is_a_transfer_with_an_id_of_its_own() -> None:
    update = BALANCE_UPDATE.decode('{"e":"balanceUpdate","E":9,"a":"BTC","d":"-0.50","T":7}')
    assert translate.transfer_of(update, HOLDER) == CashTransferred(
        ts_event=7_000_000,
        account="main",
        asset="BTC",
        amount=Decimal("-0.50"),
        reason="withdrawal",
        transfer_id="binance-7-BTC--0.5",
    )
