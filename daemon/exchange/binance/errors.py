"""How the venue says no: HTTP status, code and text."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal as it goes over the wire."""

    def __init__(self, code: int, msg: str, *, status: int = 400, retry_at_ms: int | None = None) -> None:
        super().__init__(f"{code} {msg}")
        self.code, self.msg, self.status, self.retry_at_ms = code, msg, status, retry_at_ms


def missing(name: str) -> ApiError:
    """A mandatory parameter is not there."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> ApiError:
    """A parameter has characters it may not have."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def filter_failure(name: str) -> ApiError:
    """A filter of the symbol does not let this through."""
    return ApiError(-1013, f"Filter failure: {name}")


INVALID_SYMBOL = (-1121, "Invalid symbol.")
NO_SUCH_ORDER = (-2013, "Order does not exist.")
UNKNOWN_ORDER = (-2011, "Unknown order sent.")

REFUSALS: dict[str, tuple[int, str]] = {
    "DUPLICATE_ORDER": (-2010, "Duplicate order sent."),
    "INSUFFICIENT_BALANCE": (-2010, "Account has insufficient balance for requested action."),
    "WOULD_TAKE": (-2010, "Order would immediately match and take."),
    "WOULD_TRIGGER": (-2010, "Stop price would trigger immediately."),
    "MARKET_CLOSED": (-2010, "Market is closed."),
    "UNKNOWN_INSTRUMENT": INVALID_SYMBOL,
    "UNKNOWN_ORDER": UNKNOWN_ORDER,
    "PRICE_FILTER": (-1013, "Filter failure: PRICE_FILTER"),
    "LOT_SIZE": (-1013, "Filter failure: LOT_SIZE"),
    "NOTIONAL": (-1013, "Filter failure: NOTIONAL"),
    "BAD_TERMS": (-1106, "Parameter sent when not required."),
}
"""What the engine's refusals are called here."""
