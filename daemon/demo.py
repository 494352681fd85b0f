"""`scripts/start`: a local exchange and the daemon that trades on it, two processes, for anyone to watch."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import msgspec

from actors.errors import TradingError
from actors.store.export import plain
from actors.store.layout import tape_folder
from daemon.cli.exit_codes import ExitCode, exit_code_of
from daemon.control_client import call
from daemon.startup import read_core

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
CREDENTIALS = {"TICKERD_DEMO_KEY": "demo-key", "TICKERD_DEMO_SECRET": "demo-secret"}
"""Of the account that the local exchange gives to anybody."""
CONFIG = Path(__file__).parent.parent / "configs" / "demo.toml"


class DemoFailed(TradingError):
    """One of the two processes did not do its part."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/start",
        description="Start a local exchange and trade on it with two strategies, over real sockets.",
        epilog="example: scripts/start --for 60",
    )
    parser.add_argument("--for", type=float, dest="seconds", metavar="SECONDS", help="stop after so long")
    parser.add_argument("--state", type=Path, default=Path("state/demo"), metavar="DIR", help="state folder")
    parser.add_argument("--seed", type=int, default=7, help="of the exchange's generated market")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout at the end")
    return parser.parse_args()


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _start(*arguments: str, log: Path, **pipes: Any) -> Process:
    """Our own command in a process of its own; its log goes to a file, Ctrl-C reaches only us."""
    with log.open("ab") as stderr:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "daemon", *arguments),
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, **CREDENTIALS},
            **pipes,
        )


def _held_before(state: Path) -> str:
    """What the account held when the session before ended: each exchange is a new one and knows nobody."""
    core = read_core(state) if tape_folder(state).is_dir() else None
    held = core.ledger.balances("demo") if core is not None else {}
    return ",".join(f"{asset}={plain(amount)}" for asset, amount in held.items())


async def _stop(process: Process, name: str) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        raise DemoFailed(f"the {name} did not stop within {STOP_SECONDS:.0f} s; see its log") from None


class Demo:
    """The two processes, their addresses, and what is shown of them."""

    def __init__(self, state: Path, seed: int, *, is_quiet: bool) -> None:
        self.state, self._seed = state.absolute(), seed
        self._http_port = _free_port()
        self._out = sys.stderr if is_quiet else sys.stdout
        self._width = 0
        self._stack = contextlib.AsyncExitStack()
        self.session = datetime.now(UTC).strftime("demo-%Y%m%d-%H%M%S")
        self._exchange: Process | None = None
        self._daemon: Process | None = None

    def say(self, text: str = "") -> None:
        """One line that stays."""
        self._clear()
        print(text, file=self._out, flush=True)

    def _clear(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=self._out)
            self._width = 0

    def _live(self, text: str) -> None:
        """The one line that is overwritten; a log gets it only now and then."""
        if not self._out.isatty():
            print(text, file=self._out, flush=True)
            return
        self._clear()
        print(text, end="", file=self._out, flush=True)
        self._width = len(text)

    async def start(self) -> None:
        """Bring both processes up; returns when the account may trade."""
        self.state.mkdir(parents=True, exist_ok=True)
        port = await self._start_exchange()
        rest = f"http://127.0.0.1:{port}"
        settings = {
            "venues.binance.rest_url": rest,
            "venues.binance.stream_url": rest.replace("http", "ws"),
            "venues.binance.trading_url": rest.replace("http", "ws") + "/ws-api/v3",
            "http.port": str(self._http_port),
            "daemon.session": self.session,
        }
        overrides = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        self._daemon = await _start(
            "run",
            *("--config", str(CONFIG), "--state", str(self.state), "--json"),
            *overrides,
            log=self.state / "daemon.log",
            stdout=PIPE,
        )
        await self._until_ready()
        self.say(f"exchange  {rest}  (Binance's protocol, generated market, process {self._exchange_pid()})")
        self.say(f"daemon    process {self._daemon.pid}, log {self.state / 'daemon.log'}")
        self.say(f"metrics   http://127.0.0.1:{self._http_port}/metrics")
        self.say(f"control   tickerd ctl status --state {self.state}")
        self.say()

    def _exchange_pid(self) -> int:
        return self._exchange.pid if self._exchange is not None else 0

    async def _start_exchange(self) -> int:
        held = _held_before(self.state)
        account = ("--account", f"demo:demo-key:demo-secret:{held}") if held else ()
        self._exchange = await _start(
            "exchange",
            *account,
            *("--synthetic", "--seed", str(self._seed), "--port", "0", "--admin-port", "0"),
            *("--truth", str(self.state / f"{self.session}.truth.jsonl")),
            log=self.state / "exchange.log",
            stdout=PIPE,
        )
        assert self._exchange.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await self._exchange.stdout.readline()
            return int(msgspec.json.decode(line)["port"])
        except (TimeoutError, msgspec.DecodeError, KeyError) as error:
            raise DemoFailed(f"the exchange did not come up; see {self.state / 'exchange.log'}") from error

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    self._check_alive()
                    with contextlib.suppress(OSError, TradingError):
                        status = await self.status()
                        if all(account["state"] == "active" for account in status["accounts"]):
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DemoFailed(f"the account is not active after {READY_SECONDS:.0f} s; see the log") from None

    def _check_alive(self) -> None:
        for process, name in ((self._exchange, "exchange"), (self._daemon, "daemon")):
            if process is not None and process.returncode is not None:
                log = self.state / f"{name}.log"
                raise DemoFailed(f"the {name} ended with exit code {process.returncode}; see {log}")

    async def status(self) -> dict[str, Any]:
        """What `tickerd ctl status` shows."""
        answer = await asyncio.to_thread(call, self.state, "status", {}, timeout_seconds=5.0)
        assert isinstance(answer, dict)
        return answer

    async def watch(self, seconds: float | None, stop: asyncio.Event) -> None:
        """Show one live line a second until time is up or `stop` is set."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds if seconds is not None else float("inf")
        while not stop.is_set() and loop.time() < until:
            self._check_alive()
            with contextlib.suppress(OSError, TradingError):
                self._live(status_line(await self.status()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, max(0.0, until - loop.time()))):
                    await stop.wait()
        self._clear()

    async def finish(self) -> dict[str, Any]:
        """Stop the daemon cleanly, take its summary, then stop the exchange."""
        daemon = self._daemon
        if daemon is None or daemon.stdout is None:
            raise DemoFailed("the daemon never started")
        self._check_alive()
        reading = asyncio.ensure_future(daemon.stdout.read())
        await _stop(daemon, "daemon")
        summary = await reading
        if daemon.returncode != 0:
            log = self.state / "daemon.log"
            raise DemoFailed(f"the daemon ended with exit code {daemon.returncode}; see {log}")
        decoded = msgspec.json.decode(summary)
        assert isinstance(decoded, dict)
        return decoded

    async def close(self) -> None:
        """Leave no process behind, whatever happened."""
        for process in (self._daemon, self._exchange):
            if process is not None and process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_SECONDS):
                        await process.wait()
                if process.returncode is None:
                    process.kill()


def status_line(status: dict[str, Any]) -> str:
    """Everything that matters on one line."""
    accounts = "  ".join(
        f"{account['account']} {account['state']}, equity {account['equity']:,.2f} {account['currency']}"
        for account in status["accounts"]
    )
    return (
        f"inputs {status['inputs']:,}  orders {status['orders']:,}  fills {status['fills']:,}  "
        f"open {status['open_orders']}  unknown {status['unknown_orders']}  {accounts}"
    )


async def _demo(arguments: argparse.Namespace) -> dict[str, Any]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    demo = Demo(arguments.state, arguments.seed, is_quiet=arguments.json)
    try:
        await demo.start()
        await demo.watch(arguments.seconds, stop)
        summary = await demo.finish()
        demo.say(_report(summary))
        return summary
    finally:
        await demo.close()


def _report(summary: dict[str, Any]) -> str:
    latency = summary["tick_to_order_us"]
    return (
        f"session {summary['session']}: {summary['inputs']:,} inputs, {summary['orders']:,} orders, "
        f"{summary['fills']:,} fills, P&L {summary['pnl']:.2f}, tick to order p50 {latency['p50']} µs, "
        f"p99 {latency['p99']} µs\n"
        f"replay it: tickerd replay {summary['session']} --state {summary['state']} --verify"
    )


def main() -> int:
    """Run the demonstration."""
    arguments = _arguments()
    try:
        summary = asyncio.run(_demo(arguments))
    except (TradingError, OSError) as error:
        print(f"scripts/start: {error}", file=sys.stderr)
        return int(exit_code_of(error) if isinstance(error, TradingError) else ExitCode.FAILED)
    if arguments.json:
        os.write(1, msgspec.json.encode(summary) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
