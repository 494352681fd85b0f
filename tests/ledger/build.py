"""Builders that state only what matters to a test of the books."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import TypeVar

from actors.core.sequencer import Sequencer
from actors.ledger.account_book import LedgerAccount
from actors.ledger.actor import LedgerActor
from actors.messages.account import (
    AccountEvidence,
    AccountReconciled,
    BalancesEvidence,
    CashReason,
    CashTransferred,
    LotOpened,
    PositionsEvidence,
)
from actors.messages.base import Message
from actors.messages.market import Quote
from actors.messages.orders import OrderFilled, Side
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument

SECOND = 1_000_000_000
BTC = "BTCUSDT@binance"
BNB = "BNBUSDT@binance"
SHARE = "ACME@ib"
_trade_ids = count(1)
M = TypeVar("M", bound=Message)


def an_instrument(base: str = "BTC", quote: str = "USDT", **changed: object) -> Instrument:
    fields: dict[str, object] = {
        "id": f"{base}{quote}@binance",
        "symbol": f"{base}{quote}",
        "venue": "binance",
        "kind": "spot",
        "base": base,
        "quote": quote,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changed})  # type: ignore[arg-type]


INSTRUMENTS = {
    BTC: an_instrument(),
    BNB: an_instrument("BNB"),
    SHARE: an_instrument("ACME", "USD", id=SHARE, venue="ib", kind="equity", lot_size=Decimal(1)),
}


def a_ledger(instruments: Mapping[str, Instrument] = INSTRUMENTS) -> LedgerActor:
    accounts = {"main": LedgerAccount(base_currency="USDT", snapshot_ns=10 * SECOND)}
    return LedgerActor(accounts=accounts, instruments=instruments)


class Rig:
    """A ledger alone on a sequencer; every input is one second after the one before."""

    def __init__(self, ledger: LedgerActor | None = None) -> None:
        self.ledger = ledger or a_ledger()
        self.sequencer = Sequencer(actors=[self.ledger], ids=ClientOrderIds(store_id="TEST", epoch=1))

    def feed(self, *inputs: Message) -> list[Message]:
        """What the ledger sent in answer."""
        self.sequencer.sent.clear()
        for message in inputs:
            self.sequencer.run(message, self.sequencer.now + SECOND)
            if isinstance(message, AccountEvidence):  # its orders and fills are settled
                done = AccountReconciled(ts_event=0, account=message.account, asked_seq=0)
                self.sequencer.run(done, self.sequencer.now)
        return list(self.sequencer.sent)

    def one(self, kind: type[M], *inputs: Message) -> M:
        """The only message of its kind that was sent in answer."""
        (found,) = [message for message in self.feed(*inputs) if isinstance(message, kind)]
        return found

    def balance(self, asset: str) -> Decimal:
        return self.ledger.balances("main").get(asset, Decimal(0))


def a_fill(
    side: Side = "buy",
    quantity: str = "1",
    price: str = "100",
    *,
    fee: str = "0",
    fee_currency: str = "USDT",
    instrument: str = BTC,
    strategy: str = "s",
    trade_id: str | None = None,
    remaining: str = "0",
) -> OrderFilled:
    return OrderFilled(
        ts_event=0,
        client_order_id="TTEST00010000001",
        account="main",
        strategy=strategy,
        instrument=instrument,
        venue_order_id="7",
        trade_id=trade_id or f"trade-{next(_trade_ids)}",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_currency=fee_currency,
        liquidity="taker",
        remaining=Decimal(remaining),
        mid_price=None,
    )


def a_transfer(
    amount: str, asset: str = "USDT", reason: CashReason = "deposit", transfer_id: str = "t1"
) -> CashTransferred:
    return CashTransferred(
        ts_event=0,
        account="main",
        asset=asset,
        amount=Decimal(amount),
        reason=reason,
        transfer_id=transfer_id,
    )


def a_lot(quantity: str, price: str, lot_id: str = "l1", strategy: str = "s") -> LotOpened:
    return LotOpened(
        ts_event=0,
        account="main",
        strategy=strategy,
        instrument=BTC,
        quantity=Decimal(quantity),
        entry_price=Decimal(price),
        lot_id=lot_id,
    )


def a_statement(asked_seq: int = 0, positions: dict[str, str] | None = None, **total: str) -> AccountEvidence:
    return AccountEvidence(
        ts_event=0,
        account="main",
        balances=BalancesEvidence(asked_seq=asked_seq, total={k: Decimal(v) for k, v in total.items()}),
        positions=None
        if positions is None
        else PositionsEvidence(asked_seq=asked_seq, quantity={k: Decimal(v) for k, v in positions.items()}),
        venue_time_ms=0,
    )


def a_quote(mid: float, instrument: str = BTC) -> Quote:
    return Quote(ts_event=0, instrument=instrument, bid_price=mid, bid_size=1.0, ask_price=mid, ask_size=1.0)
