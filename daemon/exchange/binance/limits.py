"""Request weight per address, orders per account: counted in fixed windows, refused with 429, then 418."""

from __future__ import annotations

from typing import Any

from daemon.exchange.binance.errors import ApiError
from daemon.exchange.settings import Profile

MINUTE_MS = 60_000
RAW_MS = 300_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000


class Window:
    """A count that starts again at whole multiples of its length."""

    __slots__ = ("count", "length_ms", "number")

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self.number = 0
        self.count = 0

    def at(self, now_ms: int) -> Window:
        """The same window, emptied when a new one has begun."""
        number = now_ms // self.length_ms
        if number != self.number:
            self.number, self.count = number, 0
        return self

    @property
    def end_ms(self) -> int:
        """When the next one begins."""
        return (self.number + 1) * self.length_ms


class _Address:
    def __init__(self) -> None:
        self.weight = Window(MINUTE_MS)
        self.raw = Window(RAW_MS)
        self.connections = Window(RAW_MS)
        self.violations = Window(MINUTE_MS)
        self.banned_until_ms = 0


class Limits:
    """All counters of the venue."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._addresses: dict[str, _Address] = {}
        self._orders: dict[str, tuple[Window, Window]] = {}

    def charge(self, address: str, weight: int, now_ms: int) -> None:
        """Count a request.

        Raises:
            ApiError: 418 while banned, 429 above the limit.
        """
        known = self._addresses.setdefault(address, _Address())
        if now_ms < known.banned_until_ms:
            raise self._ban(known)
        used, raw = known.weight.at(now_ms), known.raw.at(now_ms)
        used.count += weight
        raw.count += 1
        if used.count > self._profile.weight_per_minute:
            raise self.violation(address, now_ms)
        if raw.count > self._profile.raw_requests_per_5_minutes:
            raise ApiError(-1003, "Too many requests queued.", status=429, retry_at_ms=raw.end_ms)

    def connect(self, address: str, now_ms: int) -> None:
        """Count a WebSocket handshake.

        Raises:
            ApiError: 418 while banned, 429 above the limit.
        """
        known = self._addresses.setdefault(address, _Address())
        if now_ms < known.banned_until_ms:
            raise self._ban(known)
        window = known.connections.at(now_ms)
        window.count += 1
        if window.count > self._profile.connections_per_5_minutes:
            raise ApiError(-1003, "Too many connection attempts.", status=429, retry_at_ms=window.end_ms)

    def violation(self, address: str, now_ms: int, *, retry_ms: int = 0) -> ApiError:
        """The answer to one request too many; who does not stop is banned.

        Args:
            retry_ms: How long to wait; 0 is until the weight is counted anew.
        """
        known = self._addresses.setdefault(address, _Address())
        window = known.violations.at(now_ms)
        window.count += 1
        if window.count > self._profile.violations_before_ban:
            known.banned_until_ms = now_ms + self._profile.ban_seconds * 1_000
            return self._ban(known)
        return ApiError(
            -1003,
            f"Too much request weight used; current limit is {self._profile.weight_per_minute} "
            "request weight per 1 MINUTE. Please use WebSocket Streams for live updates "
            "to avoid polling the API.",
            status=429,
            retry_at_ms=now_ms + retry_ms if retry_ms else known.weight.at(now_ms).end_ms,
        )

    def refund(self, address: str, weight: int) -> None:
        """A placed order costs nothing."""
        self._addresses[address].weight.count -= weight

    def used_weight(self, address: str, now_ms: int) -> int:
        """In the present minute."""
        known = self._addresses.get(address)
        return known.weight.at(now_ms).count if known else 0

    def count_order(self, account: str, now_ms: int) -> None:
        """Count a new order of an account.

        Raises:
            ApiError: 429 above the limit; the order is not counted.
        """
        profile = self._profile
        short, day = self._windows(account, now_ms)
        if short.count >= profile.orders_per_10_seconds:
            raise _too_many(f"{profile.orders_per_10_seconds} orders per 10 SECOND", short.end_ms)
        if day.count >= profile.orders_per_day:
            raise _too_many(f"{profile.orders_per_day} orders per 1 DAY", day.end_ms)
        short.count += 1
        day.count += 1

    def order_filled(self, account: str, now_ms: int) -> None:
        """An order that trades no longer counts: the limit is on unfilled ones."""
        for window in self._windows(account, now_ms):
            window.count = max(0, window.count - 1)

    def order_counts(self, account: str, now_ms: int) -> tuple[int, int]:
        """In the present ten seconds, and today."""
        short, day = self._windows(account, now_ms)
        return short.count, day.count

    def definitions(self) -> list[dict[str, Any]]:
        """As `exchangeInfo` has them."""
        profile = self._profile
        return [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, profile.weight_per_minute),
            _limit("ORDERS", "SECOND", 10, profile.orders_per_10_seconds),
            _limit("ORDERS", "DAY", 1, profile.orders_per_day),
            _limit("RAW_REQUESTS", "MINUTE", 5, profile.raw_requests_per_5_minutes),
        ]

    def weight_status(self, address: str, now_ms: int) -> dict[str, Any]:
        """The part of a WebSocket reply that says what is used."""
        limit = _limit("REQUEST_WEIGHT", "MINUTE", 1, self._profile.weight_per_minute)
        return limit | {"count": self.used_weight(address, now_ms)}

    def order_status(self, account: str, now_ms: int) -> list[dict[str, Any]]:
        """Order limits with their counts."""
        profile = self._profile
        short, day = self.order_counts(account, now_ms)
        return [
            _limit("ORDERS", "SECOND", 10, profile.orders_per_10_seconds) | {"count": short},
            _limit("ORDERS", "DAY", 1, profile.orders_per_day) | {"count": day},
        ]

    def _windows(self, account: str, now_ms: int) -> tuple[Window, Window]:
        short, day = self._orders.setdefault(account, (Window(TEN_SECONDS_MS), Window(DAY_MS)))
        return short.at(now_ms), day.at(now_ms)

    def _ban(self, known: _Address) -> ApiError:
        return ApiError(
            -1003,
            f"Way too much request weight used; IP banned until {known.banned_until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            status=418,
            retry_at_ms=known.banned_until_ms,
        )


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _too_many(which: str, end_ms: int) -> ApiError:
    return ApiError(-1015, f"Too many new orders; current limit is {which}.", status=429, retry_at_ms=end_ms)
