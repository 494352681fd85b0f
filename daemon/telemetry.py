"""Telemetry: plain numbers the process keeps about itself; collected when asked for.

Counting costs an integer addition. What the core knows anyway (orders by state, positions) is not kept twice:
`refreshers` copy it in when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

FAST = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    1.0,
)  # fmt: skip
"""Upper bounds in seconds for what happens on the way of an order."""
SLOW = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds for what happens beside it."""


class Histogram:
    """Counts by fixed upper bounds; the last bucket has none."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0
        """Sum of everything observed, seconds."""

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile(self, fraction: float) -> float | None:
        """Estimated within its bucket as if that were evenly filled; inf beyond the last, None when empty."""
        wanted = fraction * self.count
        if not wanted:
            return None
        seen, lower = 0, 0.0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            if seen + count >= wanted:
                return lower + (bound - lower) * (wanted - seen) / count
            seen, lower = seen + count, bound
        raise AssertionError("the buckets hold less than their count")

    def cumulative(self) -> list[tuple[str, float]]:
        """Upper bound as text, and how many were at most that: the form Prometheus reads."""
        found, seen = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            seen += count
            found.append(("+Inf" if bound == float("inf") else repr(bound), float(seen)))
        return found


class AccountFigures:
    """What is shown of one account; account currency where it is money."""

    __slots__ = ("cash", "currency", "drawdown", "equity", "fees", "realised_pnl", "state", "unrealised_pnl")

    def __init__(self, *, currency: str, state: str = "starting") -> None:
        self.currency = currency
        self.state = state
        """Effective trading state of the whole account."""
        self.equity: float | None = None
        """None until the first valuation."""
        self.cash = 0.0
        self.realised_pnl = 0.0
        self.unrealised_pnl = 0.0
        self.fees = 0.0
        self.drawdown = 0.0
        """Fraction of the running peak, ≤ 0."""


class LineFigures:
    """What is shown of a line that feed and brokers of a venue share."""

    __slots__ = (
        "alarm_seconds", "connections", "down_since_ns", "is_linked", "is_up", "messages_left", "reason",
        "subscriptions", "troubles",
    )  # fmt: skip

    def __init__(self, *, alarm_seconds: float) -> None:
        self.alarm_seconds = alarm_seconds
        """Down for so long it is an alert."""
        self.is_up = False
        """Whether orders may leave."""
        self.is_linked = False
        """Whether the gateway has its own line to the broker."""
        self.connections = 0
        self.down_since_ns: int | None = None
        self.reason = ""
        self.messages_left = 0
        """How many may leave within this second."""
        self.subscriptions = 0
        """Market data lines in use."""
        self.troubles: dict[str, int] = {}
        """Instruments without live data by why: `delayed`, `competing`, `refused`."""


class FeedData(NamedTuple):
    """How many instruments of a venue have said how their data are, and how many have live ones."""

    instruments: int
    live: int
    reason: str
    """Why one of the others has none."""

    @property
    def is_dark(self) -> bool:
        """Whether none has live data."""
        return self.instruments > 0 and not self.live


class Telemetry:
    """Every number `/metrics` and `ctl metrics` show; written by whoever knows it, on the loop's thread."""

    def __init__(self, *, now_ns: Callable[[], int], version: str, session: str = "") -> None:
        self.now_ns = now_ns
        self.version, self.session = version, session
        self.started_ns = now_ns()
        self.refreshers: list[Callable[[Telemetry], None]] = []
        self._begin_inputs()
        self._begin_orders()
        self._begin_storage()
        self._begin_alerts()
        self.accounts: dict[str, AccountFigures] = {}
        self.approvals_pending = 0
        self.differences_open: dict[str, int] = {}
        """By account: what books and venue disagree on and nobody has answered."""
        self.is_kill_file_there = False
        self.losses: dict[tuple[str, str, str], tuple[float, float | None]] = {}
        """By (account, strategy or "", kind): the figure as last valued and its limit."""
        self.positions: dict[tuple[str, str, str], float] = {}
        """Signed quantity by (account, strategy, instrument)."""

    def _begin_inputs(self) -> None:
        self.inputs = 0
        self.conflated = 0
        """Quotes and deltas that a newer one replaced before they were numbered."""
        self.seq = 0
        self.queue_depth: dict[str, int] = {}
        """By inbox: `inputs`, `broker:NAME`."""
        self.loop_lag = Histogram(SLOW)
        self.watchdog_age_seconds = 0.0
        """Since the loop last turned."""
        self.clock_offset_seconds = 0.0
        """Wall clock minus ours."""
        self.restarts: dict[str, int] = {}
        """By edge actor."""

        self.feed_last_ns: dict[str, int] = {}
        """By venue: when its last message came."""
        self.feed_connected: dict[str, bool] = {}
        self.feed_data: dict[str, FeedData] = {}
        self.lines: dict[str, LineFigures] = {}
        """By venue."""
        self.account_lines: dict[str, str] = {}
        """Account → venue whose line it trades through, where that is one of `lines`."""

    def _begin_orders(self) -> None:
        self.tick_to_order = Histogram(FAST)
        """From taking an input until its order was handed to the broker."""
        self.orders: dict[tuple[str, str], int] = {}
        """Orders in core state by (account, order state)."""
        self.unknown_since_ns: dict[str, int] = {}
        """By account: since when its oldest unknown order is unknown; absent when there is none."""
        self.orders_sent: dict[str, int] = {}
        self.orders_denied: dict[tuple[str, str], int] = {}
        """By (account, code)."""
        self.orders_rejected: dict[tuple[str, str], int] = {}
        self.fills: dict[str, int] = {}
        self.differences: dict[tuple[str, str], int] = {}
        """Disagreements with a venue's statement by (account, kind)."""
        self.strategy_failures: dict[tuple[str, str], int] = {}
        """By (account, strategy)."""

    def _begin_storage(self) -> None:
        self.tape_write = Histogram(FAST)
        self.tape_sync = Histogram(SLOW)
        self.tape_bytes = 0
        self.state_free_bytes = 0
        """Free space where the state folder lies."""
        self.checkpoint = Histogram(SLOW)
        """How long taking a checkpoint held up the loop."""
        self.checkpoint_ns: int | None = None
        """When the newest checkpoint was taken."""
        self.store_applied_seq = 0
        self.store_failures = 0

    def _begin_alerts(self) -> None:
        self.alerts_raised: dict[tuple[str, str], int] = {}
        """By (severity, kind)."""
        self.alerts_repeated = 0
        """Raised while their like was fresh, and so told only as a count."""
        self.alerts_sent: dict[str, int] = {}
        """Delivered, by channel."""
        self.alerts_failed: dict[str, int] = {}
        """Attempts that failed, by channel."""
        self.alerts_dropped: dict[str, int] = {}
        """Given up or without room, by channel; `unread`: before they were looked at."""

    @staticmethod
    def count(counts: dict[Any, int], key: object) -> None:
        """One more."""
        counts[key] = counts.get(key, 0) + 1

    def refresh(self) -> None:
        """Let everybody who knows more bring it in; before every reading."""
        for refresher in self.refreshers:
            refresher(self)

    def age_seconds(self, since_ns: int) -> float:
        """Seconds from then until now, never negative."""
        return max(0, self.now_ns() - since_ns) / 1e9

    def _alerts(self) -> dict[str, Any]:
        return {
            "raised": by_two(self.alerts_raised),
            "repeated": self.alerts_repeated,
            "sent": dict(self.alerts_sent),
            "failed": dict(self.alerts_failed),
            "dropped": dict(self.alerts_dropped),
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything in a form JSON takes; durations in seconds."""
        self.refresh()
        return {
            "version": self.version,
            "session": self.session,
            "uptime_seconds": self.age_seconds(self.started_ns),
            "seq": self.seq,
            "inputs": self.inputs,
            "conflated": self.conflated,
            "queue_depth": dict(self.queue_depth),
            "loop_lag_seconds": summary(self.loop_lag),
            "clock_offset_seconds": self.clock_offset_seconds,
            "restarts": dict(self.restarts),
            "feeds": {venue: self._feed(venue) for venue in self.feed_last_ns},
            "lines": {
                venue: {field: getattr(line, field) for field in LineFigures.__slots__}
                for venue, line in self.lines.items()
            },
            "tick_to_order_seconds": summary(self.tick_to_order),
            "orders": by_two(self.orders),
            "unknown_age_seconds": {
                account: self.age_seconds(since) for account, since in self.unknown_since_ns.items()
            },
            "orders_sent": dict(self.orders_sent),
            "orders_denied": by_two(self.orders_denied),
            "orders_rejected": by_two(self.orders_rejected),
            "fills": dict(self.fills),
            "differences": by_two(self.differences),
            "strategy_failures": by_two(self.strategy_failures),
            "tape": {
                "bytes": self.tape_bytes,
                "write_seconds": summary(self.tape_write),
                "sync_seconds": summary(self.tape_sync),
            },
            "checkpoint": {
                "age_seconds": None if self.checkpoint_ns is None else self.age_seconds(self.checkpoint_ns),
                "seconds": summary(self.checkpoint),
            },
            "alerts": self._alerts(),
            "accounts": {
                name: {field: getattr(figures, field) for field in AccountFigures.__slots__}
                for name, figures in self.accounts.items()
            },
        }

    def _feed(self, venue: str) -> dict[str, Any]:
        data = self.feed_data.get(venue)
        return {
            "age_seconds": self.age_seconds(self.feed_last_ns[venue]),
            "connected": self.feed_connected.get(venue),
            **({} if data is None else data._asdict()),
        }


def summary(histogram: Histogram) -> dict[str, float | int | None]:
    """Count, mean and the usual quantiles, estimated; None beyond the last bucket or when empty."""
    count = histogram.count
    found: dict[str, float | int | None] = {
        "count": count,
        "mean": histogram.total / count if count else None,
    }
    for name, fraction in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
        bound = histogram.quantile(fraction)
        found[name] = None if bound == float("inf") else bound
    return found


def by_two(counts: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """{(account, x): n} → {account: {x: n}}."""
    found: dict[str, dict[str, int]] = {}
    for (first, second), count in counts.items():
        found.setdefault(first, {})[second] = count
    return found
