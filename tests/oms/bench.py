"""An OMS on a sequencer of its own, and builders that state only what matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.messages.account import (
    AccountEvidence,
    BalancesEvidence,
    FillsEvidence,
    OrdersEvidence,
    PositionChanged,
    VenueFill,
    VenueOrder,
)
from actors.messages.base import Message
from actors.messages.clearing import AdjustReport
from actors.messages.control import TimeReached
from actors.messages.orders import (
    AcceptReport,
    ApprovedOrder,
    ApprovedReplace,
    CancelReport,
    CancelRequest,
    ExpiryReport,
    FillReport,
    NotSent,
    OrderTerms,
    OutcomeUnknownReport,
    RejectReport,
    ReplaceReport,
    Report,
    StatusReport,
)
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.oms.actor import OmsActor
from actors.oms.order import Order

BTC = "BTCUSDT@test"
SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND
ID = "T00000001000000A"


def D(text: str | int | Decimal) -> Decimal:
    return Decimal(text)


def an_instrument(name: str = BTC, **fields: Any) -> Instrument:
    given = {"lot_size": D("1"), "notional_min": D("0"), "quantity_min": D("1")} | fields
    return Instrument(
        id=name, symbol=name.partition("@")[0], venue="test", kind="spot", base="BTC", quote="USDT",
        tick_size=D("1"), **given,
    )  # fmt: skip


def rules(**fields: Any) -> VenueRules:
    given: dict[str, Any] = {"venue": "test", "native_replace": False, "receive_window_ms": 5_000}
    return VenueRules(**(given | fields))


class Bench:
    """Feeds inputs and keeps what each step sent."""

    def __init__(
        self,
        *,
        instruments: dict[str, Instrument] | None = None,
        reconcile_s: int = 0,
        around: Callable[[], Sequence[CoreActor]] = tuple,
        **rule_fields: Any,
    ) -> None:
        self._around = around
        self._arguments: dict[str, Any] = {
            "rules": {"acc": rules(**rule_fields)},
            "instruments": instruments or {BTC: an_instrument()},
            "reconcile_ns": {"acc": reconcile_s * SECOND},
        }
        self.now = START
        self.sent: list[Message] = []
        self._build()

    def _build(self) -> None:
        self.oms = OmsActor(**self._arguments)
        self.sequencer = Sequencer(
            actors=[self.oms, *self._around()], ids=ClientOrderIds(store_id="0000", epoch=1)
        )

    def feed(self, *messages: Message) -> list[Message]:
        """Run inputs now; returns what they and the timers before them sent."""
        before = len(self.sent)
        for message in messages:
            self.sequencer.run(message, self.now)
            self.sent += self.sequencer.sent
            self.sequencer.sent.clear()
        return self.sent[before:]

    def wait(self, seconds: float) -> list[Message]:
        """Let time pass, and the timers that fall due."""
        self.now += round(seconds * SECOND)
        return self.feed(TimeReached(ts_event=self.now))

    def order(self, client_order_id: str = ID) -> Order:
        return next(o for o in self.oms.snapshot().orders if o.terms.client_order_id == client_order_id)

    def state(self, client_order_id: str = ID) -> str:
        return self.order(client_order_id).state

    def restart(self) -> None:
        """A new actor and sequencer from the bytes of a snapshot; giving them again gives the same bytes."""
        data = msgspec.msgpack.encode(self.sequencer.snapshot())
        self._build()
        self.sequencer.restore(msgspec.msgpack.decode(data, type=type(self.sequencer.snapshot())))
        assert msgspec.msgpack.encode(self.sequencer.snapshot()) == data


def names(messages: list[Message]) -> list[str]:
    return [type(message).__name__ for message in messages]


def only(messages: list[Message], kind: type[Message]) -> list[Any]:
    return [message for message in messages if isinstance(message, kind)]


# wishes


def approved(client_order_id: str = ID, **fields: Any) -> ApprovedOrder:
    given: dict[str, Any] = {
        "client_order_id": client_order_id, "account": "acc", "strategy": "alpha", "instrument": BTC,
        "side": "buy", "order_type": "limit", "quantity": D("10"), "price": D("100"),
    } | fields  # fmt: skip
    return ApprovedOrder(ts_event=START, terms=OrderTerms(**given), mid_price=100.0)


def cancel_request(client_order_id: str = ID) -> CancelRequest:
    return CancelRequest(ts_event=START, client_order_id=client_order_id, reason="test")


def approved_replace(client_order_id: str = ID, **fields: Any) -> ApprovedReplace:
    given: dict[str, Any] = {
        "new_client_order_id": "T00000001000000B",
        "quantity": D("8"),
        "price": D("101"),
    } | fields
    return ApprovedReplace(ts_event=START, client_order_id=client_order_id, **given)


# what venues say


R = TypeVar("R", bound=Report)


def _report(kind: type[R], fields: dict[str, Any]) -> R:
    given = {"client_order_id": ID, "venue_order_id": "v1", "account": "acc", "instrument": BTC} | fields
    return kind(ts_event=START, **given)


def accept(**fields: Any) -> AcceptReport:
    return _report(AcceptReport, fields)


def fill(trade_id: str = "1", quantity: str | int | Decimal = 4, **fields: Any) -> FillReport:
    given = {
        "trade_id": trade_id, "quantity": D(quantity), "side": "buy", "price": D("100"), "fee": D("0.1"),
        "fee_currency": "USDT", "liquidity": "maker",
    } | fields  # fmt: skip
    return _report(FillReport, given)


def cancelled(filled: str | int | Decimal = 0, **fields: Any) -> CancelReport:
    return _report(CancelReport, {"filled_quantity": D(filled)} | fields)


def expired(filled: str | int | Decimal = 0, **fields: Any) -> ExpiryReport:
    return _report(ExpiryReport, {"filled_quantity": D(filled), "reason": "IOC"} | fields)


def replaced(quantity: str | int = 8, price: str | int = 101, **fields: Any) -> ReplaceReport:
    given = {"quantity": D(quantity), "price": D(price), "stop_price": None} | fields
    return _report(ReplaceReport, given)


def adjusted(quantity: str | int = 20, price: str | int = 50, **fields: Any) -> AdjustReport:
    given = {"quantity": D(quantity), "price": D(price), "stop_price": None} | fields
    return _report(AdjustReport, given)


def rejected(command: str = "submit", code: str = "FUNDS", **fields: Any) -> RejectReport:
    return _report(
        RejectReport, {"command": command, "code": code, "text": "", "venue_order_id": None} | fields
    )


def status(word: str, filled: str | int = 0, **fields: Any) -> StatusReport:
    given = {"status": word, "filled_quantity": D(filled), "fills_complete": True} | fields
    return _report(StatusReport, given)


def unsure(command: str = "submit", **fields: Any) -> OutcomeUnknownReport:
    return _report(
        OutcomeUnknownReport, {"command": command, "reason": "TIMEOUT", "venue_order_id": None} | fields
    )


def not_sent(command: str = "submit", **fields: Any) -> NotSent:
    return _report(NotSent, {"command": command, "reason": "too old", "venue_order_id": None} | fields)


def venue_order(**fields: Any) -> VenueOrder:
    given: dict[str, Any] = {
        "instrument": BTC, "client_order_id": ID, "venue_order_id": "v1", "side": "buy", "quantity": D("10"),
        "filled_quantity": D("0"), "price": D("100"), "status": "accepted",
    } | fields  # fmt: skip
    return VenueOrder(**given)


def venue_fill(trade_id: str = "1", quantity: str | int | Decimal = 4, **fields: Any) -> VenueFill:
    given = {
        "instrument": BTC, "client_order_id": None, "venue_order_id": "v1", "side": "buy",
        "price": D("100"), "fee": D("0.1"), "fee_currency": "USDT", "liquidity": "maker", "ts_event": START,
    } | fields  # fmt: skip
    return VenueFill(trade_id=trade_id, quantity=D(quantity), **given)


def evidence(
    asked_seq: int,
    *,
    orders: tuple[VenueOrder, ...] | None = (),
    fills: tuple[VenueFill, ...] | None = (),
    read_to: str = "",
    venue_time_ms: int = START // 1_000_000,
) -> AccountEvidence:
    """A complete statement unless a part is None."""
    return AccountEvidence(
        ts_event=START,
        account="acc",
        orders=None if orders is None else OrdersEvidence(asked_seq=asked_seq, orders=orders),
        fills=(
            None if fills is None else FillsEvidence(asked_seq=asked_seq, fills=fills, read_to={BTC: read_to})
        ),
        balances=BalancesEvidence(asked_seq=asked_seq, total={}),
        venue_time_ms=venue_time_ms,
    )


def position(
    quantity: str | int | Decimal,
    *,
    net: str | int | None = None,
    strategy: str = "alpha",
    instrument: str = BTC,
) -> PositionChanged:
    return PositionChanged(
        ts_event=START,
        account="acc",
        strategy=strategy,
        instrument=instrument,
        quantity=D(quantity),
        entry_price_average=D("100"),
        realised_pnl=D("0"),
        account_quantity=D(quantity if net is None else net),
        client_order_id=None,
        filled_quantity=D("0"),
    )
