"""Sessions on real tapes: a paper account, or an account at a venue outside, on a made-up market."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, ClockMeasured, TimeReached
from actors.messages.market import MarketData, Quote, Trade
from actors.messages.orders import (
    AcceptReport,
    CancelOrder,
    CancelReport,
    ExpiryReport,
    FillReport,
    QueryAccount,
    QueryOrder,
    RejectReport,
    ReplaceOrder,
    ReplaceReport,
    Side,
    StatusReport,
    SubmitOrder,
)
from actors.model.ids import ClientOrderIds
from actors.model.instrument import InstrumentKind
from actors.portfolio.sizing import Sizing
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, DaemonSection, Mode, StrategySection, TapeSection
from daemon.graph import BarSources
from tests.startup_rig import BTC, SECOND, T0, Life, an_instrument

MILLISECOND = SECOND // 1_000
ACCOUNT = "main"
MONEY = {"USDT": Decimal(100_000), "BTC": Decimal(0)}
_COMMANDS = (SubmitOrder, CancelOrder, ReplaceOrder, QueryOrder, QueryAccount)


def a_config(state: Path, *, mode: Mode, simulated: SimulatedVenueSettings) -> Config:
    """One account with a strategy that takes and one that quotes."""
    return Config(
        daemon=DaemonSection(state=str(state)),
        tape=TapeSection(segment_mb=1),
        accounts={
            ACCOUNT: AccountSection(
                venue="binance", mode=mode, base_currency="USDT", api_key="K", api_secret="S",
                simulated=msgspec.structs.replace(simulated, opening_balances=MONEY),
            )
        },
        strategies={
            "cross": StrategySection(
                use="actors.strategies.library.sma_cross:SmaCross", account=ACCOUNT, instruments=(BTC,),
                bars=("1s",), parameters={"fast": 2, "slow": 4},
                sizing=Sizing(method="fixed_notional", amount=Decimal(5_000)),
            ),
            "maker": StrategySection(
                use="actors.strategies.library.quote_maker:QuoteMaker", account=ACCOUNT, instruments=(BTC,),
                parameters={"quantity": "0.01", "inventory_max": "0.2", "orders_per_10s": 50},
            ),
        },
    )  # fmt: skip


def a_market(seconds: int, seed: int = 7, start: int = T0) -> Iterator[MarketData]:
    """Quotes ten times a second and trades at either side of them; times are the venue's."""
    chance = random.Random(seed)
    price = 60_000.0
    for number in range(seconds * 10):
        ts = start + 2 * SECOND + number * SECOND // 10
        price += chance.choice((-0.03, -0.01, 0.0, 0.01, 0.03))
        bid, ask = round(price - 0.02, 2), round(price + 0.02, 2)
        yield Quote(
            ts_event=ts, instrument=BTC, bid_price=bid, bid_size=0.05 + chance.random(), ask_price=ask,
            ask_size=0.05 + chance.random(),
        )  # fmt: skip
        if chance.random() < 0.5:
            side: Side = "buy" if chance.random() < 0.5 else "sell"
            through = chance.choice((0.0, 0.0, 0.03))
            yield Trade(
                ts_event=ts + 7 * MILLISECOND, instrument=BTC, trade_id=str(number),
                price=round(ask + through if side == "buy" else bid - through, 2), size=chance.random() / 20,
                aggressor=side,
            )  # fmt: skip


class _Mail(CoreActor):
    """What the venue outside answers."""

    name = "mail"

    def __init__(self) -> None:
        self.answers: list[Message] = []

    def on_answer(
        self,
        answer: AcceptReport
        | RejectReport
        | FillReport
        | CancelReport
        | ReplaceReport
        | ExpiryReport
        | StatusReport
        | AccountEvidence,
    ) -> None:
        self.answers.append(answer)


class Outside:
    """A venue of its own: it sees the market earlier than we do, and its answers take their time."""

    def __init__(
        self, settings: SimulatedVenueSettings, chance: random.Random, kind: InstrumentKind = "spot"
    ) -> None:
        self.mail, self.chance = _Mail(), chance
        at_once = msgspec.structs.replace(
            settings, latency_ms=0.0, report_latency_ms=0.0, opening_balances=MONEY
        )
        self.sequencer = Sequencer(
            venues=[
                SimulatedVenueActor(
                    name="outside", accounts={ACCOUNT: at_once}, instruments={BTC: an_instrument(BTC, kind)}
                )
            ],
            actors=[self.mail],
            ids=ClientOrderIds(store_id="VENU", epoch=1),
        )

    def take(self, message: Message, now: int) -> list[Message]:
        """What it answers to a command or to the market."""
        self.sequencer.run(message, now)
        self.sequencer.run(TimeReached(ts_event=now), now)  # a command arrives by a timer
        self.mail.answers, answers = [], self.mail.answers
        return answers


def record(
    state: Path,
    config: Config,
    market: Iterator[MarketData],
    outside: Outside | None = None,
    start: int = T0,
    *,
    kind: InstrumentKind = "spot",
    told: Iterable[Message] = (),
) -> Path:
    """Trade a market and leave a session on the tape; market data are known 2 to 4 ms after the venue.

    Args:
        told: Further inputs, known at their own times.
    """
    life = Life(config, start, sources=BarSources(trades=frozenset({BTC})), kind=kind)
    count, chance = itertools.count(), random.Random(3)
    queue: list[tuple[int, int, str, Message]] = []

    def put(ts: int, what: str, message: Message) -> None:
        heapq.heappush(queue, (ts, next(count), what, message))

    def sent(messages: list[Message], now: int) -> None:
        for message in messages:
            if outside is not None and isinstance(message, _COMMANDS):
                put(now + outside.chance.randint(1, 9) * MILLISECOND + 250_000, "command", message)

    if outside is not None:
        put(life.now + SECOND, "input", ClockMeasured(ts_event=T0, account=ACCOUNT, offset_ms=0))
        put(life.now + SECOND, "input", BrokerStarted(ts_event=T0, account=ACCOUNT))
    last = life.now
    for message in told:
        put(message.ts_event, "input", message)
    for data in market:
        put(data.ts_event, "market", data)
    while queue:
        now, _, what, message = heapq.heappop(queue)
        last = max(last, now)
        if what != "input" and outside is not None:
            for number, answer in enumerate(outside.take(message, now)):
                put(now + outside.chance.randint(1, 5) * MILLISECOND + number, "input", answer)
        if what == "market":
            put(now + chance.randint(2, 4) * MILLISECOND, "input", message)
        elif what == "input":
            life.now = max(now, life.now)
            sent(life.feed(message), life.now)
    life.now = last + SECOND
    life.stop(with_checkpoint=False)
    return state
