"""Real processes for end-to-end tests: an exchange, daemons that trade on it, and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from actors.errors import TradingError
from daemon.control_client import call
from daemon.exchange.truth import Truth, read_truth
from tests.conftest import REPO_ROOT
from tests.e2e.ports import free_port

ACCOUNTS = ("demo", "drill", "real")
"""At the exchange: one for each store that trades on it, because a store knows no other store's orders."""
KEYS = {f"{name.upper()}_{part}": f"{name}-{part.lower()}" for name in ACCOUNTS for part in ("KEY", "SECRET")}
OPENING = {"USDT": 100_000, "BTC": 1, "ETH": 10}
"""What each of them holds at first."""
WAIT_SECONDS = 30.0
ENDED = ("filled", "cancelled", "expired")
FOUND = TypeVar("FOUND")


def wait_for(look: Callable[[], FOUND | None], what: str, seconds: float = WAIT_SECONDS) -> FOUND:
    """The first answer that says anything; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s for {what}")


def environment(**more: str) -> dict[str, str]:
    """What processes under test see: no configuration of the machine's user, and the account's keys."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TICKERD__")}
    return {**kept, **KEYS, **more}


def tickerd(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end."""
    return subprocess.run(
        [sys.executable, "-m", "daemon", *arguments],
        cwd=REPO_ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
    )


def one_object(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What a verb with `--json` printed: one object and nothing else."""
    found = json.loads(done.stdout)
    assert isinstance(found, dict), done.stdout
    return found


@dataclass
class Exchange:
    """A running `tickerd exchange`."""

    process: subprocess.Popen[bytes]
    port: int
    admin_port: int
    truth_file: Path

    def settings(self) -> str:
        """The table that makes it the venue `binance`."""
        here = f"127.0.0.1:{self.port}"
        return (
            "[venues.binance]\n"
            f'rest_url = "http://{here}"\nstream_url = "ws://{here}"\n'
            f'trading_url = "ws://{here}/ws-api/v3"\n'
        )

    def truth(self) -> Truth:
        """What has happened so far, out of its own file."""
        return read_truth(self.truth_file)

    def open_orders(self, account: str = "demo") -> dict[str, str]:
        """Client order id → venue order id of what rests there."""
        orders = self.truth().account(account).orders.values()
        return {each.client_order_id: each.venue_order_id for each in orders if each.status not in ENDED}

    def fault(self, kind: str, **fields: Any) -> None:
        """Let something go wrong."""
        body = json.dumps({"kind": kind, **fields}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}/faults", data=body)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200


@contextmanager
def an_exchange(folder: Path, *market: str) -> Iterator[Exchange]:
    """A market from a seed, brisk, unless told otherwise."""
    options = ["--profile", "fast", *(market or ("--synthetic", "--seed", "7", "--rate", "100"))]
    held = ",".join(f"{asset}={amount}" for asset, amount in OPENING.items())
    for name in ACCOUNTS:
        options += ["--account", f"{name}:{name}-key:{name}-secret:{held}"]
    with an_exchange_of(folder, *options) as exchange:
        yield exchange


@contextmanager
def an_exchange_of(folder: Path, *options: str) -> Iterator[Exchange]:
    """`tickerd exchange` with these options."""
    truth = folder / "truth.jsonl"
    with (folder / "exchange.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "daemon", "exchange", "--truth", str(truth), *options],
            cwd=REPO_ROOT, env=environment(), stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "exchange.log").read_text()
        ready = json.loads(line)
        yield Exchange(process, ready["port"], ready["admin_port"], truth)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process and no pipe behind."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


class Daemon:
    """A running `tickerd run`."""

    def __init__(self, config: Path, state: Path, *overrides: str, **more: str) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state, self.http_port = state, free_port()
        self.log_file = state / f"daemon-{len(list(state.glob('daemon-*.log'))) + 1}.log"
        self.summary: dict[str, Any] = {}
        options = [part for each in (f"http.port={self.http_port}", *overrides) for part in ("--set", each)]
        command = ["run", str(config), "--state", str(state), "--json", *options]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "daemon", *command],
                cwd=REPO_ROOT,
                env=environment(**more),
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def log(self) -> str:
        """Everything it has logged."""
        return self.log_file.read_text()

    def ask(self, method: str, **params: Any) -> Any:
        """One call over the control socket."""
        return call(self.state, method, params, timeout_seconds=15.0)

    def status(self) -> dict[str, Any] | None:
        """`ctl status`; None while nobody answers."""
        assert self.process.poll() is None, f"the daemon ended: {self.log()}"
        try:
            found = self.ask("status")
        except (TradingError, OSError):
            return None
        assert isinstance(found, dict)
        return found

    def states(self) -> dict[str, str]:
        """Trading state of each account; empty while nobody answers."""
        status = self.status()
        return {row["account"]: row["state"] for row in status["accounts"]} if status else {}

    def wait_reconciled(self) -> None:
        """Until every account agrees with the venue, whether it may trade or not."""

        def is_reconciled() -> bool:
            states = self.states().values()
            return bool(states) and not {"starting", "reconciling"} & set(states)

        wait_for(is_reconciled, f"a reconciled account; log: {self.log_file}")

    def fills_by_strategy(self) -> Counter[str]:
        """How often each strategy was filled, over the store's whole life."""
        return Counter(row["strategy"] for row in self.ask("fills", limit=1000))

    def wait_fills(self, count: int, *strategies: str) -> None:
        """Until each of the strategies was filled so often more."""
        before = self.fills_by_strategy()

        def enough() -> bool:
            now = self.fills_by_strategy()
            return all(now[each] - before[each] >= count for each in strategies)

        wait_for(enough, f"{count} fills of {', '.join(strategies)}; log: {self.log_file}")

    def wait_end(self) -> int:
        """Its exit code; the summary is what it printed last."""
        code = self.process.wait(40)
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        self.process.stdout.close()
        self.summary = json.loads(text) if text else {}
        return code

    def stop(self) -> int:
        """Like systemd does."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end()

    def kill(self) -> None:
        """Without any warning."""
        self.process.kill()
        self.wait_end()

    def http(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@contextmanager
def a_daemon(config: Path, state: Path, *overrides: str, **more: str) -> Iterator[Daemon]:
    """Started; what still runs at the end is stopped."""
    daemon = Daemon(config, state, *overrides, **more)
    try:
        yield daemon
    finally:
        end(daemon.process)


SMA = """
[strategies.sma]
use = "actors.strategies.library.sma_cross:SmaCross"
account = "demo"
instruments = ["BTCUSDT@binance"]
bars = ["1s"]
sizing = { method = "fixed_notional", amount = 5_000 }
parameters = { fast = 1, slow = 2 }
"""
MAKER = """
[strategies.maker]
use = "actors.strategies.library.quote_maker:QuoteMaker"
account = "demo"
instruments = ["ETHUSDT@binance"]
parameters = { quantity = "0.05", inventory_max = "1", half_spread_ticks = 1, orders_per_10s = 200 }
"""
BTC_MAKER = MAKER.replace("ETHUSDT", "BTCUSDT").replace('"0.05"', '"0.001"').replace('"1"', '"0.1"')
DEEP = """
[strategies.deep]
use = "deep.py:Deep"
account = "demo"
instruments = ["BTCUSDT@binance"]
"""
DEEP_SOURCE = """
from decimal import Decimal

from actors import Quote, Strategy


class Deep(Strategy):
    # Rests one order where the market will not come.
    def on_quote(self, quote: Quote) -> None:
        if not self.ctx.open_orders(quote.instrument):
            price = self.ctx.round_price(quote.bid_price * 0.97, quote.instrument, "down")
            self.ctx.limit("buy", Decimal("0.001"), price, quote.instrument)
"""
ACCOUNT = """
[accounts.demo]
venue = "binance"
mode = "testnet"
base_currency = "USDT"
api_key = "DEMO_KEY"
api_secret = "DEMO_SECRET"
snapshot_seconds = 1
limits = { order_rate_max = 500 }
"""


def of_account(name: str, *tables: str) -> tuple[str, ...]:
    """The same tables for another account of the exchange."""
    return tuple(
        text.replace("accounts.demo", f"accounts.{name}")
        .replace('account = "demo"', f'account = "{name}"')
        .replace("DEMO_", f"{name.upper()}_")
        for text in tables
    )


def write_config(folder: Path, exchange: Exchange, *tables: str) -> Path:
    """A configuration for the exchange; three strategies on the demo account unless tables are given."""
    path = folder / "tickerd.toml"
    path.write_text(exchange.settings() + "".join(tables or (ACCOUNT, SMA, MAKER, DEEP)))
    (folder / "deep.py").write_text(DEEP_SOURCE)
    return path


def exported(state: Path) -> dict[str, Any]:
    """`tickerd db export --json`."""
    done = tickerd("db", "export", "--json", "--state", str(state))
    assert done.returncode == 0, done.stderr
    return one_object(done)


def replayed(state: Path, *arguments: str, **more: str) -> dict[str, Any]:
    """`tickerd replay --verify --json`; identical, or the test fails."""
    done = tickerd("replay", *arguments, "--state", str(state), "--verify", "--json", **more)
    found = one_object(done)
    assert (done.returncode, found.get("identical")) == (0, True), done.stdout + done.stderr
    del found["seconds"]  # all else is the same every time
    return found


def assert_books_equal_truth(
    books: Mapping[str, Any], truth: Truth, account: str = "demo", *, after_death: bool = False
) -> None:
    """Every order once, every fill once, balances to the last unit, debits equal to credits.

    Args:
        after_death: A process has died less than a minute ago: what it lost on the wire is none of the
            venue's orders and stays `unknown` until that is proven, which takes half a minute.
    """
    true = truth.account(account)
    taken = {each.client_order_id for each in true.orders.values()}
    sent = [
        row
        for row in books["orders"]
        if row["status"] not in ("denied", "rejected")
        and not (after_death and row["status"] == "unknown" and row["client_order_id"] not in taken)
    ]
    assert sorted(
        (row["client_order_id"], row["venue_order_id"], row["instrument"], row["side"], row["status"],
         Decimal(row["quantity"]), Decimal(row["filled"]))
        for row in sent
    ) == sorted(
        (each.client_order_id, each.venue_order_id, f"{each.symbol}@binance", each.side.lower(), each.status,
         each.quantity, each.filled)
        for each in true.orders.values()
    )  # fmt: skip
    assert sorted(
        (row["trade_id"], row["venue_order_id"], row["client_order_id"], row["instrument"],
         Decimal(row["quantity"]), Decimal(row["price"]), Decimal(row["fee"]), row["fee_currency"])
        for row in books["fills"]
    ) == sorted(
        (each.trade_id, each.venue_order_id, each.client_order_id, f"{each.symbol}@binance",
         each.quantity, each.price, each.fee, each.fee_currency)
        for each in true.trades
    )  # fmt: skip
    assert nonzero(books["accounts"][account]) == nonzero(true.balances)
    assert books["trial_balance"] == "0"


def nonzero(balances: Mapping[str, Any]) -> dict[str, Decimal]:
    """Amounts that are there."""
    return {asset: Decimal(amount) for asset, amount in balances.items() if Decimal(amount)}


def ctl(state: Path, *arguments: str) -> dict[str, Any]:
    """`tickerd ctl … --json` that must be accepted."""
    done = tickerd("ctl", *arguments, "--state", str(state), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return one_object(done)


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It ended with this code and one line on stderr that holds these words (after what it logged)."""
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == code, done.stdout + done.stderr
    assert len(said) == 1, done.stderr
    for word in words:
        assert word in said[0]
