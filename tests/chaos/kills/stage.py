"""Exchange, line and configuration of a session, and the lives that are led on them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.chaos.kills.availability import NOTICE_NS, Disturbance
from tests.chaos.kills.life import Ended, Life
from tests.chaos.kills.line import SlowLine
from tests.e2e.rig import Exchange, an_exchange

ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "LTC", "LINK")
SYMBOLS = tuple(f"{asset}USDT" for asset in ASSETS)
ACCOUNT = "hard"
SECRETS = {"HARD_KEY": "hard-key", "HARD_SECRET": "hard-secret"}
TRADER = Path(__file__).parents[2] / "e2e" / "faults" / "hard_trader.py"
SETTLE_SECONDS = 200.0
"""Proving that the exchange never got an order takes two answers half a minute apart."""
QUICK_SECONDS = 0.001
"""Latency of the line while nothing is to be found out about it."""
DAEMON = ("-m", "daemon")


class Market(NamedTuple):
    """How lively it is, and how lively we are in it."""

    quotes_a_second: int = 160
    quotes_a_wish: int = 1
    """Quotes until the strategy does something."""
    is_set_anew: bool = True
    """Each life has a checkpoint interval of its own; a replay builds its core anew where settings change."""


HARD = Market()
LIVELY = Market(quotes_a_second=4_000, quotes_a_wish=400, is_set_anew=False)
"""Mostly market data, as most sessions are."""


@dataclass
class Stage:
    """What all lives of a session share."""

    exchange: Exchange
    line: SlowLine
    config: Path
    folder: Path
    market: Market
    account: str = field(default=ACCOUNT, kw_only=True)
    venue: str = field(default="binance", kw_only=True)
    disturbances: list[Disturbance] = field(default_factory=list)
    """What was done to it so far, on the wall clock."""
    _killed_at: int | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def life(self, number: int, *settings: str, program: tuple[str, ...] = DAEMON, **more: str) -> Life:
        """Start the daemon once more."""
        log = self.folder / f"life-{number:04d}.log"
        now = time.time_ns()
        if self._killed_at is not None:
            self.disturbances.append(Disturbance("kill", self._killed_at, now))
            self._killed_at = None
        return Life(program, self.config, self.state, log, *settings, **SECRETS, **more)

    def kill(self, life: Life) -> None:
        """End it, and note when."""
        now = time.time_ns()
        if not life.has_ended:
            self._killed_at = now
        life.kill()

    def cut(self) -> None:
        """Break the line."""
        now = time.time_ns()
        self.line.cut()
        self.disturbances.append(Disturbance("cut", now, now, NOTICE_NS))

    def clear_faults(self) -> dict[str, int]:
        """Take back what has not happened; how often each kind has happened so far."""
        url = f"http://127.0.0.1:{self.exchange.admin_port}"
        request = urllib.request.Request(f"{url}/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass
        with urllib.request.urlopen(f"{url}/faults", timeout=10) as answer:
            happened: dict[str, int] = json.load(answer)["happened"]
        return happened


@contextmanager
def a_stage(folder: Path, seed: int, market: Market = HARD) -> Iterator[Stage]:
    """Exchange up, line up, configuration written."""
    folder.mkdir(parents=True, exist_ok=True)
    held = ",".join(["USDT=1000000", *(f"{asset}=1000" for asset in ASSETS)])
    options = ["--synthetic", "--seed", str(seed), "--rate", str(market.quotes_a_second)]
    options += ["--symbols", ",".join(SYMBOLS)]
    options += ["--account", f"{ACCOUNT}:{SECRETS['HARD_KEY']}:{SECRETS['HARD_SECRET']}:{held}"]
    with an_exchange(folder, *options) as exchange:
        line = SlowLine(exchange.port)
        try:
            yield Stage(exchange, line, _write_config(folder, line.port, market), folder, market)
        finally:
            line.close()


def _write_config(folder: Path, port: int, market: Market) -> Path:
    instruments = ", ".join(f'"{symbol}@binance"' for symbol in SYMBOLS)
    path = folder / "tickerd.toml"
    path.write_text(
        f"""
[venues.binance]
rest_url = "http://127.0.0.1:{port}"
stream_url = "ws://127.0.0.1:{port}"
trading_url = "ws://127.0.0.1:{port}/ws-api/v3"
silence_seconds = 2.0

[accounts.{ACCOUNT}]
venue = "binance"
mode = "testnet"
base_currency = "USDT"
api_key = "HARD_KEY"
api_secret = "HARD_SECRET"
answer_seconds = 1.0
limits = {{ order_rate_max = "none", gross_exposure_max = 1_000_000_000 }}

[strategies.hard]
use = "{TRADER}:HardTrader"
account = "{ACCOUNT}"
instruments = [{instruments}]
parameters = {{ every = {market.quotes_a_wish} }}

[tape]
segment_mb = 1
"""
    )
    return path


def settle(stage: Stage, number: int) -> int:
    """A last life that nobody disturbs: it settles what is open and stops cleanly.

    Returns:
        When it was told to stop, nanoseconds of the wall clock.
    Raises:
        Ended, TimeoutError: It does not come to that.
    """
    stage.line.latency_seconds = QUICK_SECONDS
    life = stage.life(number)
    try:
        life.wait_active()
        life.wait_settled(SETTLE_SECONDS)
        stopped = time.time_ns()
        code = life.stop()
    finally:
        life.kill()
    if code:
        raise Ended(f"the last life stopped with exit code {code}: {life.tail()}")
    return stopped
