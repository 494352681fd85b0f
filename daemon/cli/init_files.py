"""What `tickerd init` writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

CONFIG = """\
# tickerd: paper trading on Binance's live market data. Nothing here sends a real order.
#
#   tickerd check      what is in force, and where each value comes from
#   tickerd run        trade; Ctrl-C stops cleanly
#   tickerd ctl status from another terminal
#
# Any value can be overridden: --set http.port=0, or TICKERD__HTTP__PORT=0 in the environment.

[daemon]
# Folder of tape, database, lock and control socket, from where tickerd is started.
state = "state"
# What happens to resting orders at a clean stop: "cancel" or "keep".
on_stop = "cancel"

[http]
# /metrics, /healthz, /readyz. 0 takes any free port, -1 switches HTTP off.
port = 9464

[venues.binance]
kind = "binance"
# Testnet: https://testnet.binance.vision, wss://stream.testnet.binance.vision,
# wss://ws-api.testnet.binance.vision/ws-api/v3
rest_url = "https://api.binance.com"
stream_url = "wss://stream.binance.com:9443"
trading_url = "wss://ws-api.binance.com:443/ws-api/v3"

[accounts.paper]
venue = "binance"
# "paper": orders are matched here against live data. "testnet" and "live" send them to the venue; they need
# api_key and api_secret, the *names* of secrets in the environment (or NAME_FILE, or a systemd credential),
# and live also account_id, the venue's own id of the account.
mode = "paper"
base_currency = "USDT"

[accounts.paper.limits]
# Exactly the limit is allowed; "off" switches one off.
order_notional_max = 2_000
price_collar = 0.05
gross_exposure_max = 5_000
order_rate_max = 50

[accounts.paper.simulated]
maker_fee = 0.001
taker_fee = 0.001
latency_ms = 20
opening_balances = { USDT = 10_000 }

[strategies.my_cross]
use = "strategies/my_cross.py:MyCross"
account = "paper"
instruments = ["BTCUSDT@binance"]
bars = ["1m"]
# What a signal of full strength buys: "fixed_quantity", "fixed_notional" (quote currency) or "target_weight".
sizing = { method = "fixed_notional", amount = 1_000 }

[strategies.my_cross.parameters]
fast = 10
slow = 30
"""

STRATEGY = '''\
"""Long while the fast average of closes is above the slow one, else flat."""

from actors import SMA, Bar, Strategy


class MyCross(Strategy):
    fast: int = 10
    slow: int = 30

    def on_setup(self) -> None:
        self.fast_average = self.ctx.indicator(SMA(self.fast))
        self.slow_average = self.ctx.indicator(SMA(self.slow))

    def on_bar(self, bar: Bar) -> None:
        if self.fast_average.value > self.slow_average.value:
            self.ctx.long()
        else:
            self.ctx.flat()
'''

BACKTEST = """\
# The same strategy over historical data:  tickerd backtest backtest.toml
# data/sample.csv is made up; put a file of your own beside it and name it here.

[venues.binance]

[instruments."BTCUSDT@binance"]
base = "BTC"
quote = "USDT"
tick_size = 0.01
lot_size = 0.00001
notional_min = 5

[accounts.test]
venue = "binance"
mode = "paper"
base_currency = "USDT"

[accounts.test.simulated]
maker_fee = 0.001
taker_fee = 0.001
opening_balances = { USDT = 10_000 }

[accounts.test.limits]
price_age_max_seconds = 120

[strategies.my_cross]
use = "strategies/my_cross.py:MyCross"
account = "test"
instruments = ["BTCUSDT@binance"]
bars = ["5m"]
sizing = { method = "target_weight", amount = 0.5 }

[[backtest.data]]
path = "data/sample.csv"
instrument = "BTCUSDT@binance"
"""


def sample_bars(count: int = 2_000) -> str:
    """One-minute bars of a seeded random walk, as CSV."""
    random, price = Random(7), 60_000.0
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    lines = ["timestamp,open,high,low,close,volume"]
    for minute in range(count):
        close = round(price * (1 + random.gauss(0, 0.001)), 2)
        high = round(max(price, close) + random.random() * 10, 2)
        low = round(min(price, close) - random.random() * 10, 2)
        time = (begin + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S")
        lines.append(f"{time},{price},{high},{low},{close},{random.randint(1, 500) / 100}")
        price = close
    return "\n".join(lines) + "\n"


FILES = {
    "tickerd.toml": CONFIG,
    "strategies/my_cross.py": STRATEGY,
    "backtest.toml": BACKTEST,
    "data/sample.csv": sample_bars(),
}
