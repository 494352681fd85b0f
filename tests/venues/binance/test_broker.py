"""The broker against a local venue: orders handed over once or not at all, nothing concluded in doubt."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.errors import ConfigError
from actors.messages.account import AccountEvidence, CashTransferred
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    NotSent,
    OutcomeUnknownReport,
    RejectReport,
    StatusReport,
)
from actors.venues.binance.broker import BinanceBroker
from tests.fakes.binance_server import API_KEY, SECRET, BinanceServer, Refused
from tests.venues.binance.broker_harness import (
    ID,
    PLACE,
    QUICK,
    a_broker,
    a_cancel,
    a_query,
    a_question,
    a_submit,
)
from tests.venues.binance.recorder import Recorder


async def test_a_line_starts_with_the_clock_and_a_subscription(server: BinanceServer) -> None:
    real = server.clock_ms
    server.clock_ms = lambda: real() + 3_000
    async with a_broker(server) as (_, intake):
        kinds = [type(message) for message in intake.messages]
        assert kinds == [ClockMeasured, BrokerStarted]
        assert abs(intake.of(ClockMeasured)[0].offset_ms - 3_000) < 500
        assert len(server.subscribed) == 1


async def test_an_order_is_accepted_filled_and_reported_once(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit())
        accept = await intake.first(AcceptReport)
        assert (accept.client_order_id, accept.venue_order_id) == (ID, "28")
        trade = await server.fill(server.orders[0], "0.004", "60000.00")
        more = {"l": "0.004", "L": "60000.00", "t": trade["id"], "n": "0.00001", "N": "BNB", "m": True}
        await server.report(server.orders[0], "TRADE", **more, I=1)
        await server.fill(server.orders[0], "0.006", "59999.99")
        await intake.first(FillReport, 2)
        fills = intake.of(FillReport)
        assert [(fill.trade_id, fill.quantity) for fill in fills] == [
            ("56", Decimal("0.004")),
            ("57", Decimal("0.006")),
        ]
        assert {(fill.client_order_id, fill.venue_order_id) for fill in fills} == {(ID, "28")}
        assert server.count(PLACE) == 1
        assert broker.backlog() == 0


async def test_a_cancel_is_answered_for_the_original_id(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit())
        await intake.first(AcceptReport)
        broker.submit(a_cancel("28"))
        await intake.first(CancelReport)
        await server.report(server.orders[0], "CANCELED", c="made-by-venue", C=ID)
        await intake.first(CancelReport, 2)
        assert {report.client_order_id for report in intake.of(CancelReport)} == {ID}
        broker.submit(a_cancel("28"))
        refused = await intake.first(RejectReport)
        assert (refused.command, refused.code) == ("cancel", "-2011")


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refused(400, -2010, "Account has insufficient balance for requested action."), "-2010"),
        (Refused(400, -1013, "Filter failure: LOT_SIZE"), "-1013"),
        (Refused(400, -1111, "Precision is over the maximum defined for this asset."), "-1111"),
        (Refused(400, -1021, "Timestamp for this request is outside of the recvWindow."), "-1021"),
    ],
)
async def test_a_certain_refusal_rejects_the_order(
    server: BinanceServer, refusal: Refused, code: str
) -> None:
    async with a_broker(server) as (broker, intake):
        server.script[PLACE].append(refusal)
        broker.submit(a_submit())
        report = await intake.first(RejectReport)
        assert (report.command, report.code, report.client_order_id) == ("submit", code, ID)
        if code == "-1021":
            await intake.first(ClockMeasured, 2)
        assert server.count(PLACE) == 1, "never sent again"


@pytest.mark.parametrize(
    "fault",
    [
        Refused(400, -2010, "Duplicate order sent."),
        Refused(503, -1008, "Server is currently overloaded"),
        Refused(400, -1001, "Internal error; unable to process your request."),
        "fail",
        "lose",
        "ignore",
        "drop",
    ],
)
async def test_any_other_end_leaves_the_outcome_unknown_and_nothing_is_sent_again(
    server: BinanceServer, fault: str | Refused
) -> None:
    patience = msgspec.structs.replace(QUICK, answer_seconds=0.1)
    async with a_broker(server, settings=patience) as (broker, intake):
        server.script[PLACE].append(fault)
        broker.submit(a_submit())
        report = await intake.first(OutcomeUnknownReport)
        assert (report.command, report.client_order_id) == ("submit", ID)
        if fault == "drop":
            await intake.first(BrokerStarted, 2)
        broker.submit(a_question())
        await intake.first(AccountEvidence)
        assert server.count(PLACE) + server.count("POST /api/v3/order") == 1
        assert len(intake.of(OutcomeUnknownReport)) == 1
        assert not intake.of(NotSent)


async def test_an_order_that_is_too_old_is_not_sent(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit(1, age_ms=6_000))
        report = await intake.first(NotSent)
        assert (report.command, report.client_order_id) == ("submit", ID)
        assert "past the receive window" in report.reason
        broker.submit(a_submit(2, time_in_force="day"))
        assert "no orders for the day" in (await intake.first(NotSent, 2)).reason
        broker.submit(a_submit(3))
        await intake.first(AcceptReport)
        assert server.count(PLACE) == 1


async def test_a_lost_line_is_reported_with_all_that_waited_on_it(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.script[PLACE].extend(["ignore", "lose"])
        broker.submit(a_submit(1))
        broker.submit(a_submit(2))
        await server.until(lambda: server.count(PLACE) == 2)
        server.drop_users()
        await intake.first(BrokerStarted, 2)
        kinds = [type(m) for m in intake.messages if not isinstance(m, ClockMeasured)]
        assert kinds == [
            BrokerStarted,
            OutcomeUnknownReport,
            OutcomeUnknownReport,
            BrokerStopped,
            BrokerStarted,
        ]


async def test_while_the_line_is_down_orders_go_over_rest_once(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.accepting = False
        server.drop_users()
        await intake.first(BrokerStopped)
        broker.submit(a_submit(1))
        assert (await intake.first(AcceptReport)).client_order_id == ID
        broker.submit(a_cancel("28"))
        await intake.first(CancelReport)
        server.script["POST /api/v3/order"].append("drop")
        broker.submit(a_submit(2))
        assert (await intake.first(OutcomeUnknownReport)).client_order_id == "T0000AAAA0000002"
        server.script["POST /api/v3/order"].append(Refused(400, -1013, "Filter failure: NOTIONAL"))
        broker.submit(a_submit(3))
        assert (await intake.first(RejectReport)).code == "-1013"
        broker.submit(a_submit(4, age_ms=6_000))
        assert (await intake.first(NotSent)).client_order_id == "T0000AAAA0000004"
        assert server.count("POST /api/v3/order") == 3
        assert server.count(PLACE) == 0


async def test_an_order_for_a_venue_that_is_not_there_is_not_sent(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        await server.__aexit__()
        await intake.first(BrokerStopped)
        broker.submit(a_submit())
        assert (await intake.first(NotSent)).client_order_id == ID


async def test_a_shutdown_notice_moves_to_a_new_line_without_a_break(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        broker.submit(a_submit(1))
        await intake.first(AcceptReport)
        await server.tell_user({"e": "serverShutdown", "E": 1})
        await server.users[0].send_str('{"e":"serverShutdown","E":1770000000000}')
        await server.until(lambda: len(server.subscribed) == 2)
        await server.fill(server.orders[0], "0.004", "60000.00")
        await server.until(lambda: len(server.users) == 1)
        broker.submit(a_submit(2))
        await intake.first(AcceptReport, 2)
        assert [fill.trade_id for fill in intake.of(FillReport)] == ["56"], "came twice, taken once"
        assert not intake.of(BrokerStopped)


@pytest.mark.parametrize(
    "event",
    [{"e": "eventStreamTerminated", "E": 1}, {"e": "executionReport", "s": "BTCUSDT", "l": "not a number"}],
)
async def test_user_data_that_end_or_cannot_be_read_make_a_fresh_line(
    server: BinanceServer, event: dict[str, Any]
) -> None:
    async with a_broker(server) as (_, intake):
        await server.tell_user(event)
        await intake.first(BrokerStarted, 2)
        assert len(intake.of(BrokerStopped)) == 1


async def test_events_of_other_kinds_are_passed_over_and_deposits_are_told(server: BinanceServer) -> None:
    async with a_broker(server) as (_, intake):
        await server.tell_user({"e": "outboundAccountPosition", "E": 1, "u": 1, "B": []})
        await server.tell_user({"e": "brandNewEvent", "x": {"y": 1}})
        await server.users[0].send_str('{"surprise":true}')
        await server.users[0].send_str("not json")
        await server.tell_user({"e": "balanceUpdate", "E": 1, "a": "USDT", "d": "25.5", "T": 9})
        transfer = await intake.first(CashTransferred)
        assert (transfer.amount, transfer.reason) == (Decimal("25.5"), "deposit")
        assert not intake.of(BrokerStopped)


async def test_a_wrong_key_never_starts_the_line(server: BinanceServer) -> None:
    async with a_broker(server, secret="wrong", started=False) as (_, intake):
        await server.until(lambda: server.count("userDataStream.subscribe.signature") >= 2)
        assert not intake.of(BrokerStarted)
        assert len(intake.of(BrokerStopped)) == 1, "said once, tried again and again"
        assert "-1022" in intake.of(BrokerStopped)[0].reason


async def test_a_revoked_key_stops_the_line(server: BinanceServer) -> None:
    async with a_broker(server) as (_, intake):
        refusal = (
            '{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions."}}'
        )
        await server.users[0].send_str(refusal)
        assert "-2015" in (await intake.first(BrokerStopped)).reason


async def test_a_ban_longer_than_the_window_holds_commands_back(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.retry_after_ms = 60_000
        server.script[PLACE].append(Refused(418, -1003, "Way too many requests; IP banned."))
        broker.submit(a_submit(1))
        await intake.first(RejectReport)
        broker.submit(a_submit(2))
        assert "refuses requests for another" in (await intake.first(NotSent)).reason
        assert server.count(PLACE) == 1


async def test_what_was_never_handed_over_is_reported_on_closing(server: BinanceServer) -> None:
    intake = Recorder()
    broker = BinanceBroker(
        account="main",
        rest_url=server.rest_url,
        trading_url=server.trading_url,
        api_key=API_KEY,
        api_secret=SECRET,
        instruments=[],
        intake=intake,
        clock=time.time_ns,
    )
    broker.submit(a_submit())
    broker.submit(a_query())
    assert broker.backlog() == 2
    await broker.close()
    assert [type(message) for message in intake.messages] == [NotSent]


async def test_an_order_under_way_when_the_broker_ends_is_unknown(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.script[PLACE].append("ignore")
        broker.submit(a_submit())
        await server.until(lambda: server.count(PLACE) == 1)
    assert [report.client_order_id for report in intake.of(OutcomeUnknownReport)] == [ID]
    assert not intake.of(NotSent)


def test_an_empty_secret_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="secret is empty"):
        BinanceBroker(
            account="main",
            rest_url="http://localhost",
            trading_url="ws://localhost",
            api_key=API_KEY,
            api_secret=" ",
            instruments=[],
            intake=Recorder(),
            clock=time.time_ns,
        )


async def test_a_line_whose_peer_has_gone_silent_is_given_up(server: BinanceServer) -> None:
    server.answering_pings = False
    impatient = msgspec.structs.replace(QUICK, heartbeat_seconds=0.05)
    async with a_broker(server, settings=impatient) as (_, intake):
        await intake.first(BrokerStopped)


async def test_a_question_from_before_a_break_is_not_answered_after_it(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.script["GET /api/v3/order"].extend([Refused(503, -1008, "busy")] * 4)
        broker.submit(a_query())
        broker.submit(a_query())
        await server.until(lambda: server.count("GET /api/v3/order") == 1)
        server.drop_users()
        await intake.first(BrokerStarted, 2)
        server.script["GET /api/v3/order"].clear()
        broker.submit(a_query())
        await intake.first(StatusReport)
        broker.submit(a_question())
        await intake.first(AccountEvidence)
        assert len(intake.of(StatusReport)) == 1


async def test_a_short_refusal_is_waited_out_and_shows_in_the_backlog(server: BinanceServer) -> None:
    async with a_broker(server) as (broker, intake):
        server.retry_after_ms = 100
        server.script[PLACE].append(Refused(429, -1015, "Too many new orders."))
        broker.submit(a_submit(1))
        assert (await intake.first(RejectReport)).code == "-1015"
        broker.submit(a_submit(2))
        assert broker.backlog() == 1
        await intake.first(AcceptReport)
        assert broker.backlog() == 0
        assert not intake.of(NotSent)
