"""Twelve hand-made bars with everything that goes wrong: every fill, fee and the equity worked by hand.

Half-hours of New York over the weekend on which its clocks go forward, hours 09:30 to 16:00. Takers pay one
tick of 0.01, our orders get at most half of a bar's volume, and an order costs 0.005 a share, at least 1.00
and at most 1 % of its value.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from actors import Bar, State, Strategy
from actors.core.actor import CoreActor
from actors.messages.account import TradeClosed
from actors.messages.orders import ApprovedOrder, OrderExpired, OrderFilled
from daemon.config_sources import load_config
from daemon.research.backtest import run_backtest
from daemon.research.runs import Run
from daemon.startup import load_classes

D = Decimal
HEADER = "timestamp,open,high,low,close,volume\n"
ROWS = [
    "2025-03-07T14:30:00,100,101,99,100,1000",
    "2025-03-07T15:00:00,100.5,102,100,101,1000",
    "2025-03-07T15:30:00,101,105,97.5,100,1000",  # stop and limit inside one bar, the low is nearer
    "2025-03-07T16:00:00,99,99,98,98,0",  # nothing trades
    # 16:30 is missing
    "2025-03-07T17:00:00,98.5,99.5,98,99,40",  # half of it is 20
    "2025-03-07T17:30:00,99.2,99.6,98.8,99.4,1000",
    "2025-03-10T13:00:00,90,90,90,90,1000",  # 09:00, before the open
    "2025-03-10T13:30:00,95,96,94,95.5,1000",  # 09:30 by the new clock, a gap through the stop at 97
    "2025-03-10T14:00:00,96,98,95.5,97,1000",
    "2025-03-10T14:30:00,97.3,97.5,97,97.2,1000",
    "2025-03-10T15:00:00,97,98,96,97,1000",
    "2025-03-10T15:30:00,96.5,97,96,96.8,1000",
]
CONFIG = """
[venues.files]
kind = "simulated"

[venues.files.simulated]
bars = { volume_share = 0.5 }
slippage = { ticks = 1 }
hours = { opens = "09:30", closes = "16:00", zone = "America/New_York" }

[accounts.paper]
venue = "files"
mode = "paper"
base_currency = "USD"
limits = { price_age_max_seconds = "off", price_collar = "off" }

[accounts.paper.simulated]
opening_balances = { USD = 10000 }

[[accounts.paper.simulated.charges]]
name = "commission"
base = "quantity"
rate = "0.005"
per = "order"
least = 1
most_share = "0.01"
step = "0.01"

[strategies.script]
use = "tests.research.test_twelve_bars:Script"
account = "paper"
instruments = ["ACME@files"]
bars = ["30m"]

[instruments."ACME@files"]
kind = "equity"
base = "ACME"
quote = "USD"
tick_size = "0.01"
lot_size = 1

[[backtest.data]]
path = "bars.csv"
instrument = "ACME@files"
interval = "30m"
"""


class Count(State):
    bars: int = 0


class Script(Strategy):
    """One decision after each bar that is named here."""

    state: Count

    def on_bar(self, bar: Bar) -> None:
        self.state.bars += 1
        trade = self.ctx
        match self.state.bars:
            case 1:
                trade.market("buy", D(40))
            case 2:
                trade.stop("sell", D(20), D(98))
                trade.limit("sell", D(20), D(104))
            case 3:
                trade.limit("buy", D(30), D(99))
            case 6:
                trade.stop("sell", trade.position(), D(97))
                trade.limit("buy", D(5), D(80), time_in_force="day")
            case 8:
                trade.stop_limit("buy", D(10), D(97), D("97.5"))
            case 9:
                trade.market("sell", trade.position())
            case 11:
                trade.market("buy", D(10))


class Witness(CoreActor):
    """Listens to what was decided and what came of it."""

    name = "witness"

    def __init__(self) -> None:
        self.decisions: list[tuple[str, str, Decimal]] = []
        self.fills: list[str] = []
        self.fees: list[Decimal] = []
        self.expired: list[tuple[str, str]] = []
        self.trades: list[Decimal] = []

    def on_approved(self, approved: ApprovedOrder) -> None:
        terms = approved.terms
        self.decisions.append((terms.side, terms.order_type, terms.quantity))

    def on_filled(self, fill: OrderFilled) -> None:
        quantity, price = f"{fill.quantity:f}", f"{fill.price.normalize():f}"
        self.fills.append(f"{fill.side} {quantity}@{price} {fill.liquidity}")
        self.fees.append(fill.fee)

    def on_expired(self, expired: OrderExpired) -> None:
        self.expired.append((expired.reason, f"{expired.filled_quantity}"))

    def on_trade_closed(self, trade: TradeClosed) -> None:
        self.trades.append(trade.realised_pnl)


def run(folder: Path, rows: list[str]) -> tuple[Run, Witness]:
    (folder / "bars.csv").write_text(HEADER + "\n".join(rows) + "\n")
    (folder / "bot.toml").write_text(CONFIG)
    config = load_config(folder / "bot.toml", environ={}).config
    witness = Witness()
    return run_backtest(config, load_classes(config), listeners=[witness]), witness


def test_every_fill_fee_and_the_equity_are_those_worked_by_hand(tmp_path: Path) -> None:
    result, seen = run(tmp_path, ROWS)
    assert seen.fills == [
        "buy 40@100.51 taker",  # bar 2: the open and a tick
        "sell 20@97.99 taker",  # bar 3: 101 − 97.5 < 105 − 101, so the stop at 98 comes before
        "sell 20@104 maker",  # the limit at 104
        "buy 20@98.51 taker",  # bar 5: the zero volume of bar 4 fills nothing; the open, half of 40
        "buy 10@99 maker",  # bar 6: the rest at its limit
        "sell 30@94.99 taker",  # bar 8: not before the open at 90; the gap through 97 gets the open
        "buy 10@97.01 taker",  # bar 9: the stop at 97 and a tick, within the limit of 97.5
        "sell 10@97.29 taker",  # bar 10
        "buy 10@96.51 taker",  # bar 12
    ]
    # 40 × 0.005 = 0.20 and so on are all below the least of 1.00; the order of 30 filled twice and paid once
    assert seen.fees == [D(fee) for fee in ("1", "1", "1", "1", "0", "1", "1", "1", "1")]
    # on Friday at 16:00 New York, long before the bar of Monday that shows it
    assert seen.expired == [("DAY", "0")]
    # 10000 − 4020.40 − 1        = 5978.60   bar 2
    #       + 1959.80 − 1 + 2080 − 1 = 10016.40   bar 3
    #       − 1970.20 − 1        = 8045.20   bar 5
    #       −  990.00            = 7055.20   bar 6
    #       + 2849.70 − 1        = 9903.90   bar 8
    #       −  970.10 − 1        = 8932.80   bar 9
    #       +  972.90 − 1        = 9904.70   bar 10
    #       −  965.10 − 1        = 8938.60   bar 12
    account = result.info.accounts["paper"]
    assert account.balances == {"USD": D("8938.60"), "ACME": D(10)}
    assert account.equity_end == pytest.approx(9906.60, abs=1e-9)  # and 10 × 96.80
    assert account.trial_balance == 0
    # 20 × (97.99 − 100.51) + 20 × (104 − 100.51) = −50.40 + 69.80; 30 × 94.99 − 20 × 98.51 − 10 × 99;
    # 10 × (97.29 − 97.01)
    assert seen.trades == [D("19.40"), D("-110.50"), D("2.80")]


@pytest.mark.slow
def test_file_cut_anywhere_gives_the_first_of_the_same_decisions_and_fills(tmp_path: Path) -> None:
    _, whole = run(tmp_path, ROWS)
    assert len(whole.decisions) == 9
    for k in range(1, len(ROWS) + 1):
        _, part = run(tmp_path, ROWS[:k])
        assert part.decisions == whole.decisions[: len(part.decisions)], f"cut after bar {k}"
        assert part.fills == whole.fills[: len(part.fills)], f"cut after bar {k}"
        # what was decided on the bars that are there is decided
        assert len(part.decisions) == sum(n <= k for n in (1, 2, 2, 3, 6, 6, 8, 9, 11))
