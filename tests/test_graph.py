"""How a core is built of its configuration, and what a head on the tape says of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.core.actor import CoreActor
from actors.errors import TapeError
from actors.messages.account import AccountSnapshot
from actors.messages.control import Started, TimeReached
from actors.model.ids import ClientOrderIds
from actors.risk.limits import RiskLimits, StrategyLimits
from daemon.graph import BarSources, build_core
from daemon.research.definitions import configured_instruments
from daemon.startup import load_classes
from daemon.tape_configuration import from_tape_configuration, tape_configuration
from tests.benchmarks.engine import a_config as a_backtest_config
from tests.benchmarks.harness import INSTRUMENT, MINUTE_NS, START_NS
from tests.benchmarks.strategies import Idle
from tests.startup_rig import BTC, a_config, an_instrument

DAY_NS = 86_400_000_000_000
SOURCES = BarSources(given=frozenset({(BTC, 60)}), trades=frozenset({BTC}), has_backfill=True)


def test_what_a_head_is_written_with_is_read_back(tmp_path: Path) -> None:
    config, instrument = a_config(tmp_path), an_instrument(BTC)
    plain = tape_configuration(config, [instrument], SOURCES)
    assert from_tape_configuration(plain) == (config, {BTC: instrument}, SOURCES)


@pytest.mark.parametrize("missing", ["config", "instruments", "given", "trades", "has_backfill"])
def test_a_head_that_lacks_something_is_one_sentence(tmp_path: Path, missing: str) -> None:
    plain = tape_configuration(a_config(tmp_path), [an_instrument(BTC)], SOURCES)
    del plain[missing]
    with pytest.raises(TapeError) as raised:
        from_tape_configuration(plain)
    assert str(raised.value) == (
        f"the tape's head lacks {missing}: another tickerd wrote it, use that one to read it"
    )


class Valuations(CoreActor):
    """Counts how often accounts are valued."""

    name = "valuations"

    def __init__(self) -> None:
        self.count = 0

    def on_account_snapshot(self, snapshot: AccountSnapshot) -> None:
        self.count += 1


@pytest.mark.parametrize(
    ("limits", "of_strategy", "times"),
    [
        (RiskLimits(), StrategyLimits(), 1),
        (RiskLimits(drawdown_max=0.5), StrategyLimits(), 24),
        (RiskLimits(), StrategyLimits(peak_loss_max=Decimal(9)), 24),
    ],
)
def test_a_backtest_looks_at_equity_as_often_as_a_loss_limit_wants_it(
    limits: RiskLimits, of_strategy: StrategyLimits, times: int
) -> None:
    config = a_backtest_config(Idle, bars=True)
    config = replace(
        config,
        accounts={"test": replace(config.accounts["test"], limits=limits)},
        strategies={"it": replace(config.strategies["it"], limits=of_strategy)},
    )
    heard = Valuations()
    core = build_core(
        config,
        instruments=configured_instruments(config),
        classes=load_classes(config),
        sources=BarSources(given=frozenset({(INSTRUMENT, MINUTE_NS)})),
        ids=ClientOrderIds(store_id="TEST", epoch=1),
        is_simulated=True,
        listeners=[heard],
    )
    midnight = START_NS // DAY_NS * DAY_NS
    core.sequencer.run(Started(ts_event=midnight, epoch=1), midnight)
    core.sequencer.run(TimeReached(ts_event=midnight + DAY_NS), midnight + DAY_NS)
    assert heard.count == times
