"""Binance's refusals and what each allows us to conclude. A code that is not listed concludes nothing."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

from actors.errors import TradingError
from actors.venues.binance.wire import ERROR

Outcome = Literal["rejected", "unknown"]


class Meaning(Enum):
    """What a refusal says about the request, and so what is done next."""

    BACK_OFF = "too many requests: wait, then go on"
    BUSY = "the venue could not say: reads are repeated, an order is asked about"
    UNKNOWN = "executed or not: ask"
    MALFORMED = "never reached the matching engine: refused for good"
    CLOCK = "refused for its timestamp: measure the offset again"
    SIGNATURE = "signature or parameters wrong: a fault of configuration"
    REFUSED = "the matching engine refused the order"
    CANCEL_REFUSED = "the order to cancel is closed already or never existed"
    NOT_FOUND = "no such order, or not visible yet"
    MISMATCH = "the two ids given belong to different orders"
    KEY = "key, address or permission refused: trading stops"
    REPLACE_FAILED = "a combined cancel and replace failed, partly or wholly"
    ARCHIVED = "the order is too old to be shown"
    SUBSCRIBED = "user data are subscribed already"
    NOT_SUBSCRIBED = "user data are not subscribed"
    UNLISTED = "no such symbol"
    UNLISTED_CODE = "not in the table: concludes nothing"


_MEANINGS: dict[int, Meaning] = {
    -1000: Meaning.UNKNOWN,
    -1001: Meaning.BUSY,
    -1003: Meaning.BACK_OFF,
    -1006: Meaning.UNKNOWN,
    -1007: Meaning.UNKNOWN,
    -1008: Meaning.BUSY,
    -1013: Meaning.MALFORMED,
    -1015: Meaning.BACK_OFF,
    -1016: Meaning.BUSY,
    -1021: Meaning.CLOCK,
    -1022: Meaning.SIGNATURE,
    **dict.fromkeys(range(-1130, -1099), Meaning.MALFORMED),
    -1121: Meaning.UNLISTED,
    -2010: Meaning.REFUSED,
    -2011: Meaning.CANCEL_REFUSED,
    -2013: Meaning.NOT_FOUND,
    -2014: Meaning.KEY,
    -2015: Meaning.KEY,
    -2021: Meaning.REPLACE_FAILED,
    -2022: Meaning.REPLACE_FAILED,
    -2026: Meaning.ARCHIVED,
    -2035: Meaning.SUBSCRIBED,
    -2036: Meaning.NOT_SUBSCRIBED,
    -2039: Meaning.MISMATCH,
}

_CERTAIN = frozenset({Meaning.MALFORMED, Meaning.UNLISTED, Meaning.CLOCK, Meaning.REFUSED, Meaning.KEY})
_CERTAIN_FOR_CANCEL = _CERTAIN | {Meaning.CANCEL_REFUSED, Meaning.NOT_FOUND, Meaning.MISMATCH}
_REPEATABLE = frozenset({Meaning.BACK_OFF, Meaning.BUSY, Meaning.UNKNOWN, Meaning.CLOCK})
DUPLICATE = "duplicate order"


def meaning(code: int) -> Meaning:
    """What the venue's code says."""
    return _MEANINGS.get(code, Meaning.UNLISTED_CODE)


class Refusal(TradingError):
    """An answer of the venue that is not the wanted one; `code` is 0 when it gave none."""

    def __init__(self, status: int, code: int = 0, text: str = "", retry_at_ms: int | None = None) -> None:
        super().__init__(
            f"Binance answered {status}" + (f" ({code} {text})" if code else f" {text}".rstrip())
        )
        self.status, self.code, self.text, self.retry_at_ms = status, code, text, retry_at_ms

    @property
    def meaning(self) -> Meaning:
        """What the code says."""
        return meaning(self.code)

    @property
    def is_repeatable(self) -> bool:
        """Whether a read may be asked again later."""
        if self.status in (429, 418) or self.status >= 500:
            return True
        return self.meaning in _REPEATABLE

    @property
    def is_duplicate(self) -> bool:
        """A client order id that is open at the venue: the order exists, this answer is not about it."""
        return self.meaning is Meaning.REFUSED and DUPLICATE in self.text.lower()

    def outcome_of_submit(self) -> Outcome:
        """Only a 4xx with a code known as certain is a rejection; what a limit holds back is not sent on."""
        if not 400 <= self.status < 500 or self.is_duplicate:
            return "unknown"
        return "rejected" if self.meaning in _CERTAIN | {Meaning.BACK_OFF} else "unknown"

    def outcome_of_cancel(self) -> Outcome:
        """The same, and the codes by which a cancel is refused."""
        if not 400 <= self.status < 500:
            return "unknown"
        return "rejected" if self.meaning in _CERTAIN_FOR_CANCEL else "unknown"


def refusal_from(status: int, body: bytes) -> Refusal:
    """The refusal in an HTTP answer; a body that is none of the venue's (a proxy's page) has no code."""
    try:
        error = ERROR.decode(body)
    except msgspec.MsgspecError:
        return Refusal(status)
    return Refusal(status, error.code, error.msg)
