"""Interactive Brokers' traps, each with the test that would be caught in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest

from actors.messages.account import AccountEvidence
from actors.messages.control import BrokerStopped
from actors.messages.orders import (
    AcceptReport,
    FillReport,
    NotSent,
    RejectReport,
    ReplaceReport,
    StatusReport,
)
from actors.venues.ib.claims import Claim
from actors.venues.ib.contracts import KINDS
from daemon.exchange.ib.order_request import market_order
from daemon.exchange.ib.sessions import Switches
from tests.venues.ib.rig import ACCOUNT, Rig, rig, trading

D = Decimal
pytestmark = pytest.mark.slow

TRAPS: dict[int, str | tuple[str, ...]] = {
    1: "test_fills_missed_while_away_come_with_the_next_statement",
    2: "test_a_fill_of_an_order_from_an_earlier_life_is_told",
    3: "test_every_line_begins_without_memory",
    4: (
        "test_an_unanswered_positions_request_is_no_flat_account",
        "test_a_part_of_a_statement_without_an_answer_is_none_and_not_empty",
    ),
    5: (
        "test_a_warning_about_an_order_is_no_end_and_an_unknown_number_makes_it_suspect",
        "test_what_is_refused_about_an_accepted_order_does_not_end_it",
    ),
    6: "test_a_change_of_a_filled_order_is_refused_and_nothing_is_sent_twice",
    7: (
        "test_questions_that_come_together_are_all_answered",
        "test_accounts_that_ask_for_the_same_list_together_are_both_answered",
    ),
    8: (
        "test_a_burst_of_orders_stays_below_what_tws_takes",
        "test_questions_leave_room_for_orders",
        "test_a_question_for_a_list_counts_as_a_message",
    ),
    9: "test_a_fault_in_our_own_handling_ends_the_line_instead_of_a_log_entry",
    10: "test_an_ambiguous_name_is_refused_and_names_the_candidates",
    11: (
        "test_history_that_fails_is_an_error_and_no_empty_list",
        "test_only_the_word_that_there_are_no_data_is_an_empty_list",
    ),
    12: "test_over_midnight_the_sum_is_told_and_known_to_be_incomplete",
    13: "test_numbers_given_out_again_do_not_change_a_live_order",
    14: (
        "test_two_live_orders_under_one_reference_raise_the_alarm",
        "test_an_order_that_has_ended_is_no_second_live_one",
    ),
    15: (
        "test_an_order_without_any_answer_is_found_and_not_sent_again",
        "test_an_order_that_rests_unseen_is_found_among_the_open_ones",
        "test_an_order_that_ended_while_away_is_found_among_the_completed_ones",
        "test_an_execution_alone_proves_its_order",
        "test_an_order_that_has_lost_its_reference_is_found_by_its_permanent_id",
    ),
    16: ("test_statuses_out_of_order_move_no_quantity", "test_any_one_message_shows_that_tws_has_an_order"),
    17: "test_a_corrected_execution_replaces_and_does_not_add",
    18: "test_a_commission_joins_its_execution_whenever_it_comes",
    19: (
        "test_nothing_is_sent_while_tws_has_no_line_to_ib",
        "test_heartbeats_do_not_open_a_line_that_tws_has_not_got",
        "test_a_link_that_is_back_is_asked_for_everything_even_if_nobody_said_it_was_lost",
    ),
    20: (
        "test_nothing_is_sent_while_tws_restarts",
        "test_the_line_is_open_and_nothing_leaves_before_a_planned_restart",
        "test_a_line_that_is_up_is_closed_before_a_planned_restart_and_opened_after_it",
        "test_the_lead_is_never_cut_short_by_how_rarely_it_is_looked_at",
    ),
    21: (
        "test_delayed_data_and_competing_sessions_feed_no_strategy",
        "test_delayed_data_that_only_their_type_tells_of_are_stale",
        "test_data_come_again_once_the_other_session_has_gone",
        "test_bars_of_seconds_are_asked_for_no_faster_than_tws_answers",
    ),
    22: "test_times_are_utc_whatever_the_host_thinks",
    23: "test_orders_are_made_with_the_stored_contract",
    24: (
        "test_a_change_after_a_reconnect_sends_nothing_that_tws_filled_in",
        "test_of_an_order_that_tws_shows_only_its_own_terms_are_sent_again",
    ),
    25: "test_orders_by_hand_are_seen_and_left_alone",
    26: "test_fractions_are_refused_by_name",
    27: "test_no_combination_is_traded",
    28: "test_a_read_only_api_and_too_many_orders_say_so",
}


def test_every_trap_has_its_test() -> None:
    from tests.venues.ib import (
        test_broker,
        test_budget,
        test_feed,
        test_line,
        test_order_messages,
        test_reading,
        test_restarts,
        test_statements,
        test_times,
    )

    assert list(TRAPS) == list(range(1, 29))
    modules = (
        test_broker, test_budget, test_feed, test_line, test_order_messages, test_reading, test_restarts,
        test_statements, test_times,
    )  # fmt: skip
    there = {name for module in modules for name in vars(module)} | set(globals())
    named = [name for names in TRAPS.values() for name in ((names,) if isinstance(names, str) else names)]
    assert [name for name in named if name not in there] == []


async def statement(rigged: Rig, fills_after: Mapping[str, str] | None = None) -> AccountEvidence:
    count = len(rigged.told.all(AccountEvidence))
    rigged.query_account(fills_after=fills_after)
    await rigged.told.until(lambda: len(rigged.told.all(AccountEvidence)) > count)
    return rigged.told.all(AccountEvidence)[-1]


async def test_fills_missed_while_away_come_with_the_next_statement() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.stop()
        rigged.market("98", "99")
        await rigged.restarted()
        evidence = await statement(rigged)
        assert evidence.fills is not None
        (fill,) = evidence.fills.fills
        assert (fill.client_order_id, fill.quantity, fill.price) == (name, D(10), D(100))
        # TWS tells the whole day's executions to every process that asks: once the core has them, no more.
        await rigged.restarted()
        repeated = await statement(rigged, evidence.fills.read_to)
        assert repeated.fills is not None
        assert (repeated.fills.fills, rigged.told.all(FillReport)) == ((), [])


async def test_a_fill_of_an_order_from_an_earlier_life_is_told() -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.restarted()
        rigged.market("98", "99")
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        assert rigged.told.all(FillReport)[0].client_order_id == name


async def test_every_line_begins_without_memory() -> None:
    async with trading() as rigged:
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        first = rigged.session.client
        rigged.fault("drop")
        await rigged.started(2)
        assert rigged.session.client is not first
        await rigged.told.until(lambda: rigged.session.is_up)
        rigged.submit("sell", "110")
        await rigged.told.until(lambda: sum(f.quantity for f in rigged.told.all(FillReport)) == 120)
        evidence = await statement(rigged)
        assert evidence.balances is not None
        assert "AAPL" not in evidence.balances.total


async def test_a_change_of_a_filled_order_is_refused_and_nothing_is_sent_twice() -> None:
    async with trading() as rigged:
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        venue_id = rigged.told.all(FillReport)[0].venue_order_id
        assert venue_id is not None
        rigged.replace(name, "20", "100", venue_id)
        await rigged.told.until(lambda: rigged.told.all(RejectReport) or rigged.told.all(NotSent))
        assert len(rigged.tws.truth.sum.accounts[ACCOUNT].orders) == 1
        assert rigged.tws.desk.live() == []


async def test_a_burst_of_orders_stays_below_what_tws_takes() -> None:
    async with trading() as rigged:
        for _ in range(70):
            rigged.submit(quantity="1")
        await rigged.told.until(lambda: len(rigged.told.all(FillReport)) == 70)
        assert rigged.session.connections == 1
        assert rigged.told.all(NotSent) == []


async def test_a_fault_in_our_own_handling_ends_the_line_instead_of_a_log_entry() -> None:
    class Clumsy:
        def on_up(self) -> None: ...

        def on_down(self, reason: str) -> None: ...

        def on_claim(self, claim: Claim) -> None:
            raise ZeroDivisionError("a bug")

    async with rig() as rigged:
        rigged.session.join(Clumsy())
        with pytest.raises(ZeroDivisionError):
            async with rigged.session.held(), asyncio.timeout(10):
                await rigged.session.watch()


async def test_numbers_given_out_again_do_not_change_a_live_order() -> None:
    async with trading() as rigged:
        rigged.session.never_below(500)  # more than the questions of the next line count up to
        rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        await rigged.stop()
        rigged.fault("reset_order_ids")
        await rigged.restarted()
        await statement(rigged)
        rigged.submit(price="101")
        await rigged.told.until(lambda: len({r.venue_order_id for r in rigged.told.all(AcceptReport)}) == 2)
        first, second = rigged.tws.desk.live()
        assert (first.request.limit_price, second.request.limit_price) == (D(100), D(101))
        assert second.order_id > first.order_id


async def test_a_corrected_execution_replaces_and_does_not_add() -> None:
    async with trading() as rigged:
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        rigged.fault("correct_execution", code=5)
        await rigged.told.until(lambda: len(rigged.told.all(FillReport)) == 3)
        first, second, third = rigged.told.all(FillReport)
        assert first.trade_id == second.trade_id == third.trade_id
        assert (second.price - first.price, second.fee_known) == (D("0.05"), False)
        assert (third.price, third.fee, third.fee_known) == (second.price, first.fee, True)
        evidence = await statement(rigged)
        assert evidence.fills is not None
        assert [(fill.revision, fill.price) for fill in evidence.fills.fills] == [(4, third.price)]
        assert evidence.balances is not None
        assert evidence.balances.total["USD"] == rigged.tws.truth.sum.accounts[ACCOUNT].balances["USD"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "delay_reply", "method": "commissionReport", "milliseconds": 300},
        {"kind": "reorder_reports", "method": "execDetails"},
        {"kind": "swallow_report", "method": "commissionReport"},
        {"kind": "duplicate_report", "method": "execDetails"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['method']}",
)
async def test_a_commission_joins_its_execution_whenever_it_comes(fault: dict[str, object]) -> None:
    async with trading() as rigged:
        rigged.fault(**fault)  # type: ignore[arg-type]
        rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        (fill,) = rigged.told.all(FillReport)
        assert fill.fee == rigged.tws.truth.sum.accounts[ACCOUNT].trades[0].fee > 0


async def test_nothing_is_sent_while_tws_restarts() -> None:
    async with trading() as rigged:
        rigged.fault("reset", milliseconds=300)
        await rigged.told.until(lambda: rigged.told.all(BrokerStopped))
        name = rigged.submit()
        await rigged.told.until(lambda: rigged.told.all(NotSent))
        await rigged.started(2)
        rigged.query(name)
        await rigged.told.until(lambda: rigged.told.all(StatusReport))
        assert rigged.told.all(StatusReport)[0].status == "not_found"
        assert rigged.tws.desk.orders == []


async def test_orders_are_made_with_the_stored_contract() -> None:
    async with trading() as rigged:
        rigged.submit("sell", "100")  # of shares that only a position without an exchange has told of
        await rigged.told.until(lambda: rigged.told.all(FillReport))
        wanted = rigged.tws.desk.orders[0].request.contract
        assert (wanted.con_id, wanted.exchange) == (265598, "SMART")


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_change_after_a_reconnect_sends_nothing_that_tws_filled_in(is_restarted: bool) -> None:
    async with trading() as rigged:
        name = rigged.submit(price="100")
        await rigged.told.until(lambda: rigged.told.all(AcceptReport))
        venue_id = rigged.told.all(AcceptReport)[0].venue_order_id
        assert venue_id is not None
        if is_restarted:
            await rigged.restarted()
        else:
            rigged.fault("drop")
            await rigged.started(2)
        await statement(rigged)
        rigged.replace(name, "8", "99", venue_id)
        await rigged.told.until(lambda: rigged.told.all(ReplaceReport))
        (order,) = rigged.tws.desk.live()
        request = order.request
        assert (request.quantity, request.limit_price, request.order_ref) == (D(8), D(99), name)
        assert (request.trail_stop_price, request.aux_price, request.oca_group) == (None, None, "")
        assert order.perm_id == int(venue_id)


async def test_orders_by_hand_are_seen_and_left_alone() -> None:
    async with trading() as rigged:
        rigged.fault("trade_by_hand", symbol="AAPL", code=7)
        by_hand = market_order(-99, ACCOUNT, rigged.tws.catalogue.by_symbol["AAPL"], 3)
        resting = msgspec.structs.replace(by_hand, order_type="LMT", limit_price=D(90), time_in_force="GTC")
        rigged.tws.desk.place(0, resting, rigged.tws.market.symbols)
        evidence = await statement(rigged)
        assert evidence.fills is not None
        assert evidence.orders is not None
        assert evidence.balances is not None
        assert [(fill.client_order_id, fill.quantity) for fill in evidence.fills.fills] == [(None, D(7))]
        assert [(order.client_order_id, order.price) for order in evidence.orders.orders] == [(None, D(90))]
        assert evidence.balances.total["AAPL"] == 107
        assert len(rigged.tws.desk.live()) == 1


async def test_fractions_are_refused_by_name() -> None:
    async with trading() as rigged:
        rigged.submit(quantity="0.5")
        await rigged.told.until(lambda: rigged.told.all(RejectReport))
        assert rigged.told.all(RejectReport)[0].code == "10243"


def test_no_combination_is_traded() -> None:
    # Its fills come for it and for each leg: none can be named in a configuration.
    assert "BAG" not in KINDS


async def test_a_read_only_api_and_too_many_orders_say_so() -> None:
    async with trading() as rigged:
        for _ in range(21):
            rigged.submit(price="100", quantity="1")
        await rigged.told.until(lambda: rigged.told.all(RejectReport))
        assert "more than 20 working orders" in rigged.told.all(RejectReport)[0].text
        rigged.tws.sessions.switches = Switches(is_read_only=True)
        rigged.submit()
        await rigged.told.until(lambda: len(rigged.told.all(RejectReport)) == 2)
        assert "Read-Only" in rigged.told.all(RejectReport)[1].text
