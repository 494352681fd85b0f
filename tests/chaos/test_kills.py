"""A real daemon, really killed: nothing it sent is lost, doubled or booked wrongly; a judge that can tell."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daemon.exchange.truth import TrueAccount, TrueOrder, TrueTrade
from tests.architecture.test_crash_points import labels, named_sources
from tests.chaos.kills.ib_stage import has_library
from tests.chaos.kills.judge import Judgement, judge_fills, judge_money, judge_orders
from tests.chaos.kills.labels import run_labels, run_shares
from tests.chaos.kills.many import jobs_here, run_many
from tests.chaos.kills.outcome import Outcome
from tests.chaos.kills.panics import SPECIAL as SPECIAL_PANICS
from tests.chaos.kills.panics import panic_deaths, panic_labels
from tests.chaos.kills.plan import FAULTS, plan
from tests.chaos.kills.scenarios import (
    MORE,
    SPECIAL,
    STAGED,
    UNSAFE,
    every_scenario,
    staged_labels,
)
from tests.chaos.kills.session import run_session
from tests.chaos.kills.stage import LIVELY

IN_FLIGHT_SHARE = 0.7
REPLAYED_A_SECOND = 300_000
NOT_ACTIVE_SHARE = 0.001
AFTER_FAULT_SECONDS = 5.0
ORDER_ID = "T000000010000001"


def a_trade(**changes: Any) -> TrueTrade:
    given: dict[str, Any] = {
        "trade_id": "9", "venue_order_id": "7", "client_order_id": ORDER_ID, "symbol": "BTCUSDT",
        "side": "buy", "quantity": Decimal(2), "price": Decimal(10),
        "fee": Decimal("0.002"), "fee_currency": "BTC",
    }  # fmt: skip
    return TrueTrade(**{**given, **changes})


def an_order(**changes: Any) -> TrueOrder:
    given: dict[str, Any] = {
        "client_order_id": ORDER_ID, "venue_order_id": "7", "symbol": "BTCUSDT", "side": "buy",
        "status": "filled", "quantity": Decimal(2), "filled": Decimal(2),
    }  # fmt: skip
    return TrueOrder(**{**given, **changes})


def an_order_row(**changes: Any) -> dict[str, Any]:
    given = {
        "client_order_id": ORDER_ID, "venue_order_id": "7", "instrument": "BTCUSDT@binance", "side": "buy",
        "status": "filled", "quantity": "2", "filled": "2",
    }  # fmt: skip
    return {**given, **changes}


def a_fill_row(**changes: Any) -> dict[str, Any]:
    given = {
        "trade_id": "9", "venue_order_id": "7", "client_order_id": ORDER_ID, "instrument": "BTCUSDT@binance",
        "side": "buy", "quantity": "2", "price": "10", "fee": "0.002", "fee_currency": "BTC",
    }  # fmt: skip
    return {**given, **changes}


def counts(found: Judgement) -> tuple[int, int, int]:
    return len(found.lost), len(found.duplicated), len(found.differences)


@pytest.mark.parametrize(
    ("orders", "rows", "expected"),
    [
        ([an_order()], [an_order_row()], (0, 0, 0)),
        ([an_order()], [], (1, 0, 0)),
        ([an_order()], [an_order_row(venue_order_id=None, status="submitted")], (1, 0, 0)),
        ([an_order()], [an_order_row(), an_order_row()], (0, 1, 0)),
        ([an_order(), an_order(venue_order_id="8")], [an_order_row()], (1, 1, 0)),
        ([an_order()], [an_order_row(status="cancelled")], (0, 0, 1)),
        ([an_order()], [an_order_row(filled="1")], (0, 0, 1)),
        ([], [an_order_row()], (0, 0, 1)),
        ([], [an_order_row(status="unknown")], (0, 0, 1)),
        ([], [an_order_row(status="rejected")], (0, 0, 0)),
    ],
)
def test_the_judge_finds_orders_lost_doubled_and_different(
    orders: list[TrueOrder], rows: list[dict[str, Any]], expected: tuple[int, int, int]
) -> None:
    found = Judgement()
    judge_orders(TrueAccount(orders={order.venue_order_id: order for order in orders}), rows, found)
    assert counts(found) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([a_fill_row()], (0, 0, 0)),
        ([], (1, 0, 0)),
        ([a_fill_row(), a_fill_row()], (0, 1, 0)),
        ([a_fill_row(price="11")], (1, 1, 0)),
        ([a_fill_row(client_order_id="T000000010000002")], (1, 1, 0)),
    ],
)
def test_the_judge_finds_fills_lost_and_doubled(
    rows: list[dict[str, Any]], expected: tuple[int, int, int]
) -> None:
    found = Judgement()
    judge_fills(TrueAccount(trades=[a_trade()]), rows, found)
    assert counts(found) == expected


@pytest.mark.parametrize(
    ("btc", "position", "trial_balance", "differences"),
    [
        ("1.998", "1.998", "0", 0),
        ("1.999", "1.998", "0", 1),
        ("1.998", "2", "0", 1),
        ("1.998", "1.998", "0.1", 1),
    ],
)
def test_the_judge_finds_money_that_differs_in_the_last_unit(
    btc: str, position: str, trial_balance: str, differences: int
) -> None:
    found = Judgement()
    books = {
        "accounts": {"hard": {"BTC": btc, "USDT": "0"}},
        "positions": [{"instrument": "BTCUSDT@binance", "quantity": position}],
        "trial_balance": trial_balance,
    }
    judge_money(TrueAccount(trades=[a_trade()], balances={"BTC": Decimal("1.998")}), books, "hard", found)
    assert len(found.differences) == differences


def test_a_round_is_drawn_from_its_seed_alone() -> None:
    assert plan(7, with_faults=True) == plan(7, with_faults=True)
    drawn = [plan(seed, with_faults=True) for seed in range(400)]
    assert len({each.seconds for each in drawn}) == 400
    assert {fault["kind"] for each in drawn for fault in each.faults} == {kind for kind, _ in FAULTS}
    assert 0.05 < sum(each.is_at_start for each in drawn) / 400 < 0.2
    assert not any(plan(seed, with_faults=False).faults for seed in range(50))


def test_every_named_effect_has_a_death_of_its_own() -> None:
    named = {label for stage in STAGED for label in staged_labels(stage)}
    scenarios = [scenario for stage in STAGED for scenario in every_scenario(1, stage=stage)]
    assert {scenario.label for scenario in scenarios} == named
    assert SPECIAL.keys() <= named
    assert {label for label, _ in MORE} <= named
    names = [scenario.name for scenario in scenarios]
    assert len(set(names)) == len(names) >= len(named)


def test_every_effect_of_a_panic_has_a_panic_that_dies_there() -> None:
    named = panic_labels()
    assert {death.name.rpartition(":")[0] for death in panic_deaths()} == set(named) != set()
    assert SPECIAL_PANICS.keys() <= {death.name for death in panic_deaths()}


def test_what_nobody_dies_at_is_named() -> None:
    staged = {label for stage in STAGED for label in staged_labels(stage)}
    elsewhere = [
        source.path for source in named_sources() if set(labels(source)) - staged - set(panic_labels())
    ]
    assert elsewhere == [], "put an exchange for it on a stage, or name it there"


def report(outcome: Outcome) -> None:
    print(json.dumps(outcome.as_json()))
    assert outcome.is_clean, [*outcome.lost, *outcome.duplicated, *outcome.differences][:10]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_few_kills_while_orders_are_under_way_lose_and_double_nothing(tmp_path: Path) -> None:
    outcome = run_session(tmp_path, 4_000, 4, say=print)
    report(outcome)
    assert (outcome.kills, sum(outcome.by_phase.values())) == (4, 4)
    assert outcome.orders > 20
    assert outcome.fills > 5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_daemon_that_sends_before_it_writes_is_caught(tmp_path: Path) -> None:
    # It dies where the venue has answered for an order that is not written: one death is enough.
    deaths = run_labels(tmp_path, 1, print, scenarios=[UNSAFE])
    assert deaths.reached == [UNSAFE.name]
    assert deaths.judgement.lost
    assert any("not on the tape" in text for text in deaths.judgement.differences)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_session_with_fifty_kills_in_a_lively_market_is_replayed_as_fast_as_any(tmp_path: Path) -> None:
    outcome = run_session(tmp_path, 9_000, 50, say=print, market=LIVELY)
    report(outcome)
    assert outcome.kills == 50
    assert outcome.replayed / outcome.replay_seconds >= REPLAYED_A_SECOND


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_and_double_nothing_and_it_is_back_at_once(tmp_path: Path) -> None:
    outcome = run_many(tmp_path, kills=100, seed=1, with_faults=False)
    report(outcome)
    assert outcome.kills == 100
    assert outcome.in_flight >= IN_FLIGHT_SHARE, outcome.by_phase
    assert outcome.availability.share <= NOT_ACTIVE_SHARE
    assert outcome.availability.after_fault_max <= AFTER_FAULT_SECONDS


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_kills_amid_faults_and_cut_lines_lose_and_double_nothing(tmp_path: Path) -> None:
    outcome = run_many(tmp_path, kills=100, seed=1_000, with_faults=True)
    report(outcome)
    assert sum(outcome.faults.values()) > 10
    assert outcome.cuts
    assert outcome.availability.share <= NOT_ACTIVE_SHARE


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_death_before_every_named_effect_loses_and_doubles_nothing(tmp_path: Path) -> None:
    deaths = run_shares(tmp_path, 1, "", jobs_here())
    assert deaths.missed == []
    assert deaths.is_clean, deaths.judgement.said()
    staged = {label for stage in STAGED if stage != "ib" or has_library() for label in staged_labels(stage)}
    dying = {name.rpartition(":")[0] for name in deaths.reached}
    assert dying == staged | (set(panic_labels()) if has_library() else set())
