"""Paper sessions under settings drawn by chance: markets, delays, fills, commands, crashes, stops."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

from actors.messages.base import Message
from actors.messages.control import (
    BackfillDone,
    CancelAll,
    Flatten,
    Pause,
    Reconcile,
    Resume,
    Scope,
    SetLimit,
    TimeReached,
)
from actors.messages.market import Bar, CorporateAction, FundingRate, MarketData, Quote, Trade
from actors.messages.orders import Side
from actors.model.instrument import InstrumentKind
from actors.portfolio.sizing import Sizing
from actors.venues.simulated.delays import Delay
from actors.venues.simulated.margin_settings import MarginSettings
from actors.venues.simulated.settings import BarFills, MarketSettings, SimulatedVenueSettings, Slippage
from daemon.config import AccountSection, Config, DaemonSection, StrategySection, TapeSection, VenueSection
from daemon.graph import BarSources
from tests.startup_rig import BTC, ETH, SECOND, T0, Life

MILLISECOND = SECOND // 1_000
BUSY = f"{Path(__file__).parent / 'busy.py'}:Busy"
MONEY = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20)}
MARGIN = MarginSettings(
    currency="USDT", borrow={"spot": Decimal("0.9"), "equity": Decimal("0.3")}, interest=Decimal("0.8")
)
WARM_UP_BARS = 5

Finest = Literal["quotes", "trades", "both", "bars"]
MARKETS: tuple[Finest, ...] = ("quotes", "trades", "both", "bars")


def a_delay(chance: random.Random) -> Delay:
    """Any of the models, up to some tens of milliseconds."""
    match chance.choice(("none", "fixed", "normal", "lognormal", "recorded")):
        case "fixed":
            return Delay(ms=chance.randint(0, 40))
        case "normal":
            return Delay(model="normal", ms=10.0, spread=8.0)
        case "lognormal":
            return Delay(model="lognormal", ms=6.0, spread=0.8)
        case "recorded":
            return Delay(model="recorded", recorded_ms=tuple(chance.uniform(0, 300) for _ in range(5)))
        case _:
            return Delay()


def a_config(state: Path, chance: random.Random) -> Config:
    """Two accounts of different delays in one market, three strategies."""
    return Config(
        daemon=DaemonSection(state=str(state), session="first"),
        tape=TapeSection(segment_mb=1),
        venues={"binance": VenueSection(simulated=_a_venue(chance))},
        accounts={name: _an_account(chance) for name in ("main", "other")},
        strategies={
            "busy": _busy("main", (BTC,), chance),
            "both": _busy("other", (BTC, ETH), chance),
            "cross": StrategySection(
                use="actors.strategies.library.sma_cross:SmaCross", account="main", instruments=(ETH,),
                bars=("1s",), parameters={"fast": 1, "slow": 3},
                sizing=Sizing(method="fixed_notional", amount=Decimal(3_000)),
            ),
        },
    )  # fmt: skip


def _a_venue(chance: random.Random) -> MarketSettings:
    return MarketSettings(
        queue=chance.choice(("front", "back", "proportional")),
        sizes=chance.choice(("displayed", "displayed", "unlimited")),
        bars=BarFills(
            path=chance.choice(("adaptive", "ohlc", "pessimistic")),
            volume_share=chance.choice((None, 0.01)),
            market_rest=chance.choice(("next_bar", "cancel")),
        ),
        slippage=Slippage(bps=chance.choice((0.0, 0.001)), ticks=chance.choice((0, 1))),
    )


def _an_account(chance: random.Random) -> AccountSection:
    return AccountSection(
        venue="binance", mode="paper", base_currency="USDT",
        snapshot_seconds=chance.choice((1.0, 10.0)), reconcile_minutes=chance.choice((0.05, 5.0)),
        simulated=SimulatedVenueSettings(
            latency_ms=chance.choice((0.0, 1.0, 20.0, 250.0)),
            report_latency_ms=chance.choice((0.0, 0.0, 3.0, 120.0)),
            submit_delay=a_delay(chance), cancel_delay=a_delay(chance), report_delay=a_delay(chance),
            market_data_delay=a_delay(chance), seed=chance.randrange(100),
            maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0007"), opening_balances=MONEY,
            account_type=chance.choice(("cash", "margin", "margin")), margin=MARGIN,
        ),
    )  # fmt: skip


def _busy(account: str, instruments: tuple[str, ...], chance: random.Random) -> StrategySection:
    return StrategySection(
        use=BUSY, account=account, instruments=instruments, bars=("1s",),
        parameters={"seed": chance.randrange(10**6), "eagerness": chance.randint(2, 8)},
        sizing=Sizing(method="fixed_notional", amount=Decimal(4_000)),
    )  # fmt: skip


def a_market(seconds: int, chance: random.Random, finest: Finest, start: int) -> Iterator[MarketData]:
    """Ten moves a second of two instruments; bars of one second where they are not to be built."""
    price = {BTC: 60_000.0, ETH: 3_000.0}
    bars: dict[str, list[float]] = {}
    for number in range(seconds * 10):
        ts = start + SECOND + number * SECOND // 10
        if chance.random() < 0.02:
            name, shares = chance.choice((BTC, ETH)), chance.choice((1, 1, 2))
            yield an_event(name, ts, chance, shares)
            price[name] /= shares
        for name in (BTC, ETH):
            price[name] += chance.choice((-0.05, -0.03, -0.01, 0.0, 0.01, 0.03, 0.05))
            bid, ask = round(price[name] - 0.02, 2), round(price[name] + 0.02, 2)
            if finest in ("quotes", "both"):
                yield Quote(
                    ts_event=ts, instrument=name, bid_price=bid, bid_size=0.01 + chance.random() / 9,
                    ask_price=ask, ask_size=0.01 + chance.random() / 9,
                )  # fmt: skip
            if finest in ("trades", "both") and chance.random() < 0.6:
                side: Side = "buy" if chance.random() < 0.5 else "sell"
                yield Trade(
                    ts_event=ts + chance.choice((0, 7)) * MILLISECOND, instrument=name, trade_id=str(number),
                    price=ask if side == "buy" else bid, size=chance.random() / 20, aggressor=side,
                )  # fmt: skip
            bars.setdefault(name, []).append(round(price[name], 2))
            if finest in ("quotes", "bars") and len(bars[name]) == 10:
                yield a_bar(name, ts + SECOND // 10, bars.pop(name), chance)


def an_event(name: str, ts: int, chance: random.Random, shares: int) -> MarketData:
    """What brings or costs something to hold; only a split changes the price."""
    if shares == 1 and chance.random() < 0.5:
        return FundingRate(ts_event=ts, instrument=name, rate=chance.choice((-0.0003, 0.0004)))
    return CorporateAction(
        ts_event=ts, instrument=name, action_id=str(ts), shares_after=Decimal(shares),
        dividend=Decimal(0) if shares > 1 else Decimal("0.5"),
    )  # fmt: skip


def a_bar(name: str, end: int, prices: list[float], chance: random.Random) -> Bar:
    return Bar(
        ts_event=end, instrument=name, interval_ns=SECOND, open=prices[0], high=max(prices),
        low=min(prices), close=prices[-1], volume=chance.choice((0.0, 1.0, 5.0)),
    )  # fmt: skip


def sources_of(finest: Finest) -> BarSources:
    if finest in ("trades", "both"):
        return BarSources(trades=frozenset({BTC, ETH}))
    return BarSources(given=frozenset({(BTC, SECOND), (ETH, SECOND)}), has_backfill=True)


class Recorder:
    """Lives of one daemon over a market, as a clock would have driven them."""

    def __init__(self, state: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.finest = self.chance.choice(MARKETS)
        self.config = a_config(state, self.chance)
        self.sources = sources_of(self.finest)
        kinds: tuple[InstrumentKind, ...] = ("spot", "spot", "equity", "perpetual")
        self.kind = self.chance.choice(kinds)
        self.commands = 0

    def begin(self, config: Config, now: int) -> Life:
        """A process life, given its history where bars come ready made."""
        life = Life(config, now, sources=self.sources, kind=self.kind)
        for name, interval in sorted(self.sources.given):
            last = now - now % SECOND
            for number in range(WARM_UP_BARS):
                self.feed(life, a_bar(name, last - (WARM_UP_BARS - number) * SECOND, [100.0], self.chance))
            done = BackfillDone(ts_event=last, instrument=name, interval_ns=interval, last_end=last)
            self.feed(life, done)
        return life

    def feed(self, life: Life, message: Message, at: int | None = None) -> None:
        """An input when it comes; most timers that are due before find no input waiting."""
        at = max(life.now, at or life.now)
        timers = life.core.sequencer.timers
        while timers.next_due < at and self.chance.random() < 0.7:
            life.now = max(timers.next_due + self.chance.randint(0, MILLISECOND), life.now)
            life.feed(TimeReached(ts_event=life.now))
        life.now = max(at, life.now)
        life.feed(message)

    def run(self, life: Life, seconds: int, *, commands: bool = False) -> None:
        """Trade for a while."""
        start = life.now
        for data in a_market(seconds, self.chance, self.finest, start):
            self.feed(life, data, data.ts_event + self.chance.choice((0, 1, 2, 30)) * MILLISECOND)
            if commands and self.chance.random() < 0.01:
                self.feed(life, self._command(life))

    def _command(self, life: Life) -> Message:
        self.commands += 1
        scope = self.chance.choice((Scope(), Scope(account="main"), Scope(account="other", strategy="both")))
        command_id, now = f"c{self.commands}", life.now
        kind = self.chance.choice((Pause, Resume, Resume, Resume, Flatten, CancelAll, Reconcile))
        if self.chance.random() < 0.1:
            return SetLimit(
                ts_event=now, scope=Scope(account="main"), command_id=command_id, by="test",
                limit="order_notional_max", value="4000",
            )  # fmt: skip
        return kind(ts_event=now, scope=scope, command_id=command_id, by="test")


def named(config: Config, label: str) -> Config:
    """The same daemon in another session."""
    return msgspec.structs.replace(config, daemon=msgspec.structs.replace(config.daemon, session=label))


def a_paper_session(state: Path, seed: int, seconds: int = 10) -> Finest:
    """Some lives, of which the last make up the newest session; what its market consists of.

    By seed: one life; a crash in the middle; a session before it that left orders on their way; commands.
    """
    recorder = Recorder(state, seed)
    config = recorder.config
    if seed % 3 == 2:
        life = recorder.begin(named(config, "earlier"), T0)
        recorder.run(life, seconds // 2)
        life.stop(with_checkpoint=recorder.chance.random() < 0.5)
    life = recorder.begin(config, T0 + 600 * SECOND)
    recorder.run(life, seconds, commands=bool(seed % 2))
    if seed % 3:
        life.crash()
        life = recorder.begin(config, life.now + recorder.chance.choice((0, 5, 400)) * SECOND)
        recorder.run(life, seconds, commands=bool(seed % 2))
    life.stop(with_checkpoint=False)
    return recorder.finest
