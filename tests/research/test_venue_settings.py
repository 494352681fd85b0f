"""The simulated venue's settings as a configuration file writes them, down to the fill."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from actors.core.actor import CoreActor
from actors.errors import ConfigError
from actors.messages.orders import OrderFilled
from daemon.config import Config
from daemon.config_sources import load_config
from daemon.research.backtest import run_backtest
from daemon.research.hashes import hashes_of
from daemon.startup import load_classes

ROWS = """timestamp,open,high,low,close,volume
2024-01-01T00:00:00,100,102,99,101,10
2024-01-01T00:01:00,102,104,101,103,10
2024-01-01T00:02:00,103,103,100,101,10
2024-01-01T00:03:00,99,100,97,98,10
"""
CONFIG = """
[venues.files]
kind = "simulated"
{venue}

[accounts.paper]
venue = "files"
mode = "paper"
base_currency = "USDT"
limits = {{ price_age_max_seconds = "off", price_collar = "off" }}

[accounts.paper.simulated]
opening_balances = {{ USDT = 10000 }}
{account}

[strategies.s]
use = "tests.research.strategies_for_tests:UpAndDown"
account = "paper"
instruments = ["BTCUSDT@files"]
bars = ["1m"]
sizing = {{ method = "fixed_quantity", amount = 2 }}

[instruments."BTCUSDT@files"]
base = "BTC"
quote = "USDT"

[[backtest.data]]
path = "bars.csv"
instrument = "BTCUSDT@files"
interval = "1m"
"""


class Fills(CoreActor):
    """Listens to fills."""

    name = "fills"

    def __init__(self) -> None:
        self.seen: list[tuple[str, Decimal, Decimal]] = []

    def on_filled(self, fill: OrderFilled) -> None:
        self.seen.append((fill.side, fill.price, fill.fee))


def configured(folder: Path, *, venue: str = "", account: str = "") -> Config:
    (folder / "bars.csv").write_text(ROWS)
    (folder / "bot.toml").write_text(CONFIG.format(venue=venue, account=account))
    return load_config(folder / "bot.toml", environ={}).config


def fills(folder: Path, **parts: str) -> list[tuple[str, Decimal, Decimal]]:
    config, seen = configured(folder, **parts), Fills()
    run_backtest(config, load_classes(config), listeners=[seen])
    return seen.seen


def test_schedule_by_name_and_a_charge_on_top(tmp_path: Path) -> None:
    account = """
fees = "ib-us-stocks-fixed"
charges = [{ name = "data", base = "order", rate = "0.25" }]
"""
    # 2 × 0.005 = 0.01, at least 1.00, at most 1 % of 204; 0.25 more; the sale of 198 owes SEC 0.0055 → 0.01
    assert fills(tmp_path, account=account) == [
        ("buy", Decimal(102), Decimal("1.25")),
        ("sell", Decimal(99), Decimal("1.26")),
    ]


@pytest.mark.parametrize(("cushion", "prices"), [("0.99", [102, 99]), ("0.999", [])])
def test_a_margin_account_answers_what_an_order_would_cost_and_a_backtest_keeps_to_it(
    tmp_path: Path, cushion: str, prices: list[int]
) -> None:
    margin = 'account_type = "margin"\nmargin = { currency = "USDT" }'
    configured(tmp_path, account=margin)
    limits = ["margin_check=true", f"margin_cushion_min={cushion}"]
    overrides = [f"accounts.paper.limits.{limit}" for limit in limits]
    config, seen = load_config(tmp_path / "bot.toml", overrides=overrides, environ={}).config, Fills()
    run = run_backtest(config, load_classes(config), listeners=[seen])
    # a quarter of 204 must be kept: 0.9949 of the equity is left
    assert [price for _, price, _ in seen.seen] == prices
    denied = [row["reason"] for row in run.frames.orders.to_dicts() if row["status"] == "denied"]
    assert all("MARGIN_CUSHION_BELOW_MIN: cushion=0.99" in reason for reason in denied)
    assert bool(denied) == (not prices)


def test_market_orders_at_the_close_that_decided_them(tmp_path: Path) -> None:
    venue = 'simulated = { bars = { market_orders = "same_close" }, slippage = { bps = 10 } }'
    account = "maker_fee = 0\ntaker_fee = 0"
    # 101 × 1.001 = 101.101 → 101.11; the third bar falls to 101: 101 × 0.999 = 100.899 → 100.89
    assert fills(tmp_path, venue=venue, account=account)[:2] == [
        ("buy", Decimal("101.11"), Decimal(0)),
        ("sell", Decimal("100.89"), Decimal(0)),
    ]


def test_slippage_function_lies_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def slip(taking):\n    return 0.5 * taking.quantity\n")
    venue = 'simulated = { slippage = { function = "mine.py:slip" } }'
    assert [price for _, price, _ in fills(tmp_path, venue=venue)] == [Decimal(103), Decimal(98)]


def test_a_slippage_function_that_raises_is_named_with_its_line_and_what_was_done_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.py").write_text(
        "def slip(taking):\n    return 0.5 if taking.side == 'buy' else rest(taking)\n"
        "def rest(taking):\n    return 1 / taking.spread\n"
    )
    config = configured(tmp_path, venue='simulated = { slippage = { function = "mine.py:slip" } }')
    run = run_backtest(config, load_classes(config))
    assert run.info.state == "failed"
    (failure,) = run.info.failures
    assert "mine.py:slip raised ZeroDivisionError: float division by zero at mine.py:4" in failure
    assert run.frames.fills["price"].to_list() == [Decimal("102.50")]


def test_another_slippage_function_makes_another_run(tmp_path: Path) -> None:
    codes = []
    for worse in (0.5, 0.5, 0.7):
        (tmp_path / "mine.py").write_text(f"def slip(taking):\n    return {worse} * taking.quantity\n")
        config = configured(tmp_path, venue='simulated = { slippage = { function = "mine.py:slip" } }')
        hashes = hashes_of(config, load_classes(config), None, None)
        codes.append((hashes.code, hashes.config))
    assert codes[0] == codes[1] != codes[2]
    assert codes[0][1] == codes[2][1]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def slop(taking):\n    return 0.0\n", "has no function slip"),
        ("import random\ndef slip(taking):\n    return random.random()\n", "random"),
    ],
)
def test_slippage_function_that_cannot_be_used_is_refused(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(ConfigError, match=message):
        fills(tmp_path, venue='simulated = { slippage = { function = "mine.py:slip" } }')


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"venue": "simulated = { bars = { volume_share = 25 } }"}, r"bot.toml:4: .*bars.volume_share: 25"),
        ({"venue": 'simulated = { bars = { path = "zigzag" } }'}, "is not one of adaptive, ohlc"),
        ({"venue": 'simulated = { hours = { opens = "09:30" } }'}, "go together"),
        ({"account": 'fees = "ib-us-stock-fixed"'}, "did you mean 'ib-us-stocks-fixed'"),
        ({"account": 'submit_delay = { model = "recorded" }'}, "go together"),
        ({"account": "charges = [{ name = 'a' }]"}, "'rate' is missing"),
    ],
)
def test_wrong_settings_name_their_place(tmp_path: Path, parts: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(tmp_path, **parts)
