"""Builders that state only what matters to a test of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

import msgspec

from actors.core.sequencer import Sequencer
from actors.messages.account import AccountReconciled, BalanceChanged, PositionChanged
from actors.messages.base import Message
from actors.messages.control import Approve, ClearHalt, OperatorCommand, Scope, Started
from actors.messages.market import Quote
from actors.messages.orders import (
    ApprovedOrder,
    OrderAccepted,
    OrderCancelled,
    OrderDenied,
    OrderFact,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderTerms,
    Side,
)
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.venue_rules import PLAIN_OFFER, Offer
from actors.risk.actor import RiskActor
from actors.risk.gate import RiskAccount
from actors.risk.limits import RiskLimits, StrategyLimits

SECOND = 1_000_000_000
BTC = "BTCUSDT@binance"
ETH = "ETHUSDT@binance"
ETHBTC = "ETHBTC@binance"
M = TypeVar("M", bound=Message)
F = TypeVar("F", bound=OrderFact | OrderDenied)
C = TypeVar("C", bound=OperatorCommand)
D = Decimal
_ids = count(1)


def an_instrument(base: str = "BTC", quote: str = "USDT", **changed: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": f"{base}{quote}@binance",
        "symbol": f"{base}{quote}",
        "venue": "binance",
        "kind": "spot",
        "base": base,
        "quote": quote,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changed})


INSTRUMENTS = {BTC: an_instrument(), ETH: an_instrument("ETH"), ETHBTC: an_instrument("ETH", "BTC")}
NO_LIMITS: Mapping[str, Any] = {
    "price_collar": None,
    "order_rate_max": None,
    "price_age_max_seconds": None,
    "market_margin": 0.0,
}


def limits(**changed: Any) -> RiskLimits:
    """Every limit off but the named ones."""
    return RiskLimits(**{**NO_LIMITS, **changed})


def a_risk_actor(
    given: RiskLimits | None = None,
    *,
    is_cash_account: bool = False,
    own: StrategyLimits | None = None,
    time_zone: str = "UTC",
    live_id: str | None = None,
    offer: Offer = PLAIN_OFFER,
    answers_margin: bool = True,
    instruments: Mapping[str, Instrument] = INSTRUMENTS,
) -> RiskActor:
    """`own` are the limits of strategy `s`."""
    account = RiskAccount(
        limits=given if given is not None else limits(),
        base_currency="USDT",
        is_cash_account=is_cash_account,
        instruments=tuple(INSTRUMENTS),
        time_zone=time_zone,
        offer=offer,
        answers_margin=answers_margin,
    )
    return RiskActor(
        accounts={"main": msgspec.structs.replace(account, live_id=live_id), "second": account},
        strategies={"s": "main", "other": "main", "far": "second"},
        instruments=instruments,
        strategy_limits={"s": own} if own is not None else None,
    )


class Rig:
    """A gate alone on a sequencer, its accounts active and BTC and ETH quoted, unless asked otherwise."""

    def __init__(self, given: RiskLimits | None = None, *, is_active: bool = True, **settings: Any) -> None:
        self.risk = a_risk_actor(given, **settings)
        self.sequencer = Sequencer(actors=[self.risk], ids=ClientOrderIds(store_id="TEST", epoch=1))
        self.net: dict[str, Decimal] = {}
        self.own: dict[tuple[str, str], Decimal] = {}
        if is_active:
            self.feed(Started(ts_event=0, epoch=1), a_quote(100.0), a_quote(10.0, ETH), a_quote(0.1, ETHBTC))
            self.feed(*(AccountReconciled(ts_event=0, account=a, asked_seq=0) for a in ("main", "second")))

    def feed(self, *inputs: Message) -> list[Message]:
        """What the gate sent in answer; time stands still."""
        self.sequencer.sent.clear()
        for message in inputs:
            self.sequencer.run(message, self.sequencer.now)
        return list(self.sequencer.sent)

    def at(self, seconds: float) -> Rig:
        """Let time be this much after zero."""
        self.sequencer.now = int(seconds * SECOND)
        return self

    def approve(self, *, is_granted: bool = True) -> list[Message]:
        """Confirm, or refuse, what waits longest."""
        waiting = next(iter(self.risk.consent.approvals.pending))
        return self.feed(command(Approve, approval_id=waiting, is_granted=is_granted))

    def clear(self, scope: Scope | None = None) -> list[Message]:
        """Clear a halt, and confirm it."""
        self.feed(command(ClearHalt, scope))
        return self.approve()

    def only(self, kind: type[M], *inputs: Message) -> M:
        (found,) = [message for message in self.feed(*inputs) if isinstance(message, kind)]
        return found

    def verdict(
        self, side: Side = "buy", quantity: str = "1", price: str | None = None, **changed: Any
    ) -> str:
        """Approved order's word, or the code of the refusal."""
        (answer,) = self.feed(an_intent(side, quantity, price, **changed))
        if isinstance(answer, OrderDenied):
            return answer.code
        assert isinstance(answer, ApprovedOrder)
        return "approved"

    def hold(self, quantity: str, instrument: str = BTC, strategy: str = "s") -> Rig:
        """Let a strategy hold this much more, as a booking from before."""
        self.feed(self.position(D(quantity), None, D(0), instrument, strategy))
        return self

    def balance(self, asset: str, total: str) -> Rig:
        self.feed(BalanceChanged(ts_event=0, account="main", asset=asset, total=D(total)))
        return self

    def position(
        self, change: Decimal, order: str | None, filled: Decimal, instrument: str = BTC, strategy: str = "s"
    ) -> PositionChanged:
        """The booking of a change."""
        key = (strategy, instrument)
        self.own[key] = self.own.get(key, D(0)) + change
        self.net[instrument] = self.net.get(instrument, D(0)) + change
        return PositionChanged(
            ts_event=0,
            account="main",
            strategy=strategy,
            instrument=instrument,
            quantity=self.own[key],
            entry_price_average=D(0),
            realised_pnl=D(0),
            account_quantity=self.net[instrument],
            client_order_id=order,
            filled_quantity=filled,
        )


def some_terms(
    side: Side = "buy", quantity: str = "1", price: str | None = None, **changed: Any
) -> OrderTerms:
    fields: dict[str, Any] = {
        "client_order_id": f"order-{next(_ids)}",
        "account": "main",
        "strategy": "s",
        "instrument": BTC,
        "side": side,
        "order_type": "market" if price is None else "limit",
        "quantity": D(quantity),
        "price": None if price is None else D(price),
    }
    return OrderTerms(**{**fields, **changed})


def an_intent(
    side: Side = "buy", quantity: str = "1", price: str | None = None, **changed: Any
) -> OrderIntent:
    return OrderIntent(ts_event=0, terms=some_terms(side, quantity, price, **changed), mid_price=None)


def a_quote(mid: float, instrument: str = BTC, spread: float = 0.0, ts_event: int = 0) -> Quote:
    return Quote(
        ts_event=ts_event,
        instrument=instrument,
        bid_price=mid - spread / 2,
        bid_size=1.0,
        ask_price=mid + spread / 2,
        ask_size=1.0,
    )


def a_fact(kind: type[F], terms: OrderTerms, **fields: Any) -> F:
    return kind(
        ts_event=0,
        client_order_id=terms.client_order_id,
        account=terms.account,
        strategy=terms.strategy,
        instrument=terms.instrument,
        **fields,
    )


def accepted(terms: OrderTerms) -> OrderAccepted:
    return a_fact(OrderAccepted, terms, venue_order_id="7")


def unknown(terms: OrderTerms) -> OrderOutcomeUnknown:
    return a_fact(OrderOutcomeUnknown, terms, command="submit", reason="timeout")


def cancelled(terms: OrderTerms, filled: str = "0") -> OrderCancelled:
    return a_fact(OrderCancelled, terms, filled_quantity=D(filled))


def a_fill(terms: OrderTerms, quantity: str, remaining: str) -> OrderFilled:
    return a_fact(
        OrderFilled,
        terms,
        venue_order_id="7",
        trade_id=f"t{next(_ids)}",
        side=terms.side,
        quantity=D(quantity),
        price=terms.price or D(100),
        fee=D(0),
        fee_currency="USDT",
        liquidity="taker",
        remaining=D(remaining),
        mid_price=None,
    )


def command(kind: type[C], scope: Scope | None = None, **fields: Any) -> C:
    return kind(ts_event=0, scope=scope or Scope(), command_id=f"c{next(_ids)}", by="uid=1000", **fields)
