"""`Telemetry` in Prometheus' words: prefix `tickerd_`, base units, read at scrape."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.messages.control import TradingState
from daemon.telemetry import Histogram, Telemetry

TRADING_STATES: tuple[str, ...] = get_args(TradingState)

Sample = tuple[tuple[str, ...], float]


def registry_of(telemetry: Telemetry) -> CollectorRegistry:
    """A registry of our own: nothing global, so two daemons in one process do not meet."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(TelemetryCollector(telemetry))
    ProcessCollector(namespace="tickerd", registry=registry)
    return registry


class TelemetryCollector(Collector):
    """Collects everything anew at each scrape."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        self._telemetry.refresh()
        for part in (_process, _feeds, _lines, _orders, _storage, _alerts, _accounts, _safety):
            yield from part(self._telemetry)


def _process(t: Telemetry) -> Iterator[Metric]:
    info = (t.version, platform.python_version(), t.session)
    yield gauge("build_info", "Always 1.", [(info, 1)], "version", "python", "session")
    yield gauge("start_time_seconds", "When this process life began, Unix time.", t.started_ns / 1e9)
    yield counter("inputs", "Inputs numbered by the sequencer.", t.inputs)
    yield gauge("input_seq", "Sequence number of the newest step with messages.", t.seq)
    yield counter("conflated", "Quotes and deltas replaced by newer ones before numbering.", t.conflated)
    yield gauge("queue_depth", "Entries that wait in an inbox.", one(t.queue_depth), "queue")
    yield histogram("loop_lag_seconds", "How late the loop ran what was due.", t.loop_lag)
    yield gauge(
        "loop_idle_seconds", "Since the loop last turned; the watchdog's measure.", t.watchdog_age_seconds
    )
    yield gauge("clock_offset_seconds", "Wall clock minus the trading clock.", t.clock_offset_seconds)
    yield counter("restarts", "Edge actors started anew after a failure.", one(t.restarts), "actor")


def _feeds(t: Telemetry) -> Iterator[Metric]:
    ages = [((venue,), t.age_seconds(last)) for venue, last in t.feed_last_ns.items()]
    yield gauge("feed_age_seconds", "Since the venue's last message.", ages, "venue")
    connected = [((venue,), float(is_up)) for venue, is_up in t.feed_connected.items()]
    yield gauge("feed_connected", "1 while all instruments of the feed have live data.", connected, "venue")
    data = t.feed_data.items()
    wanted = [((venue,), float(each.instruments)) for venue, each in data]
    yield gauge("feed_instruments", "Instruments the feed has said something of.", wanted, "venue")
    live = [((venue,), float(each.live)) for venue, each in data]
    yield gauge("feed_instruments_live", "Those of them with live data.", live, "venue")


def _lines(t: Telemetry) -> Iterator[Metric]:
    lines = t.lines.items()
    down = {venue: x.down_since_ns for venue, x in lines}
    for name, text, values in (
        ("up", "1 while orders may leave by the venue's line.", {v: x.is_up for v, x in lines}),
        ("linked", "1 while the gateway has its own line.", {v: x.is_linked for v, x in lines}),
        ("down_seconds", "Since the line went down; 0: it is up.", {
            v: 0.0 if since is None else t.age_seconds(since) for v, since in down.items()
        }),
        ("messages_left", "How many may leave at this moment.", {v: x.messages_left for v, x in lines}),
        ("subscriptions", "Market data lines in use.", {v: x.subscriptions for v, x in lines}),
    ):  # fmt: skip
        yield gauge(f"line_{name}", text, [((v,), float(value)) for v, value in values.items()], "venue")
    connections = [((venue,), float(line.connections)) for venue, line in lines]
    yield counter("line_connections", "Connections made.", connections, "venue")
    troubles = [((venue, why), float(count)) for venue, line in lines for why, count in line.troubles.items()]
    yield gauge("line_data_trouble", "Instruments without live data, by why.", troubles, "venue", "why")


def _orders(t: Telemetry) -> Iterator[Metric]:
    yield gauge("orders", "Orders in core state.", t.orders.items(), "account", "state")
    unknown = dict.fromkeys(t.accounts, 0.0) | {
        account: t.age_seconds(since) for account, since in t.unknown_since_ns.items()
    }
    yield gauge(
        "unknown_order_age_seconds", "Age of the oldest unknown order; 0: none.", one(unknown), "account"
    )
    yield histogram(
        "tick_to_order_seconds", "From taking an input to handing its order over.", t.tick_to_order
    )
    yield counter("orders_sent", "Orders handed to a venue.", one(t.orders_sent), "account")
    yield counter("orders_denied", "Orders refused by us.", t.orders_denied.items(), "account", "code")
    yield counter(
        "orders_rejected", "Orders refused by the venue.", t.orders_rejected.items(), "account", "code"
    )
    yield counter("fills", "Executions booked.", one(t.fills), "account")
    yield counter(
        "differences", "Disagreements with the venue's statements.", t.differences.items(), "account", "kind"
    )
    yield counter(
        "strategy_failures", "Handlers that raised.", t.strategy_failures.items(), "account", "strategy"
    )


def _storage(t: Telemetry) -> Iterator[Metric]:
    yield histogram("tape_write_seconds", "Writing to the tape.", t.tape_write)
    yield histogram("tape_sync_seconds", "Until the tape was durable.", t.tape_sync)
    yield counter("tape_written_bytes", "Bytes written to the tape.", t.tape_bytes)
    yield gauge("state_free_bytes", "Free space where the state folder lies.", t.state_free_bytes)
    yield histogram("checkpoint_seconds", "How long a checkpoint held up the loop.", t.checkpoint)
    since = t.started_ns if t.checkpoint_ns is None else t.checkpoint_ns
    yield gauge("checkpoint_age_seconds", "Since the newest checkpoint, or the start.", t.age_seconds(since))
    yield gauge("store_applied_seq", "Input up to which the database trails the tape.", t.store_applied_seq)
    yield counter("store_failures", "Failed writes to the database.", t.store_failures)


def _alerts(t: Telemetry) -> Iterator[Metric]:
    yield counter("alerts", "Alerts raised.", t.alerts_raised.items(), "severity", "kind")
    yield counter("alerts_repeated", "Alerts told only as a count.", t.alerts_repeated)
    yield counter("alerts_sent", "Alerts delivered.", one(t.alerts_sent), "channel")
    yield counter("alerts_failed", "Attempts to deliver that failed.", one(t.alerts_failed), "channel")
    yield counter(
        "alerts_dropped", "Alerts given up, or without room in an inbox.", one(t.alerts_dropped), "channel"
    )


def _accounts(t: Telemetry) -> Iterator[Metric]:
    states = [
        ((name, state), float(figures.state == state))
        for name, figures in t.accounts.items()
        for state in TRADING_STATES
    ]
    yield gauge("trading_state", "1 for the account's trading state, else 0.", states, "account", "state")
    valued = {name: figures for name, figures in t.accounts.items() if figures.equity is not None}
    for name, text in (
        ("equity", "Cash and positions at mark."),
        ("cash", "Cash."),
        ("realised_pnl", "Profit of closed quantity, before fees."),
        ("unrealised_pnl", "Profit of open positions at mark."),
        ("fees_paid", "Fees paid; negative when received."),
    ):
        field = "fees" if name == "fees_paid" else name
        samples = [((a, f.currency), float(getattr(f, field))) for a, f in valued.items()]
        yield gauge(name, f"{text} In `currency`.", samples, "account", "currency")
    drawdowns = [((account,), figures.drawdown) for account, figures in valued.items()]
    yield gauge("drawdown_ratio", "Equity below its running peak, fraction, 0 or less.", drawdowns, "account")
    yield gauge("position", "Signed quantity held.", t.positions.items(), "account", "strategy", "instrument")


def _safety(t: Telemetry) -> Iterator[Metric]:
    labels = ("account", "strategy")
    for kind, text in (
        ("daily_loss", "Lost since the account's day began, transfers left out; base currency."),
        ("peak_loss", "Below the highest profit and loss of a strategy; base currency."),
    ):
        values = [
            ((account, strategy), value)
            for (account, strategy, each), (value, _) in t.losses.items()
            if each == kind
        ]
        yield gauge(kind, text, values, *labels)
    limits = [(key, limit) for key, (_, limit) in t.losses.items() if limit is not None]
    yield gauge("loss_limit", "A loss beyond this trips; as in force.", limits, *labels, "kind")
    yield gauge(
        "differences_open", "Disagreements that wait for an answer.", one(t.differences_open), "account"
    )
    yield gauge("approvals_pending", "What waits for a second command.", t.approvals_pending)
    yield gauge("kill_file", "1 while the kill-switch file is there.", float(t.is_kill_file_there))


def one(values: Mapping[str, float]) -> list[Sample]:
    """Samples with a single label."""
    return [((key,), value) for key, value in values.items()]


def gauge(name: str, text: str, values: float | Iterable[Sample], *labels: str) -> Metric:
    return _filled(GaugeMetricFamily, name, text, values, labels)


def counter(name: str, text: str, values: float | Iterable[Sample], *labels: str) -> Metric:
    return _filled(CounterMetricFamily, name, text, values, labels)


def _filled(
    family: Callable[..., GaugeMetricFamily | CounterMetricFamily],
    name: str,
    text: str,
    values: float | Iterable[Sample],
    labels: tuple[str, ...],
) -> Metric:
    if isinstance(values, int | float):
        return family(f"tickerd_{name}", text, value=values)
    metric = family(f"tickerd_{name}", text, labels=labels)
    for labelled, value in values:
        metric.add_metric(list(labelled), value)
    return metric


def histogram(name: str, text: str, values: Histogram) -> Metric:
    return HistogramMetricFamily(f"tickerd_{name}", text, buckets=values.cumulative(), sum_value=values.total)
