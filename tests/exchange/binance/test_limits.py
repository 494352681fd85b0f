"""Counting weight and orders."""

from __future__ import annotations

import pytest

from daemon.exchange.binance.errors import ApiError
from daemon.exchange.binance.limits import Limits
from daemon.exchange.settings import ExchangeSettings, Profile
from tests.exchange.client import Client

PROFILE = Profile(weight_per_minute=100, orders_per_10_seconds=2, violations_before_ban=2, ban_seconds=120)
MINUTE_MS = 60_000
START_MS = 1_000 * MINUTE_MS


def status_of(limits: Limits, weight: int, now_ms: int) -> int:
    try:
        limits.charge("here", weight, now_ms)
    except ApiError as error:
        return error.status
    return 200


def test_weight_may_reach_the_limit_and_not_pass_it() -> None:
    limits = Limits(PROFILE)
    assert status_of(limits, 100, START_MS) == 200
    assert status_of(limits, 1, START_MS) == 429
    assert status_of(limits, 1, START_MS + MINUTE_MS) == 200


def test_going_on_in_spite_of_429_is_a_ban_that_ends() -> None:
    limits = Limits(PROFILE)
    assert [status_of(limits, 101, START_MS) for _ in range(4)] == [429, 429, 418, 418]
    assert status_of(limits, 1, START_MS + MINUTE_MS) == 418
    assert status_of(limits, 1, START_MS + 120_000) == 200


def test_another_address_has_its_own_count() -> None:
    limits = Limits(PROFILE)
    assert status_of(limits, 101, START_MS) == 429
    limits.charge("elsewhere", 100, START_MS)


def test_the_order_limit_counts_unfilled_orders_of_ten_seconds() -> None:
    limits = Limits(PROFILE)
    limits.count_order("demo", START_MS)
    limits.count_order("demo", START_MS)
    with pytest.raises(ApiError) as refused:
        limits.count_order("demo", START_MS)
    assert (refused.value.code, refused.value.status) == (-1015, 429)
    limits.order_filled("demo", START_MS)
    limits.count_order("demo", START_MS)
    limits.count_order("demo", START_MS + 10_000)
    assert limits.order_counts("demo", START_MS + 10_000) == (1, 3)


def test_handshakes_are_counted_for_themselves() -> None:
    limits = Limits(Profile(connections_per_5_minutes=2))
    for _ in range(2):
        limits.connect("here", START_MS)
    with pytest.raises(ApiError) as refused:
        limits.connect("here", START_MS)
    assert refused.value.status == 429
    limits.connect("here", START_MS + 300_000)


class TestOverTheWire:
    @pytest.fixture
    def exchange_settings(self) -> ExchangeSettings:
        return ExchangeSettings(profile=PROFILE, history_hours=1.0)

    async def test_429_says_when_to_come_back_and_then_418_follows(self, client: Client) -> None:
        statuses = [(await client.get("/exchangeInfo"))[0] for _ in range(9)]
        assert statuses == [200] * 5 + [429, 429, 418, 418]
        assert 1 <= int(client.headers["Retry-After"]) <= 120

    async def test_the_third_order_in_ten_seconds_is_one_too_many(self, client: Client) -> None:
        answers = [await client.order() for _ in range(3)]
        codes = [answer.get("code", status) for status, answer in answers]
        assert codes == [200, 200, -1015]
        assert "Retry-After" in client.headers
