"""`tickerd run`: recovery, the core, its edges, and a graceful end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.metadata import version
from time import monotonic_ns
from typing import Any

import structlog

from actors.core.market import MarketBoard
from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.control import StrategyFailed
from actors.store.layout import tape_folder
from actors.store.recovery import load
from actors.store.writer import StoreWriter
from daemon.alerts import Alerts
from daemon.calendars import ending_soon, live_calendars, with_calendars
from daemon.clock import Clock
from daemon.config import Config
from daemon.control import ControlServer
from daemon.definitions import known_instruments
from daemon.disk import wait_for_disk
from daemon.edges import (
    Lines,
    bars_known,
    check_secrets,
    live_sources,
    make_brokers,
    make_feed,
    subscriptions,
)
from daemon.graph import is_paper
from daemon.heartbeat import Heartbeat
from daemon.housekeeping import Housekeeping
from daemon.http.server import HttpServer
from daemon.kill_watch import KillWatch
from daemon.notify import Notifier, watchdog_seconds
from daemon.off_loop import OffLoop
from daemon.operator_port import OperatorPort
from daemon.runtime import Runtime, accounts_with_power_loss
from daemon.start_times import StartTimes
from daemon.startup import Opened, load_classes, open_core, state_path, wait_for_clock
from daemon.state_backup import StateBackup
from daemon.supervisor import EdgeActor, supervise
from daemon.telemetry import FeedData, Telemetry, summary
from daemon.telemetry_steps import StepTelemetry

log = structlog.get_logger(__name__)

START_PATIENCE_SECONDS = 30.0
"""How long systemd is asked to go on waiting, each time a start finds that it cannot go on yet."""


class FeedIntake:
    """Remembers when a venue last said anything."""

    __slots__ = ("_offer", "last_ns")

    def __init__(self, runtime: Runtime) -> None:
        self._offer = runtime.offer
        self.last_ns = 0

    def offer(self, message: Message) -> None:
        """Hand over one message."""
        self.last_ns = monotonic_ns()
        self._offer(message)


class _StoreEdge:
    """The store's writer as an edge actor that drains."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer

    async def run(self) -> None:
        """Store until closed."""
        await self._writer.run()

    async def close(self) -> None:
        """Store what is durable and end."""
        self._writer.close()


def _log_failure(failed: StrategyFailed, text: str) -> None:
    log.error(
        "strategy failed and is paused", strategy=failed.strategy, handler=failed.handler, traceback=text
    )


class Service:
    """One life of the daemon."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config, self._environ = config, environ
        self._clock = Clock()
        self._lines = Lines(self._clock.now)
        self._notifier = Notifier(environ)
        self._times = StartTimes()
        self.kill_watch = KillWatch(state_path(config), now_ns=self._clock.now)
        self.stop = asyncio.Event()
        """Set it to end gracefully."""
        self.is_trading = False
        """Whether the core has begun: from then on an end needs winding down."""

    async def run(self) -> dict[str, Any]:
        """Trade until `stop` is set or nothing may be sent any more.

        Returns:
            The session's summary.
        Raises:
            TradingError: The core or the tape failed; a restart recovers.
        """
        config = self._config
        times = self._times
        times.done("process")
        if not config.accounts or not config.strategies:
            raise ConfigError(
                "there is nothing to run: add an [accounts.NAME] and a [strategies.NAME], or write both "
                "with `tickerd init`"
            )
        check_secrets(config, self._environ)
        classes = load_classes(config)
        needed = config.tape.segment_mb * 1024 * 1024
        await wait_for_disk(tape_folder(state_path(config)), needed, on_wait=self._still_starting)
        recovered = load(state_path(config), on_step=times.done)
        with recovered.lock:
            for note in recovered.notes:
                log.warning("recovery", note=note)
            wait_for_clock(recovered, self._clock.now)
            instruments = await known_instruments(config, recovered.head, self._lines, self._clock.now)
            instruments = with_calendars(config, instruments)
            names = [each.calendar for each in instruments.values()]
            calendars = live_calendars(config, names, self._clock.now())
            for note in ending_soon(calendars, self._clock.now()):
                log.warning("calendar", note=note)
            times.done("instruments")
            opened = open_core(
                recovered,
                config,
                instruments=instruments,
                classes=classes,
                sources=live_sources(config),
                now=max(self._clock.now(), recovered.last_ts),
                on_failure=_log_failure,
                times=times,
                calendars=calendars,
            )
            try:
                return await self._trade(opened)
            finally:
                opened.tape.close()

    def _still_starting(self, why: str) -> None:
        self._notifier.status(why)
        self._notifier.extend_start(START_PATIENCE_SECONDS)

    async def _trade(self, opened: Opened) -> dict[str, Any]:
        config, core, clock = self._config, opened.core, self._clock
        telemetry = Telemetry(now_ns=clock.now, version=version("tickerd"), session=opened.head.session)
        alerts = Alerts(config.alerts, environ=self._environ, now_ns=clock.now, telemetry=telemetry)
        store = StoreWriter(
            state_path(config),
            durable_seq=lambda: opened.tape.durable_seq,
            now_ns=clock.now,
            checkpoint_inputs=config.store.checkpoint_inputs,
            checkpoint_seconds=config.store.checkpoint_seconds,
            on_fault=alerts.on_store_fault,
        )
        store.begin_at(core.sequencer.seq)
        off_loop: OffLoop
        runtime = Runtime(
            sequencer=core.sequencer,
            clock=clock,
            tape=opened.tape,
            observers=[StepTelemetry(telemetry).on_step, store.offer, self._times.on_step, alerts.on_step],
            telemetry=telemetry,
            power_loss_accounts=accounts_with_power_loss(durabilities(config)),
            run_off_loop=lambda request: off_loop.request(request),
            busy_poll=config.daemon.busy_poll,
        )
        off_loop = OffLoop(offer=runtime.offer, now=clock.now)
        runtime.brokers |= make_brokers(
            config,
            core.strategies.instruments,
            intake=runtime,
            lines=self._lines,
            clock=clock.now,
            environ=self._environ,
        )
        await self._check_account_ids(runtime)
        try:
            self._times.wait_for(config.accounts)
            is_known = core.risk.consent.is_kill_file_there
            runtime.begin((*opened.first_inputs, *self.kill_watch.begin(is_known=is_known)))
            self.kill_watch.go_on(runtime.offer)
            self._times.done("begin", inputs=len(opened.first_inputs))
            self.is_trading = True
            await self._run_edges(opened, runtime, store, telemetry, alerts)
        finally:
            off_loop.close()
            runtime.close()
            self._notifier.close()
        if runtime.failed.done():
            raise runtime.failed.result()
        return self._summary(opened, telemetry)

    async def _check_account_ids(self, runtime: Runtime) -> None:
        """Live orders go only to the account that the configuration names."""
        for name, section in self._config.accounts.items():
            if section.mode != "live":
                continue
            found = await runtime.brokers[name].account_id()
            if found != section.account_id:
                raise ConfigError(
                    f"account {name} is {found} at {section.venue}, not {section.account_id} as configured: "
                    "correct account_id, or use the other account's key"
                )

    async def _run_edges(
        self, opened: Opened, runtime: Runtime, store: StoreWriter, telemetry: Telemetry, alerts: Alerts
    ) -> None:
        config, core = self._config, opened.core
        housekeeping: Housekeeping
        port = OperatorPort(
            config=config,
            core=core,
            runtime=runtime,
            telemetry=telemetry,
            state=state_path(config),
            take_checkpoint=lambda: housekeeping.checkpoint(),
            begin_stop=self.stop.set,
            now_ns=self._clock.now,
            look_for_kill_file=self.kill_watch.look,
        )
        housekeeping = self._housekeeping(opened, runtime, store, telemetry, port)
        control = ControlServer(folder=state_path(config), port=port)
        await control.start()
        edges = [
            EdgeActor("control", control),
            *self._feeds(opened, runtime, telemetry),
            *(EdgeActor(f"broker:{name}", broker) for name, broker in runtime.brokers.items()),
            *self._http(telemetry, port),
            EdgeActor("tape", housekeeping),
            EdgeActor("store", _StoreEdge(store), drains=True),
            EdgeActor("heartbeat", Heartbeat(state_path(config), unhealthy=port.unhealthy)),
            EdgeActor("alerts", alerts, drains=True),
        ]
        edges_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                supervise(
                    edges,
                    stop=edges_stop,
                    drain_seconds=config.daemon.drain_seconds,
                    telemetry=telemetry,
                )
            )
            self._notifier.ready(port.headline())
            log.info(
                "running", session=opened.head.session, state=config.daemon.state, epoch=opened.head.epoch
            )
            await self._until_stopped(port, runtime)
            if runtime.failed.done():
                alerts.raise_alert("critical", "core_failed", "", str(runtime.failed.result()))
            edges_stop.set()

    def _housekeeping(
        self,
        opened: Opened,
        runtime: Runtime,
        store: StoreWriter,
        telemetry: Telemetry,
        port: OperatorPort,
    ) -> Housekeeping:
        return Housekeeping(
            state=state_path(self._config),
            sequencer=opened.core.sequencer,
            runtime=runtime,
            tape=opened.tape,
            head=opened.head,
            settings=self._config.tape,
            store=store,
            clock=self._clock,
            telemetry=telemetry,
            notifier=self._notifier,
            status=port.headline,
            state_backup=StateBackup(state_path(self._config), opened.core, now_ns=self._clock.now),
            watchdog_seconds=watchdog_seconds(self._environ),
            look_for_kill_file=self.kill_watch.look,
        )

    def _http(self, telemetry: Telemetry, port: OperatorPort) -> list[EdgeActor]:
        http = self._config.http
        if http.port < 0:
            return []
        server = HttpServer(host=http.host, port=http.port, telemetry=telemetry, health=port)
        server.listen()
        return [EdgeActor("http", server)]

    def _feeds(self, opened: Opened, runtime: Runtime, telemetry: Telemetry) -> list[EdgeActor]:
        config, host, sources = self._config, opened.core.strategies, live_sources(self._config)
        edges = []
        telemetry.refreshers.append(self._lines.refresh)
        for venue, wanted in subscriptions(config, host, sources).items():
            intake = FeedIntake(runtime)
            feed = make_feed(
                venue,
                config.venues[venue],
                wanted,
                intake=intake,
                lines=self._lines,
                clock=self._clock.now,
                bars_after=bars_known(host, sources, self._clock.now()),
            )
            telemetry.refreshers.append(_feed_refresher(venue, intake, opened.core.sequencer.market))
            edges.append(EdgeActor(f"feed:{venue}", feed))
        return edges

    async def _until_stopped(self, port: OperatorPort, runtime: Runtime) -> None:
        """Wait for the operator or a failure; then let the core say its last, and resting orders end."""
        stopping = asyncio.create_task(self.stop.wait())
        ends: list[asyncio.Future[Any]] = [stopping, runtime.failed]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if runtime.failed.done():
            return
        self._notifier.stopping()
        log.info("stopping")
        try:
            async with asyncio.timeout(self._config.daemon.drain_seconds):
                if not port.is_stopping:
                    await port.stop(by="signal", cancel_orders=None)
                while port.orders_to_settle() and not runtime.failed.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log.error("orders may still be open at the venue", orders=port.orders_to_settle())

    def _summary(self, opened: Opened, telemetry: Telemetry) -> dict[str, Any]:
        core = opened.core
        figures = [core.ledger.at_mark(name) for name in self._config.accounts]
        latency = summary(telemetry.tick_to_order)
        return {
            "session": opened.head.session,
            "state": str(state_path(self._config)),
            "inputs": telemetry.inputs,
            "orders": sum(telemetry.orders_sent.values()),
            "fills": sum(telemetry.fills.values()),
            "pnl": round(sum(f.realised_pnl + f.unrealised_pnl - f.fees for f in figures), 8),
            "tick_to_order_us": {
                key: round(value * 1e6, 1) if value is not None else None
                for key, value in latency.items()
                if key != "count"
            },
        }


def durabilities(config: Config) -> dict[str, str]:
    """Account → durability of its commands; paper accounts send nothing."""
    return {
        name: account.durability or ("power-loss" if account.mode == "live" else "process-crash")
        for name, account in config.accounts.items()
        if not is_paper(account)
    }


def _feed_refresher(venue: str, intake: FeedIntake, market: MarketBoard) -> Callable[[Telemetry], None]:
    def refresh(telemetry: Telemetry) -> None:
        statuses = [each for name, each in market.statuses.items() if name.endswith(f"@{venue}")]
        dark = [each for each in statuses if each.status != "live"]
        telemetry.feed_connected[venue] = bool(statuses) and not dark
        telemetry.feed_data[venue] = FeedData(
            len(statuses), len(statuses) - len(dark), dark[0].reason if dark else ""
        )
        if intake.last_ns:
            telemetry.feed_last_ns[venue] = telemetry.now_ns() - (monotonic_ns() - intake.last_ns)

    return refresh
