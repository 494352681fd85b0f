"""A venue with its clearing, an OMS and a ledger on one sequencer: orders and prices in, books out."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

import msgspec

from actors.core.sequencer import CoreSnapshot, Sequencer
from actors.ledger.account_book import LedgerAccount
from actors.ledger.actor import LedgerActor
from actors.messages.base import Message
from actors.messages.control import Started
from actors.messages.market import Bar, CorporateAction, FundingRate, Quote
from actors.messages.orders import ApprovedOrder, OrderFilled, OrderTerms, Side
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.venue_rules import VenueRules
from actors.oms.actor import OmsActor
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.clearing import ClearingActor
from actors.venues.simulated.settings import SimulatedVenueSettings

D = Decimal
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 19_999 * DAY + 14 * 3_600 * SECOND
"""A Thursday."""
ACME, PERP = "ACME@sim", "BTCUSD-PERP@sim"
M = TypeVar("M", bound=Message)


def instruments() -> dict[str, Instrument]:
    share = Instrument(
        id=ACME,
        symbol="ACME",
        venue="sim",
        kind="equity",
        base="ACME",
        quote="USD",
        tick_size=D("0.01"),
        lot_size=D(1),
    )
    perpetual = Instrument(
        id=PERP,
        symbol="BTCUSD-PERP",
        venue="sim",
        kind="perpetual",
        base="BTC",
        quote="USD",
        tick_size=D("0.5"),
        lot_size=D(1),
        multiplier=D("0.01"),
    )
    return {ACME: share, PERP: perpetual}


class Rig:
    """`account` is on margin with 10,000 USD unless the settings say otherwise; nobody pays fees."""

    def __init__(self, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "maker_fee": D(0),
            "taker_fee": D(0),
            "latency_ms": 0.0,
            "account_type": "margin",
            "opening_balances": {"USD": D(10_000)},
        }
        settings = SimulatedVenueSettings(**(fields | changes))
        known = instruments()
        rules = VenueRules(venue="sim", native_replace=False, receive_window_ms=5_000)
        self.venue = SimulatedVenueActor(name="venue:sim", accounts={"main": settings}, instruments=known)
        self.clearing = ClearingActor(name="clearing:sim", venue=self.venue)
        self.oms = OmsActor(rules={"main": rules}, instruments=known, reconcile_ns={"main": 0})
        self.ledger = LedgerActor(
            accounts={"main": LedgerAccount(base_currency="USD", snapshot_ns=DAY)}, instruments=known
        )
        self.sequencer = Sequencer(
            venues=[self.venue, self.clearing],
            actors=[self.oms, self.ledger],
            ids=ClientOrderIds(store_id="TEST", epoch=1),
        )
        self.now = START
        self._ids = count(1)
        self.run(Started(ts_event=START, epoch=1))
        self.wait(1)

    # going on

    def run(self, message: Message) -> list[Message]:
        """What was sent because of it."""
        self.sequencer.sent.clear()
        self.sequencer.run(message, self.now)
        return list(self.sequencer.sent)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += round(seconds * SECOND)

    def quote(
        self, bid: float, ask: float | None = None, instrument: str = ACME, size: float = 1e6
    ) -> list[Message]:
        """A quote, with enough size for everything if nothing else is said, a second later."""
        self.wait(1)
        ask = bid if ask is None else ask
        return self.run(
            Quote(
                ts_event=self.now,
                instrument=instrument,
                bid_price=float(bid),
                bid_size=size,
                ask_price=float(ask),
                ask_size=size,
            )
        )

    def bar(self, *prices: float, instrument: str = ACME) -> list[Message]:
        """Open, high, low, close of one minute."""
        self.wait(60)
        open_, high, low, close = map(float, prices)
        return self.run(
            Bar(
                ts_event=self.now,
                instrument=instrument,
                interval_ns=60 * SECOND,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=1e6,
            )
        )

    def order(
        self,
        side: Side,
        quantity: str,
        price: str | None = None,
        *,
        stop: str | None = None,
        instrument: str = ACME,
        strategy: str = "s",
        **changes: Any,
    ) -> list[Message]:
        """An approved order arrives at the venue; returns everything said about it at once."""
        kinds: dict[tuple[bool, bool], Any] = {
            (False, False): "market",
            (True, False): "limit",
            (False, True): "stop",
            (True, True): "stop_limit",
        }
        terms = OrderTerms(
            client_order_id=f"o{next(self._ids)}",
            account="main",
            strategy=strategy,
            instrument=instrument,
            side=side,
            order_type=changes.pop("order_type", kinds[price is not None, stop is not None]),
            quantity=D(quantity),
            price=None if price is None else D(price),
            stop_price=None if stop is None else D(stop),
            **changes,
        )
        self.wait(1)
        sent = self.run(ApprovedOrder(ts_event=self.now, terms=terms, mid_price=None))
        self.sequencer.sent.clear()
        self.wait(0.001)
        self.sequencer._run_timers(self.now)
        return sent + list(self.sequencer.sent)

    def split(self, after: str, before: str, **changes: Any) -> list[Message]:
        return self.act(shares_after=D(after), shares_before=D(before), **changes)

    def dividend(self, amount: str, **changes: Any) -> list[Message]:
        return self.act(dividend=D(amount), **changes)

    def act(self, *, action_id: str | None = None, instrument: str = ACME, **changes: Any) -> list[Message]:
        self.wait(1)
        return self.run(
            CorporateAction(
                ts_event=self.now,
                instrument=instrument,
                action_id=action_id or f"action-{next(self._ids)}",
                **changes,
            )
        )

    def fund(self, rate: float, mark: float | None = None) -> list[Message]:
        self.wait(1)
        return self.run(FundingRate(ts_event=self.now, instrument=PERP, rate=rate, mark_price=mark))

    # looking

    def cash(self) -> Decimal:
        """By our books."""
        return self.ledger.balances("main").get("USD", D(0))

    def at_venue(self, asset: str = "USD") -> Decimal:
        return self.venue.engine.desk.accounts["main"].total.get(asset, D(0))

    def held(self, instrument: str = ACME, strategy: str = "s") -> Decimal:
        for position in self.ledger.positions("main"):
            if (position.instrument, position.strategy) == (instrument, strategy):
                return position.quantity
        return D(0)

    def equity(self) -> float:
        return self.ledger.at_mark("main").equity

    def resting(self) -> list[tuple[str, Decimal, Decimal | None, Decimal | None]]:
        """Side, quantity, price and stop price of open orders at the venue; the OMS must know the same."""
        open_orders = self.venue.engine.open_orders("main")
        ours = {o.terms.client_order_id: o.terms for o in self.oms.orders() if not o.is_closed}
        assert {o.client_order_id for o in open_orders} == set(ours)
        for order in open_orders:
            terms = ours[order.client_order_id]
            assert (terms.quantity, terms.price, terms.stop_price) == (
                order.quantity, order.price, order.stop_price,
            )  # fmt: skip
        return [(o.side, o.quantity, o.price, o.stop_price) for o in open_orders]

    def bytes(self) -> bytes:
        return msgspec.msgpack.encode(self.sequencer.snapshot())

    def restarted(self) -> Rig:
        """Another rig, brought to this one's state by way of bytes."""
        again = object.__new__(Rig)
        settings = {"main": self.venue.engine.desk.accounts["main"].settings}
        fresh = Rig(**{f: getattr(settings["main"], f) for f in settings["main"].__struct_fields__})
        again.__dict__.update(fresh.__dict__)
        again.sequencer.restore(msgspec.msgpack.decode(self.bytes(), type=CoreSnapshot))
        again.now, again._ids = self.now, self._ids
        return again


def only(kind: type[M], messages: list[Message]) -> M:
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


def fills(messages: list[Message]) -> list[tuple[Side, Decimal, Decimal, str]]:
    return [(m.side, m.quantity, m.price, m.liquidity) for m in messages if isinstance(m, OrderFilled)]
