"""Years of real prices with their splits and dividends: held shares return what the adjusted closes say."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from actors.messages.clearing import PositionCharged
from tests.venues.simulated.clearing_rig import DAY, Rig

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "equity_daily" / "wiki"
SHARES = 1_000
D = Decimal


class Day(NamedTuple):
    date: str
    close: float
    dividend: Decimal
    ratio: Decimal
    adjusted_close: float


def days(path: Path) -> Iterator[Day]:
    with path.open() as file:
        rows = list(csv.reader(file))[1:]
    for row in sorted(rows):
        yield Day(row[0], float(row[4]), D(row[6]), D(row[7]), float(row[11]))


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("WIKI-AAPL-2012-quandl", 2),
        ("WIKI-IBM-2008-quandl", 4),
        ("WIKI-IBM-2011-quandl", 4),
        ("WIKI-ORCL-2000-quandl", 2),
    ],
)
def test_a_year_returns_what_its_adjusted_closes_do(name: str, actions: int) -> None:
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: it belongs to the shared data beside the repository")
    rig = Rig(account_type="cash", fee_currency="USD", opening_balances={"USD": D(1_000_000)})
    before: Day | None = None
    seen = 0
    for day in days(path):
        rig.now += DAY
        if before is None:
            rig.quote(day.close)
            rig.order("buy", str(SHARES))
            before = day
            continue
        equity, paid = rig.equity(), D(0)
        invested = equity - float(rig.cash())
        if day.dividend or day.ratio != 1:
            seen += 1
            sent = rig.act(shares_after=day.ratio, dividend=day.dividend)
            paid = sum((m.amount for m in sent if isinstance(m, PositionCharged)), D(0))
            assert rig.equity() == pytest.approx(equity, abs=0.01)
        rig.quote(day.close)
        gained = (rig.equity() - equity) / invested
        assert gained == pytest.approx(day.adjusted_close / before.adjusted_close - 1.0, abs=2e-6), day
        assert float(paid) == pytest.approx(float(rig.held() / day.ratio * day.dividend))
        before = day
    assert seen == actions
    assert not any(rig.ledger.trial_balance("main").values())
    assert rig.cash() == rig.at_venue()
