"""The whole core around a cleared venue: strategies, risk and books across splits, dividends, liquidation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.messages.account import AccountSnapshot, PositionChanged
from actors.messages.base import Message
from actors.messages.clearing import ChargeBooked
from actors.messages.control import Scope, Started
from actors.messages.market import Bar, CorporateAction, FundingRate
from actors.messages.orders import OrderFilled, OrderIntent
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.portfolio.sizing import Sizing
from actors.risk.limits import RiskLimits, StrategyLimits
from actors.strategies.base import Strategy
from actors.strategies.parameters import State
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, StrategySection
from daemon.graph import BarSources, Core, build_core
from tests.venues.simulated.clearing_rig import ACME, PERP, START, instruments

D = Decimal
MINUTE = 60_000_000_000


class Seen(State):
    lines: tuple[str, ...] = ()


class Holder(Strategy):
    """Is long, or short, all the time, and says so at every bar."""

    is_short: bool = False
    state: Seen

    def on_bar(self, bar: Bar) -> None:
        (self.ctx.short if self.is_short else self.ctx.long)()

    def on_corporate_action(self, action: CorporateAction) -> None:
        self.state.lines += (f"{self.ctx.position()} {self.ctx.equity:.2f}",)

    def on_fill(self, fill: OrderFilled) -> None:
        self.state.lines += (f"{fill.liquidity} {self.ctx.position()}",)


class Stage:
    """10,000 USD; the strategy wants 5,000 USD of shares."""

    def __init__(
        self,
        *,
        instrument: str = ACME,
        limits: RiskLimits | None = None,
        is_short: bool = False,
        **changes: Any,
    ) -> None:
        self.instrument = instrument
        fields: dict[str, Any] = {
            "opening_balances": {"USD": D(10_000)},
            "maker_fee": D(0),
            "taker_fee": D(0),
            "fee_currency": "USD",
        }
        account = AccountSection(
            venue="sim",
            mode="paper",
            base_currency="USD",
            snapshot_seconds=30.0,
            limits=limits or RiskLimits(),
            simulated=SimulatedVenueSettings(**(fields | changes)),
        )
        strategy = StrategySection(
            use="here:Holder",
            account="main",
            instruments=(instrument,),
            bars=("1m",),
            sizing=Sizing(method="fixed_notional", amount=D(5_000)),
            limits=StrategyLimits(daily_loss_max=D(1)) if limits is not None else StrategyLimits(),
            parameters={"is_short": is_short},
        )
        self.config = Config(accounts={"main": account}, strategies={"holder": strategy})
        self.core = self.build()
        self.now = START
        self.run(Started(ts_event=START, epoch=1))

    def build(self) -> Core:
        known: dict[str, Instrument] = {self.instrument: instruments()[self.instrument]}
        return build_core(
            self.config,
            instruments=known,
            classes={"holder": Holder},
            sources=BarSources(given=frozenset({(self.instrument, MINUTE)})),
            ids=ClientOrderIds(store_id="TEST", epoch=1),
        )

    def run(self, message: Message) -> list[Message]:
        self.core.sequencer.sent.clear()
        self.core.sequencer.run(message, self.now)
        return list(self.core.sequencer.sent)

    def bar(self, close: float) -> list[Message]:
        self.now += MINUTE
        return self.run(
            Bar(
                ts_event=self.now, instrument=self.instrument, interval_ns=MINUTE,
                open=close, high=close, low=close, close=close, volume=1e6,
            )
        )  # fmt: skip

    def act(self, **changes: Any) -> list[Message]:
        self.now += MINUTE // 2
        return self.run(
            CorporateAction(ts_event=self.now, instrument=self.instrument, action_id=str(self.now), **changes)
        )

    def bytes(self) -> bytes:
        return msgspec.msgpack.encode(self.core.sequencer.snapshot())

    def restart(self) -> None:
        before = self.bytes()
        self.core = self.build()
        self.core.sequencer.restore(msgspec.msgpack.decode(before, type=CoreSnapshot))
        assert self.bytes() == before

    @property
    def lines(self) -> list[str]:
        state = self.core.strategies._runners["holder"].strategy.state
        assert isinstance(state, Seen)
        return list(state.lines)


TIGHT = RiskLimits(daily_loss_max=D(1), drawdown_max=0.001)


@pytest.mark.parametrize(
    ("action", "close", "told"),
    [
        ({"shares_after": D(4)}, 25.0, "200 10000.00"),
        ({"shares_before": D(30)}, 3_000.0, "1 10000.00"),
        ({"dividend": D(3)}, 97.0, "50 10000.00"),
    ],
)
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("latency_ms", [0.0, 700.0])
def test_no_action_reads_as_loss_profit_or_a_reason_to_trade(
    action: dict[str, Any], close: float, told: str, restarts: bool, latency_ms: float
) -> None:
    stage = Stage(limits=TIGHT, report_latency_ms=latency_ms)
    for _ in range(3):
        stage.bar(100.0)
    assert stage.lines == ["taker 50"]
    sent = stage.act(**action)
    if restarts:
        stage.restart()
    for _ in range(3):
        sent += stage.bar(close)
    assert stage.lines == ["taker 50", told]
    assert not [m for m in sent if isinstance(m, OrderIntent)]
    snapshots = [m for m in sent if isinstance(m, AccountSnapshot)]
    assert snapshots
    assert {(m.equity, m.drawdown) for m in snapshots} == {(10_000.0, 0.0)}
    assert stage.core.risk.state_of(Scope(account="main"))[0] == "active"
    assert stage.core.risk.state_of(Scope(account="main", strategy="holder"))[0] == "active"


def test_a_margin_account_may_be_short_and_is_liquidated_as_its_strategys_own_trade() -> None:
    stage = Stage(is_short=True, account_type="margin", opening_balances={"USD": D(3_000)})
    for _ in range(2):
        stage.bar(100.0)
    assert stage.lines == ["taker -50"]
    # at 125: equity 8,000 - 6,250 = 1,750, required 50 × 125 × 0.3 = 1,875: four shares at the next open
    assert not [m for m in stage.bar(125.0) if isinstance(m, OrderFilled)]
    sent = stage.bar(125.0)
    (fill,) = [m for m in sent if isinstance(m, OrderFilled)]
    assert (fill.side, fill.quantity, fill.liquidity, fill.strategy) == ("buy", D(4), "liquidation", "holder")
    assert [m.realised_pnl for m in sent if isinstance(m, PositionChanged)] == [D(-100)]
    assert stage.lines == ["taker -50", "liquidation -46"]
    assert not any(stage.core.ledger.trial_balance("main").values())
    stage.restart()


def test_a_perpetual_is_sized_by_its_multiplier_pays_funding_and_is_worth_what_it_gains() -> None:
    stage = Stage(instrument=PERP, account_type="margin")
    for close in (50_000.0, 50_000.0, 50_500.0):
        stage.bar(close)
    assert stage.lines == ["taker 10"]  # contracts of 0.01: 5,000 USD
    assert stage.core.ledger.at_mark("main").equity == 10_050.0
    stage.now += 1
    sent = stage.run(FundingRate(ts_event=stage.now, instrument=PERP, rate=0.0002, mark_price=50_000.0))
    assert [m.amount for m in sent if isinstance(m, ChargeBooked)] == [D(-1)]
    snapshots = [m for m in stage.bar(50_500.0) if isinstance(m, AccountSnapshot)]
    assert {(m.equity, m.cash, m.unrealised_pnl) for m in snapshots} == {(10_049.0, 9_999.0, 50.0)}
    strategy = stage.core.strategies._runners["holder"].strategy
    assert strategy.ctx.equity == 10_049.0
    (line,) = stage.core.ledger.attribution("main")
    assert (line.gross, line.funding, line.net) == (D(50), D(1), D(49))
    stage.restart()


def test_a_cash_account_may_not() -> None:
    stage = Stage(is_short=True)
    for _ in range(3):
        stage.bar(100.0)
    assert stage.lines == []


def test_the_same_life_gives_the_same_bytes() -> None:
    def life(restarts: bool) -> bytes:
        stage = Stage(is_short=True, account_type="margin")
        for close in (100.0, 101.0, 99.0, 150.0, 151.0):
            stage.bar(close)
            if restarts:
                stage.restart()
            stage.act(shares_after=D(3), shares_before=D(2))
            stage.act(dividend=D("0.37"))
        return stage.bytes()

    assert life(False) == life(True) == life(False)
