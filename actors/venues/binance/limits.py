"""How many requests the venue still takes, as its own answers tell; pure, times are handed in (seconds)."""

from __future__ import annotations

from collections.abc import Mapping

USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"
ORDER_COUNT = "X-MBX-ORDER-COUNT-10S"
RETRY_AFTER = "Retry-After"
RETRY_AFTER_MISSING_SECONDS = 30.0
FIREWALL_SECONDS = 60.0
MINUTE = 60.0


class RateBudget:
    """One address's budget, shared by all its requests."""

    def __init__(self, *, weight_limit: int = 6000, share: float = 0.9) -> None:
        """`share` of the limit is used before reads wait for the next minute."""
        self.weight_limit = weight_limit
        self.weight_used = 0
        self.orders_10s = 0
        self.refusals = 0
        self._share = share
        self._minute = 0.0
        self._blocked_until = 0.0

    def note_headers(self, headers: Mapping[str, str], now: float) -> None:
        """Take the figures that came with an answer."""
        if (used := _whole(headers.get(USED_WEIGHT))) is not None:
            self.note_weight(used, now)
        if (orders := _whole(headers.get(ORDER_COUNT))) is not None:
            self.orders_10s = orders

    def note_weight(self, used: int, now: float) -> None:
        """Weight used in the minute of `now`."""
        self.weight_used = used
        self._minute = now // MINUTE

    def note_refusal(self, status: int, headers: Mapping[str, str], now: float) -> None:
        """429, 418 and 403: nothing may leave for a while; going on would end in a ban."""
        if status not in (429, 418, 403):
            return
        named = _seconds(headers.get(RETRY_AFTER))
        pause = FIREWALL_SECONDS if status == 403 else RETRY_AFTER_MISSING_SECONDS
        self.block(now + (pause if named is None else named))

    def block(self, until: float) -> None:
        """Nothing may leave before this time."""
        self.refusals += 1
        self._blocked_until = max(self._blocked_until, until)

    def blocked_for(self, now: float) -> float:
        """Seconds until anything may leave again; 0 when it may now."""
        return max(0.0, self._blocked_until - now)

    def pause(self, now: float) -> float:
        """Seconds a read has to wait: out of refusals, and out of a minute whose weight is nearly used up."""
        blocked = self.blocked_for(now)
        if self._minute == now // MINUTE and self.weight_used >= self._share * self.weight_limit:
            return max(blocked, (self._minute + 1) * MINUTE - now)
        return blocked


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None
