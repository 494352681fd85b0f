"""freqtrade: signals over whole arrays beforehand, then one loop over rows; fills at the next open."""

# mypy: ignore-errors
import logging
import tempfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from given import CASH, FEE, NOTIONAL, Given, given, measure, unfit

logging.disable(logging.CRITICAL)
from freqtrade.configuration import TimeRange  # noqa: E402
from freqtrade.enums import CandleType, RunMode, TradingMode  # noqa: E402
from freqtrade.exchange.binance import Binance  # noqa: E402
from freqtrade.optimize.backtesting import Backtesting  # noqa: E402

MINUTE_NS = 60_000_000_000
STRATEGIES = Path(__file__).parent / "freqtrade_strategy"


class Offline(Binance):
    """Its exchange with the markets of this benchmark, none of which come from the network."""

    def __init__(self, config: dict, pairs: list[str]) -> None:
        self.pairs = pairs
        super().__init__(config, validate=False)
        self.reload_markets()

    def reload_markets(self, *_: object, **__: object) -> None:
        limits = {"amount": {"min": 1e-5, "max": None}, "cost": {"min": 1.0, "max": None},
                  "price": {"min": 0.01, "max": None}, "leverage": {"min": None, "max": None}}  # fmt: skip
        self._markets = {
            pair: {
                "id": pair.replace("/", ""), "symbol": pair, "base": pair.partition("/")[0], "quote": "USDT",
                "spot": True, "margin": False, "swap": False, "future": False, "active": True, "type": "spot",
                "linear": None, "inverse": None, "contract": False, "contractSize": None, "info": {},
                "precision": {"amount": 1e-5, "price": 0.01}, "limits": limits,
            }
            for pair in self.pairs
        }  # fmt: skip


def pair_of(name: str) -> str:
    """Its way of writing one."""
    return name.partition("@")[0].removesuffix("USDT") + "/USDT"


def prepare(data: Given) -> tuple[Backtesting, dict[str, pd.DataFrame]]:
    """Everything but the run itself."""
    pairs = [pair_of(name) for name in data.series]
    folder = Path(tempfile.mkdtemp(prefix="freqtrade-"))
    config = {
        "lengths": (data.fast, data.slow), "strategy": "Cross", "strategy_path": str(STRATEGIES),
        "recursive_strategy_search": False, "user_data_dir": folder, "datadir": folder,
        "exchange": {"name": "binance", "pair_whitelist": pairs, "pair_blacklist": [], "enable_ws": False},
        "pairlists": [{"method": "StaticPairList"}], "runmode": RunMode.BACKTEST, "timeframe": "1m",
        "stake_currency": "USDT", "stake_amount": NOTIONAL, "dry_run_wallet": CASH, "dry_run": True,
        "max_open_trades": len(pairs), "fee": FEE, "export": "none", "candle_type_def": CandleType.SPOT,
        "trading_mode": TradingMode.SPOT, "margin_mode": "", "unfilledtimeout": {"entry": 10, "exit": 10},
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "same", "use_order_book": False}, "original_config": {},
        "dataformat_ohlcv": "feather", "dataformat_trades": "feather", "tradable_balance_ratio": 1.0,
        "amend_last_stake_amount": False, "last_stake_amount_min_ratio": 0.5,
        "internals": {}, "timerange": None,
    }  # fmt: skip
    testing = Backtesting(config, Offline(config, pairs), progress_callback=lambda task: None)
    frames = {}
    for name, columns in data.series.items():
        dates = pd.to_datetime(pd.Index(columns["ts"]) - MINUTE_NS, utc=True)
        rest = {each: columns[each] for each in ("open", "high", "low", "close", "volume")}
        frames[pair_of(name)] = pd.DataFrame({"date": dates, **rest})
    return testing, frames


def run(prepared: tuple[Backtesting, dict[str, pd.DataFrame]]) -> Backtesting:
    """Signals and loop."""
    testing, frames = prepared
    testing.backtest_one_strategy(testing.strategylist[0], frames, TimeRange())
    return testing


def orders(testing: Backtesting) -> int:
    """A trade is an order in and an order out."""
    (found,) = testing.all_bt_content.values()
    return 2 * len(found["results"])


if __name__ == "__main__":
    DATA = given()
    if DATA.kind == "quotes":
        unfit("bars, not quotes")
    measure(DATA, version("freqtrade"), lambda: prepare(DATA), run, orders)
