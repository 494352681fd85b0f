"""zipline-reloaded: minute bars from its own files, fills at the next minute's close."""

# mypy: ignore-errors
import os
import tempfile
import warnings
from importlib.metadata import version
from typing import Any

from given import CASH, FEE, Given, Mean, given, measure, unfit

os.environ["ZIPLINE_ROOT"] = tempfile.mkdtemp(prefix="zipline-")
warnings.filterwarnings("ignore")
import pandas as pd  # noqa: E402
from zipline import run_algorithm  # noqa: E402
from zipline.api import order, set_commission, set_slippage, symbol  # noqa: E402
from zipline.data import bundles  # noqa: E402
from zipline.finance.commission import PerDollar  # noqa: E402
from zipline.finance.slippage import NoSlippage  # noqa: E402
from zipline.utils.calendar_utils import get_calendar  # noqa: E402

MINUTE_NS = 60_000_000_000


class Cross:
    """Long while the fast mean is above the slow one, else flat; one unit."""

    def __init__(self, names: list[str], lengths: tuple[int, int]) -> None:
        self.names, self.lengths, self.sent = names, lengths, 0

    def initialize(self, context: object) -> None:
        set_commission(PerDollar(FEE))
        set_slippage(NoSlippage())
        self.means = {symbol(name): tuple(map(Mean, self.lengths)) for name in self.names}
        self.is_long = dict.fromkeys(self.means, False)

    def handle_data(self, context: object, data: object) -> None:
        if not self.lengths[0]:
            return
        for asset, (fast, slow) in self.means.items():
            close = data.current(asset, "close")
            if close != close:  # before the first bar, behind the last
                continue
            fast.update(close)
            slow.update(close)
            if slow.value is None or (fast.value > slow.value) == self.is_long[asset]:
                continue
            self.is_long[asset] = fast.value > slow.value
            self.sent += 1
            order(asset, 1 if self.is_long[asset] else -1)


def frames(data: Given) -> dict[str, pd.DataFrame]:
    """By symbol; a minute is named by its beginning."""
    made = {}
    for name, columns in data.series.items():
        index = pd.to_datetime(pd.Index(columns["ts"]) - MINUTE_NS, utc=True)
        rest = {each: columns[each] for each in ("open", "high", "low", "close", "volume")}
        made[name.partition("@")[0]] = pd.DataFrame(rest, index=index)
    return made


def prepare(data: Given) -> tuple[Cross, dict]:
    """Write the bars into files of its own."""
    series, calendar = frames(data), get_calendar("24/7")
    some = next(iter(series.values())).index
    start, end = (each.tz_localize(None).normalize() for each in (some[0], some[-1]))
    sessions = calendar.sessions_in_range(start, end)

    def ingest(environ: object, assets: Any, minutes: Any, days: Any, adjustments: Any, *_: object) -> None:
        assets.write(
            equities=pd.DataFrame({
                "symbol": list(series), "asset_name": list(series), "exchange": "P",
                "start_date": start, "end_date": end, "first_traded": start,
                "auto_close_date": end + pd.Timedelta(days=1),
            }),
            exchanges=pd.DataFrame({"exchange": ["P"], "canonical_name": ["P"], "country_code": ["US"]}),
        )  # fmt: skip
        minutes.write(iter(enumerate(series.values())))
        rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
        daily = (frame.tz_localize(None).resample("1D").agg(rules) for frame in series.values())
        days.write(iter(enumerate(daily)))
        adjustments.write()

    bundles.register(
        "peer", ingest, calendar_name="24/7", start_session=start, end_session=end, minutes_per_day=1440
    )
    bundles.ingest("peer", show_progress=False)
    strategy = Cross(list(series), (data.fast, data.slow))
    return strategy, {
        "start": start, "end": end, "initialize": strategy.initialize, "handle_data": strategy.handle_data,
        "capital_base": CASH, "data_frequency": "minute", "bundle": "peer", "trading_calendar": calendar,
        "benchmark_returns": pd.Series(0.0, index=sessions.tz_localize("UTC")),
    }  # fmt: skip


def run(prepared: tuple[Cross, dict]) -> Cross:
    """All minutes."""
    strategy, arguments = prepared
    run_algorithm(**arguments)
    return strategy


if __name__ == "__main__":
    DATA = given()
    if DATA.kind == "quotes":
        unfit("minute bars, not quotes")
    measure(DATA, version("zipline-reloaded"), lambda: prepare(DATA), run, lambda strategy: strategy.sent)
