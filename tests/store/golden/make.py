"""Makes this release's golden state folder: `python -m tests.store.golden.make`, once, then commit it.

Later versions must read what it wrote: its tape, sealed and not, its checkpoints and its projections. Run it
again while the release is being made, whenever `test_golden.py` says that this version writes otherwise: a
field of a message or of an actor's state has changed, or a shipped strategy decides otherwise. Once it is
released its folder stays as it is, and the next release gets one of its own.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from decimal import Decimal
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from actors.messages.account import AccountEvidence, BalancesEvidence, CashTransferred
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, Pause, Reconcile, Scope, SetLimit
from actors.messages.market import Quote, Trade
from actors.messages.orders import CancelOrder, QueryAccount, SubmitOrder
from actors.portfolio.sizing import Sizing
from actors.risk.limits import RiskLimits
from actors.store import database
from actors.store.database import database_path, open_database
from actors.store.export import export
from actors.store.folder import IDENTITY, LOCK, Identity
from actors.store.layout import list_parts, seal, tape_folder
from actors.store.rerun import encode_snapshot
from actors.store.tape_reader import TapeReader
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, StrategySection, TapeSection
from daemon.graph import BarSources
from daemon.startup import read_core
from tests.startup_rig import BTC, ETH, Life, replayed

FOLDER = Path(__file__).resolve().parent
RELEASE = version("tickerd")
SMA = "actors.strategies.library.sma_cross:SmaCross"
MAKER = "actors.strategies.library.quote_maker:QuoteMaker"
CONFIG = Config(
    tape=TapeSection(segment_mb=1),
    accounts={
        "paper": AccountSection(
            venue="binance",
            mode="paper",
            base_currency="USDT",
            snapshot_seconds=5.0,
            simulated=SimulatedVenueSettings(
                opening_balances={"USDT": Decimal(100_000), "ETH": Decimal(2)},
                fee_currency="USDT",
                report_latency_ms=0.5,
            ),
        ),
        "main": AccountSection(
            venue="binance",
            mode="testnet",
            base_currency="USDT",
            api_key="KEY",
            api_secret="SECRET",
            snapshot_seconds=5.0,
            limits=RiskLimits(order_notional_max=Decimal(5_000), daily_loss_max=Decimal(2_000)),
        ),
    },
    strategies={
        "cross": StrategySection(
            use=SMA,
            account="paper",
            instruments=(BTC,),
            bars=("1s",),
            sizing=Sizing(method="fixed_notional", amount=Decimal(500)),
            parameters={"fast": 2, "slow": 4},
        ),
        "maker": StrategySection(
            use=MAKER,
            account="paper",
            instruments=(ETH,),
            parameters={
                "quantity": "0.05", "inventory_max": "0.2", "half_spread_ticks": 90, "requote_ticks": 400,
            },
        ),
        "own": StrategySection(
            use=MAKER,
            account="main",
            instruments=(BTC, ETH),
            parameters={
                "quantity": "0.01", "inventory_max": "0.04", "half_spread_ticks": 500, "requote_ticks": 9_000,
            },
        ),
    },
)  # fmt: skip
SOURCES = BarSources(trades=frozenset({BTC}))


class Expected(msgspec.Struct):
    """What the folder holds, for those who read it."""

    inputs: int
    orders: int
    chain: str
    checkpoint_seq: int
    """Of the older one, in the middle of the second part; the newer one is the end's."""
    state_digest: str
    """Of the core's whole state at the tape's end."""
    rows_digest: str
    """Of all projections."""
    export: dict[str, Any]
    """What `tickerd db export --json` says."""


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def rows_digest(state: Path) -> str:
    """Of every row of every projection."""
    with closing(open_database(database_path(state))) as connection:
        tables = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()
            for table in ("orders", *database.BY_SEQ)
        }
    assert all(tables[name] for name in tables if name != "alerts"), (
        "a projection without a row guards nothing"
    )
    return digest(repr(tables).encode())


class Session:
    """Lives of the core, and a venue that answers for the account `main` by inputs."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.lost: dict[str, None] = {}
        """Orders that the venue never says a word about."""
        self.is_losing = False
        self.differs: dict[str, str] = {}
        """By how much every statement shows more than our books."""
        self._tick = 0
        self.filled = ""
        """The order that it has filled last."""
        self.begin()

    def begin(self) -> None:
        """A process life, and the line of `main`."""
        self.life = Life(CONFIG, state=self.state, sources=SOURCES)
        self._seen = 0
        self.feed(BrokerStarted(ts_event=self.life.now, account="main"))

    def feed(self, message: Message, *, after: float = 0.0) -> None:
        """One input, and the venue's answers to what comes of it."""
        self.life.feed(message, after=after)
        self.answer()

    def answer(self) -> None:
        """What `main` has sent and the venue has not seen yet."""
        sent = self.life.sent
        while self._seen < len(sent):
            message = sent[self._seen]
            self._seen += 1
            if getattr(message, "account", None) != "main":
                continue
            if isinstance(message, QueryAccount):
                self.feed(self.statement(message.asked_seq), after=0.01)
            elif isinstance(message, SubmitOrder) and self.is_losing:
                self.lost[message.client_order_id] = None
            elif isinstance(message, SubmitOrder):
                self.life.accept(message.client_order_id)
            elif isinstance(message, CancelOrder) and message.client_order_id not in self.lost:
                self.life.cancelled(message.client_order_id)

    def statement(self, asked_seq: int) -> AccountEvidence:
        """What the venue says: as our books, but for these assets."""
        evidence = self.life.evidence("main", asked_seq, "0")
        held = self.life.core.ledger.balances("main") or {"USDT": Decimal(10_000)}
        total = held | {asset: held[asset] + Decimal(more) for asset, more in self.differs.items()}
        return msgspec.structs.replace(evidence, balances=BalancesEvidence(asked_seq=asked_seq, total=total))

    def market(self, ticks: int) -> None:
        """Prices go up and down in a wave of eighty ticks."""
        for _ in range(ticks):
            self._tick += 1
            turn = self._tick % 80
            wave = min(turn, 80 - turn) * 10.0 + self._tick % 3
            self.feed(
                Trade(
                    ts_event=self.life.now,
                    instrument=BTC,
                    trade_id=str(self._tick),
                    price=60_000.0 + wave,
                    size=0.5,
                    aggressor="buy" if turn < 40 else "sell",
                ),
                after=0.1,
            )
            for instrument, bid in ((BTC, 60_000.0 + wave), (ETH, 3_000.0 + wave / 20)):
                self.feed(
                    Quote(
                        ts_event=self.life.now,
                        instrument=instrument,
                        bid_price=bid,
                        bid_size=1.0,
                        ask_price=bid + 0.5,
                        ask_size=1.5,
                    ),
                    after=0.05,
                )

    def fill(self, side: str) -> None:
        """The venue fills what rests for `main` on a side, whole."""
        for order in tuple(self.life.core.oms.orders()):
            if (order.terms.account, order.terms.side, order.state) == ("main", side, "accepted"):
                self.life.fill(order.terms.client_order_id, revision=1)
                self.answer()
                self.filled = order.terms.client_order_id

    def correct(self, price: Decimal, fee: Decimal) -> None:
        """The venue says otherwise of its newest fill."""
        self.life.fill(self.filled, price=price, fee=fee, revision=2)
        self.answer()

    def command(self, kind: type[Any], scope: Scope, **about: Any) -> None:
        number = f"{kind.__name__.lower()}-{self.life.core.sequencer.seq}"
        self.feed(
            kind(ts_event=self.life.now, scope=scope, command_id=number, by="uid=1000", **about), after=0.01
        )


def _first_life(session: Session) -> None:
    """Trips there and back, a deposit, BTC that the venue does not show, an order lost and then a kill."""
    session.market(40)
    session.fill("buy")
    session.market(40)
    session.fill("sell")
    session.correct(Decimal(60_123), Decimal("1.5"))
    session.market(20)
    life = session.life
    session.feed(
        CashTransferred(
            ts_event=life.now, account="main", asset="USDT", amount=Decimal("250.5"), reason="deposit",
            transfer_id="d1",
        ),
        after=0.01,
    )  # fmt: skip
    session.command(SetLimit, Scope(account="main"), limit="order_notional_max", value="2000")
    session.command(SetLimit, Scope(account="main"), limit="daily_loss_max", value="3000")
    session.fill("buy")
    session.differs = {"BTC": "-0.003"}
    for _ in range(2):
        session.market(5)
        session.command(Reconcile, Scope(account="main"))
    session.is_losing = True
    session.fill("buy")
    session.market(3)
    life.crash()


def _second_life(session: Session) -> None:
    """Goes on with an unknown order and the difference, is paused in part, and stops cleanly."""
    session.begin()
    session.is_losing = False
    session.market(25)
    session.life.checkpoint()
    session.market(20)
    session.fill("buy")
    session.market(5)
    session.command(Pause, Scope(strategy="cross"))
    session.market(5)
    session.life.stop()


def make(state: Path) -> Expected:
    """A session of two parts with a kill between them; the first is sealed, the second has a checkpoint."""
    state.mkdir(exist_ok=True)
    (state / IDENTITY).write_bytes(msgspec.json.encode(Identity(store_id="GLDN")))
    session = Session(state)
    _first_life(session)
    _second_life(session)
    sequencer = session.life.core.sequencer
    for segment in list_parts(tape_folder(state))[0].segments:
        seal(segment.path)
    with closing(open_database(database_path(state))) as connection:
        database.catch_up(connection, TapeReader(tape_folder(state)), sequencer.seq)
        middle = min(database.checkpoint_seqs(connection))
    core, replay = read_core(state), replayed(state)
    assert core is not None
    assert replay.difference is None, replay.difference
    made = Expected(
        inputs=sequencer.seq,
        orders=replay.orders,
        chain=replay.chain,
        checkpoint_seq=middle,
        state_digest=digest(encode_snapshot(sequencer)),
        rows_digest=rows_digest(state),
        export=export(state, core.ledger, seq=core.sequencer.seq),
    )
    with closing(open_database(database_path(state))) as connection:
        connection.execute("VACUUM")
    (state / LOCK).unlink()
    return made


if __name__ == "__main__":
    target = FOLDER / RELEASE
    shutil.rmtree(target, ignore_errors=True)
    expected = make(target)
    (target / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(expected), indent=1))
