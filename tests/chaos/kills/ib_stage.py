"""A TWS of ours, a line to it and a configuration for lives that trade there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.chaos.kills.line import SlowLine
from tests.chaos.kills.stage import HARD, TRADER, Stage
from tests.e2e.ib.process import a_tws_process
from tests.e2e.ib.rig import ACCOUNT, TRADERS

SYMBOLS = ("AAPL", "MSFT")
CONFIG = """
[venues.ib]
kind = "ib"
[venues.ib.tws]
port = {port}
pause_seconds = 0.05
pause_cap_seconds = 0.3
connect_seconds = 2.0
answer_seconds = 2.0
[accounts.{account}]
venue = "ib"
mode = "testnet"
account_id = "{account}"
base_currency = "USD"
answer_seconds = 2.0
reconcile_minutes = 0.05
limits = {{ order_rate_max = "none", gross_exposure_max = 1_000_000_000 }}
[strategies.hard]
use = "{trader}:HardTrader"
account = "{account}"
instruments = ["AAPL@ib"]
parameters = {{ every = 3, notional = 3_000 }}
[strategies.brackets]
use = "{traders}:Brackets"
account = "{account}"
instruments = ["MSFT@ib"]
"""


def has_library() -> bool:
    """Whether either of the two clients is installed."""
    return any(find_spec(name) is not None for name in ("ib_insync", "ib_async"))


@contextmanager
def an_ib_stage(folder: Path, seed: int) -> Iterator[Stage]:
    """TWS up, line up, configuration written."""
    folder.mkdir(parents=True, exist_ok=True)
    market = ("--symbols", ",".join(SYMBOLS), "--seed", str(seed), "--rate", "30")
    with a_tws_process(folder, *market) as tws:
        line = SlowLine(tws.port)
        try:
            config = folder / "tickerd.toml"
            config.write_text(CONFIG.format(port=line.port, account=ACCOUNT, trader=TRADER, traders=TRADERS))
            yield Stage(tws, line, config, folder, HARD, account=ACCOUNT, venue="ib")
        finally:
            line.close()
