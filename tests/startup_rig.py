"""Process lives of a real core on a real tape, one after another, without sockets or a clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    FillsEvidence,
    OrdersEvidence,
    VenueOrder,
)
from actors.messages.base import Message
from actors.messages.control import BrokerStarted, Scope, StepFailed, Stop
from actors.messages.market import Quote
from actors.messages.orders import (
    AcceptReport,
    CancelReport,
    FillReport,
    OrderTerms,
    QueryAccount,
    SubmitOrder,
)
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.instrument import Instrument, InstrumentKind
from actors.store import database
from actors.store.database import Checkpoint, checkpoint_values, database_path, open_database
from actors.store.recovery import load
from actors.store.replay import ReplayResult, replay
from actors.store.rerun import encode_snapshot
from daemon.config import AccountSection, Config, DaemonSection, StrategySection, TapeSection
from daemon.graph import BarSources
from daemon.start_times import StartTimes
from daemon.startup import core_of_head, load_classes, open_core

SECOND = 1_000_000_000
T0 = 1_800_000_000 * SECOND
BTC, ETH = "BTCUSDT@binance", "ETHUSDT@binance"
MESSAGE = TypeVar("MESSAGE", bound=Message)

BUYER = """
from decimal import Decimal
from actors import Quote, State, Strategy

class Mine(Strategy):
    class Seen(State):
        quotes: int = 0

    state: Seen
    every: int = 3

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes % self.every == 0:
            self.ctx.limit("buy", Decimal("0.001"), self.ctx.round_price(quote.bid_price, rounding="down"))
"""


def an_instrument(name: str, kind: InstrumentKind = "spot") -> Instrument:
    symbol = name.partition("@")[0]
    return Instrument(
        id=name,
        symbol=symbol,
        venue="binance",
        kind=kind,
        base=symbol[:3],
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        quantity_min=Decimal("0.00001"),
        notional_min=Decimal("5"),
    )


def a_config(state: Path, **strategies: StrategySection) -> Config:
    return Config(
        daemon=DaemonSection(state=str(state)),
        tape=TapeSection(segment_mb=1),
        accounts={
            name: AccountSection(
                venue="binance", mode="testnet", base_currency="USDT", api_key="K", api_secret="S"
            )
            for name in ("main", "other")
        },
        strategies=strategies,
    )


def mine(
    folder: Path, source: str = BUYER, *, account: str = "main", instrument: str = BTC
) -> StrategySection:
    """A strategy out of a file with this source."""
    path = folder / "mine.py"
    path.write_text(source)
    return StrategySection(use=f"{path}:Mine", account=account, instruments=(instrument,))


class Life:
    """One process life: everything the daemon does but its edges."""

    def __init__(
        self,
        config: Config,
        now: int = T0,
        *,
        state: Path | None = None,
        sources: BarSources | None = None,
        kind: InstrumentKind = "spot",
        calendars: Calendars = BUILT_IN,
    ) -> None:
        """`state` is where the folder lies when that is not to stand on the tape."""
        self.config = config
        self.state = state or Path(config.daemon.state)
        self.recovered = load(self.state)
        self.now = max(now, self.recovered.last_ts)
        self._numbers = itertools.count(1)
        try:
            self.opened = open_core(
                self.recovered,
                config,
                instruments={name: an_instrument(name, kind) for name in (BTC, ETH)},
                classes=load_classes(config),
                sources=sources or BarSources(),
                now=self.now,
                on_failure=None,
                times=StartTimes(),
                calendars=calendars,
            )
        except BaseException:
            self.recovered.lock.release()
            raise
        self.core, self.tape = self.opened.core, self.opened.tape
        self.sent: list[Message] = []
        for message in self.opened.first_inputs:
            self.feed(message)

    def feed(self, message: Message, *, after: float = 0.0) -> list[Message]:
        """Run and record one input."""
        sequencer = self.core.sequencer
        self.now += round(after * SECOND)
        sequencer.run(message, self.now)
        sent, sequencer.sent = sequencer.sent, []
        self.tape.append(sequencer.seq, sequencer.now, message, sent)
        self.tape.flush()
        self.sent += sent
        return sent

    def connect(self, *accounts: str, held: str = "0") -> None:
        """The venue answers, shows the orders it has accepted, and this much BTC."""
        for account in accounts or tuple(self.config.accounts):
            for message in self.feed(BrokerStarted(ts_event=self.now, account=account)):
                if isinstance(message, QueryAccount):
                    self.feed(self.evidence(account, message.asked_seq, held), after=0.01)

    def evidence(self, account: str, asked_seq: int, held: str) -> AccountEvidence:
        total = {"USDT": Decimal(100_000)} | ({"BTC": Decimal(held)} if Decimal(held) else {})
        return AccountEvidence(
            ts_event=self.now,
            account=account,
            venue_time_ms=self.now // 1_000_000,
            orders=OrdersEvidence(asked_seq=asked_seq, orders=tuple(self._listed(account))),
            fills=FillsEvidence(asked_seq=asked_seq, fills=(), read_to={}),
            balances=BalancesEvidence(asked_seq=asked_seq, total=total),
        )

    def _listed(self, account: str) -> Iterator[VenueOrder]:
        for order in self.core.oms.orders():
            terms = order.terms
            if terms.account == account and order.accepted_seq and not order.is_closed:
                yield VenueOrder(
                    client_order_id=terms.client_order_id,
                    venue_order_id=f"v{terms.client_order_id}",
                    instrument=terms.instrument,
                    side=terms.side,
                    quantity=terms.quantity,
                    filled_quantity=order.filled,
                    price=terms.price,
                    status="accepted",
                )

    def quotes(
        self, count: int, *, price: float = 60_000.0, answer: bool = True, instrument: str = BTC
    ) -> None:
        """The market moves on; orders are accepted unless told otherwise."""
        for _ in range(count):
            bid = price + next(self._numbers) % 5
            quote = Quote(
                ts_event=self.now,
                instrument=instrument,
                bid_price=bid,
                bid_size=1.0,
                ask_price=bid + 1,
                ask_size=1.0,
            )
            for message in self.feed(quote, after=0.1):
                if answer and isinstance(message, SubmitOrder):
                    self.accept(message.client_order_id)

    def terms_of(self, order_id: str) -> OrderTerms:
        return next(o.terms for o in self.core.oms.orders() if o.terms.client_order_id == order_id)

    def accept(self, order_id: str) -> None:
        terms = self.terms_of(order_id)
        self.feed(
            AcceptReport(
                ts_event=self.now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=order_id,
                venue_order_id=f"v{order_id}",
            ),
            after=0.01,
        )

    def fill(self, order_id: str, **other: Any) -> None:
        """Fill it whole, or as these figures say."""
        terms = self.terms_of(order_id)
        fill = FillReport(
            ts_event=self.now,
            account=terms.account,
            instrument=terms.instrument,
            client_order_id=order_id,
            venue_order_id=f"v{order_id}",
            trade_id=f"t{order_id}",
            side=terms.side,
            quantity=terms.quantity,
            price=terms.price or Decimal(60_000),
            fee=Decimal(0),
            fee_currency="USDT",
            liquidity="maker",
        )
        self.feed(msgspec.structs.replace(fill, **other), after=0.01)

    def cancelled(self, order_id: str) -> None:
        terms = self.terms_of(order_id)
        self.feed(
            CancelReport(
                ts_event=self.now,
                account=terms.account,
                instrument=terms.instrument,
                client_order_id=order_id,
                venue_order_id=f"v{order_id}",
                filled_quantity=Decimal(0),
            )
        )

    # reading

    def order_states(self) -> dict[str, str]:
        return {order.terms.client_order_id: order.state for order in self.core.oms.orders()}

    def state_of(self, account: str, strategy: str | None = None) -> tuple[str, str]:
        return self.core.risk.state_of(Scope(account=account, strategy=strategy))

    def of(self, kind: type[MESSAGE]) -> list[MESSAGE]:
        return [message for message in self.sent if isinstance(message, kind)]

    # ends

    def checkpoint(self) -> None:
        """Store the present state, as the writer would once the tape is durable."""
        self.tape.flush()
        self.tape.sync()
        sequencer = self.core.sequencer
        kept = Checkpoint(sequencer.seq, self.tape.chain, encode_snapshot(sequencer))
        with closing(open_database(database_path(self.state))) as connection:
            connection.execute(database.SAVE_CHECKPOINT, checkpoint_values(kept, 0))

    def fail(self, message: Message, account: str | None) -> None:
        """An actor raises on this input: what the runtime records then, and the process ends."""
        failed = StepFailed(ts_event=self.now, actor="ledger", error="ArithmeticError", account=account)
        sequencer = self.core.sequencer
        self.tape.append(sequencer.seq + 1, self.now, message, [failed])
        self.crash()

    def crash(self) -> None:
        self.tape.flush()
        self.tape.abandon()
        self.recovered.lock.release()

    def stop(self, *, with_checkpoint: bool = True) -> None:
        self.feed(Stop(ts_event=self.now, scope=Scope(), command_id="stop", by="test", cancel_orders=False))
        if with_checkpoint:
            self.checkpoint()
        self.tape.close()
        self.recovered.lock.release()


def replayed(state: Path) -> ReplayResult:
    return replay(state, build=lambda head: core_of_head(head).sequencer)
