"""The request budget as the venue's answers tell it."""

from __future__ import annotations

import pytest

from actors.venues.binance.limits import FIREWALL_SECONDS, RETRY_AFTER_MISSING_SECONDS, RateBudget
from actors.venues.binance.trading import note_limits
from actors.venues.binance.wire import TRADING_FRAME


def test_reads_wait_for_the_next_minute_when_the_weight_is_nearly_used() -> None:
    budget = RateBudget(weight_limit=1000)
    budget.note_headers({"X-MBX-USED-WEIGHT-1M": "899", "X-MBX-ORDER-COUNT-10S": "7"}, now=130.0)
    assert budget.pause(131.0) == 0
    assert budget.orders_10s == 7
    budget.note_headers({"X-MBX-USED-WEIGHT-1M": "900"}, now=131.0)
    assert budget.pause(131.0) == 49
    assert budget.pause(180.0) == 0, "a new minute has a new budget"
    assert budget.blocked_for(131.0) == 0, "orders are not held back for weight"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "7"}, 7),
        (418, {"Retry-After": "120"}, 120),
        (429, {}, RETRY_AFTER_MISSING_SECONDS),
        (429, {"Retry-After": "soon"}, RETRY_AFTER_MISSING_SECONDS),
        (403, {}, FIREWALL_SECONDS),
        (400, {"Retry-After": "7"}, 0),
        (503, {}, 0),
    ],
)
def test_a_refusal_blocks_as_long_as_it_says(status: int, headers: dict[str, str], seconds: float) -> None:
    budget = RateBudget()
    budget.note_refusal(status, headers, now=1000.0)
    assert budget.pause(1000.0) == budget.blocked_for(1000.0) == seconds
    assert budget.pause(1000.0 + seconds) == 0


def test_a_shorter_block_does_not_shorten_a_longer_one() -> None:
    budget = RateBudget()
    budget.block(2000.0)
    budget.block(1500.0)
    assert budget.blocked_for(1000.0) == 1000
    assert budget.refusals == 2


def test_figures_that_are_no_numbers_are_passed_over() -> None:
    budget = RateBudget()
    budget.note_headers({"X-MBX-USED-WEIGHT-1M": "many"}, now=0.0)
    assert budget.weight_used == 0


def test_an_answer_of_the_trading_socket_says_how_much_a_minute_may_weigh() -> None:
    budget = RateBudget(weight_limit=6_000)
    frame = TRADING_FRAME.decode(
        b'{"id":"r1","status":200,"result":{},"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",'
        b'"interval":"MINUTE","intervalNum":1,"limit":60000,"count":5900}]}'
    )
    note_limits(frame, budget, 30.0, 0.0)
    assert (budget.weight_limit, budget.pause(30.0)) == (60_000, 0.0)
