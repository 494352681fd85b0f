"""A small core that trades, and tapes made with it: what the tests of the store build on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from actors.core.actor import CoreActor
from actors.core.frames import CHAIN_START, Head
from actors.core.sequencer import Sequencer
from actors.messages.base import Message
from actors.messages.control import GoalDue, Scope, Started, Stop
from actors.messages.market import Quote, Trade
from actors.messages.orders import (
    AcceptReport,
    ApprovedOrder,
    FillReport,
    OrderAccepted,
    OrderFilled,
    OrderIntent,
    OrderTerms,
    SubmitOrder,
)
from actors.model.ids import ClientOrderIds
from actors.store.folder import IDENTITY, Identity, read_identity
from actors.store.layout import tape_folder, write_durably
from actors.store.rerun import encode_snapshot
from actors.store.tape_file import TapeWriter

SECOND = 1_000_000_000
T0 = 1_767_225_600 * SECOND
INSTRUMENT = "BTCUSDT@binance"
STORE_ID = "TEST"


class TraderState(msgspec.Struct, array_like=True):
    quotes: int
    last_id: str
    accepted: list[str]


class Trader(CoreActor):
    """Submits an order every `every` quotes and another when a timer says so; reports become events."""

    name = "trader"
    state_type = TraderState

    def __init__(self, *, every: int = 10, quantity: str = "0.01") -> None:
        self.every, self.quantity = every, Decimal(quantity)
        self.quotes, self.last_id, self.accepted = 0, "", list[str]()

    def on_quote(self, quote: Quote) -> None:
        if quote.bid_price < 0:
            raise ArithmeticError("a negative price")
        self.quotes += 1
        if self.quotes % self.every == 0:
            self.submit(str(quote.bid_price))
            due = GoalDue(ts_event=self.now + SECOND // 2, scope=Scope(account="paper"))
            self.set_timer(self.now + SECOND // 2, due)

    def on_goal_due(self, due: GoalDue) -> None:
        quote = self.market.quotes[INSTRUMENT]
        self.submit(str(quote.ask_price))

    def submit(self, price: str) -> None:
        terms = OrderTerms(
            client_order_id=self.new_order_id(), account="paper", strategy="test", instrument=INSTRUMENT,
            side="buy", order_type="limit", quantity=self.quantity, price=Decimal(price),
        )  # fmt: skip
        self.last_id = terms.client_order_id
        self.send(OrderIntent(ts_event=self.now, terms=terms, mid_price=None))
        self.send(ApprovedOrder(ts_event=self.now, terms=terms, mid_price=None))
        self.send(
            SubmitOrder(
                ts_event=self.now, account="paper", instrument=INSTRUMENT, terms=terms,
                client_order_id=terms.client_order_id, receive_window_ms=5000,
                venue_timestamp_ms=self.now // 1_000_000,
            )
        )  # fmt: skip

    def on_accept_report(self, report: AcceptReport) -> None:
        assert report.client_order_id is not None
        self.accepted.append(report.client_order_id)
        self.send(
            OrderAccepted(
                ts_event=report.ts_event, client_order_id=report.client_order_id, account="paper",
                strategy="test", instrument=INSTRUMENT, venue_order_id=report.venue_order_id or "",
            )
        )  # fmt: skip

    def on_fill_report(self, report: FillReport) -> None:
        assert report.client_order_id is not None
        self.send(
            OrderFilled(
                ts_event=report.ts_event, client_order_id=report.client_order_id, account="paper",
                strategy="test", instrument=INSTRUMENT, venue_order_id=report.venue_order_id or "",
                trade_id=report.trade_id, side=report.side, quantity=report.quantity, price=report.price,
                fee=report.fee, fee_currency=report.fee_currency, liquidity=report.liquidity,
                remaining=self.quantity - report.quantity, mid_price=None,
            )
        )  # fmt: skip

    def snapshot(self) -> TraderState:
        return TraderState(self.quotes, self.last_id, list(self.accepted))

    def restore(self, state: TraderState) -> None:
        self.quotes, self.last_id, self.accepted = state.quotes, state.last_id, list(state.accepted)


def a_sequencer(trader: CoreActor | None = None) -> Sequencer:
    return Sequencer(actors=[trader or Trader()], ids=ClientOrderIds(store_id=STORE_ID, epoch=1))


def a_quote(number: int, *, bid: float | None = None) -> Quote:
    price = 60_000 + (number * 7919 % 100) / 100 if bid is None else bid
    return Quote(
        ts_event=T0 + number * SECOND // 10, instrument=INSTRUMENT, bid_price=price, bid_size=1.25,
        ask_price=price + 0.01, ask_size=0.00437 * (number % 13 + 1),
    )  # fmt: skip


def an_accept(client_order_id: str, number: int) -> AcceptReport:
    return AcceptReport(
        ts_event=T0 + number * SECOND // 10, account="paper", instrument=INSTRUMENT,
        client_order_id=client_order_id, venue_order_id=f"v{number}",
    )  # fmt: skip


def a_fill(client_order_id: str, number: int, *, quantity: str = "0.01") -> FillReport:
    return FillReport(
        ts_event=T0 + number * SECOND // 10, account="paper", instrument=INSTRUMENT,
        client_order_id=client_order_id, venue_order_id=f"v{number}", trade_id=str(number), side="buy",
        quantity=Decimal(quantity), price=Decimal("60000.5"), fee=Decimal("0.00001"), fee_currency="BTC",
        liquidity="maker",
    )  # fmt: skip


def a_trade(number: int) -> Trade:
    return Trade(
        ts_event=T0 + number * SECOND // 10, instrument=INSTRUMENT, trade_id=str(9_000 + number),
        price=60_000.5, size=0.002, aggressor="buy" if number % 3 else "sell",
    )  # fmt: skip


def a_stop(number: int) -> Stop:
    return Stop(
        ts_event=T0 + number * SECOND // 10, scope=Scope(), command_id=f"c{number}", by="uid=1000",
        cancel_orders=True,
    )  # fmt: skip


def name_store(state: Path) -> None:
    """As the first start of a folder does it, with an id that is known."""
    if read_identity(state) is None:
        state.mkdir(exist_ok=True)
        write_durably(state / IDENTITY, msgspec.json.encode(Identity(store_id=STORE_ID)))


class Life:
    """One process life: a sequencer and the tape it writes."""

    def __init__(
        self, state: Path, sequencer: Sequencer | None = None, *, segment_bytes: int = 1 << 16,
        is_preallocated: bool = True,
    ) -> None:  # fmt: skip
        self.state = state
        self.sequencer = sequencer or a_sequencer()
        name_store(state)
        self.tape = TapeWriter(
            tape_folder(state), segment_bytes=segment_bytes, is_preallocated=is_preallocated
        )

    def begin(
        self, *, part: int = 1, epoch: int = 1, session: str = "first", chain: bytes = CHAIN_START
    ) -> Life:
        head = self.head(part=part, epoch=epoch, session=session, chain=chain)
        self.tape.begin_part(head, self.sequencer.now or T0)
        self.take(Started(ts_event=T0, epoch=epoch), self.sequencer.now or T0)
        return self

    def head(self, *, part: int, epoch: int, session: str, chain: bytes) -> Head:
        return Head(
            store_id=STORE_ID, epoch=epoch, session=session, part=part, config={"every": 10},
            strategy_hash="s", versions={"tickerd": "0.1.0"}, seed=0, schema="x",
            previous_seq=self.sequencer.seq, previous_chain=chain, snapshot=encode_snapshot(self.sequencer),
        )  # fmt: skip

    def take(self, message: Message, ts_init: int | None = None) -> list[Message]:
        """Run and tape one input, not yet written."""
        sequencer = self.sequencer
        sequencer.run(message, message.ts_event + 1000 if ts_init is None else ts_init)
        sent = list(sequencer.sent)
        sequencer.sent.clear()
        self.tape.append(sequencer.seq, sequencer.now, message, sent)
        return sent

    def trade(self, numbers: range, *, flush_every: int = 1, sync_every: int = 50) -> Life:
        """Quotes, trades, and the reports to the orders that follow from them."""
        for number in numbers:
            sent = self.take(a_quote(number))
            for report in reports(sent, number):
                self.take(report)
            if number % 5 == 0:
                self.take(a_trade(number))
            if number % flush_every == 0:
                self.tape.flush()
            if number % sync_every == 0:
                self.tape.flush()
                self.tape.sync()
        self.tape.flush()
        return self

    def stop(self, number: int) -> None:
        self.take(a_stop(number))
        self.tape.close()


def reports(sent: Sequence[Message], number: int) -> Iterator[Message]:
    for message in sent:
        if isinstance(message, SubmitOrder):
            yield an_accept(message.client_order_id, number)
            yield a_fill(message.client_order_id, number)


def two_parts(state: Path, *, count: int = 400) -> None:
    """A session of two parts, the second begun without stopping, and stopped cleanly."""
    life = Life(state).begin().trade(range(1, count))
    chain = life.tape.chain
    life.tape.begin_part(life.head(part=2, epoch=1, session="first", chain=chain), life.sequencer.now)
    life.trade(range(count, 2 * count))
    life.stop(2 * count)
