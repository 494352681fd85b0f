"""The parity report of a session: simulated and recorded side by side, and the difference by its causes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

import msgspec

from actors.ledger.exact import EXACT
from actors.messages.clearing import ChargeKind, PositionCharged
from actors.model.money import ZERO
from daemon.config import Config
from daemon.graph import StrategyClasses
from daemon.research.history import History
from daemon.research.parity.fit import Fit, Told, fitted
from daemon.research.parity.holding import held_charges
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.ladder import (
    CAUSES,
    Marks,
    Rung,
    is_same,
    labelled,
    order_effects,
    recorded_rungs,
    steps,
)
from daemon.research.parity.orders import Order, OrderBook, Orders
from daemon.research.parity.retold import is_alike, retold
from daemon.research.parity.session import Session
from daemon.research.parity.simulate import simulate, unchanged_classes
from daemon.research.parity.timing import RecordedTimes


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One order in one of the two."""

    client_order_id: str
    ts_decided: int
    ts_filled: int | None
    """First fill, by the venue."""
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    """Average."""
    status: str


class OrderDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One order that came out differently in the two, or on the way from one to the other."""

    strategy: str
    instrument: str
    side: str
    ts_decided: int
    simulated: Side | None
    """None: it did not come to this order there."""
    recorded: Side | None
    effects: dict[str, Decimal]
    """Cause → account currency; causes that changed nothing are left out."""
    difference: Decimal
    """Recorded less simulated P&L."""


class ChargeDifference(msgspec.Struct, frozen=True, kw_only=True):
    """All charges of one kind on one instrument, in both."""

    kind: ChargeKind
    instrument: str | None
    """None for interest."""
    simulated: Decimal
    """Account currency, > 0 came in."""
    recorded: Decimal
    effects: dict[str, Decimal]
    """Cause → account currency, every cause."""
    difference: Decimal
    """Recorded less simulated."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two in figures."""

    pnl: Decimal
    """Of the session's own orders at its last prices, fees taken off, and of charges; account currency."""
    orders: int
    fills: int
    denied: int


class AccountParity(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    currency: str
    simulated: Count
    recorded: Count
    difference: Decimal
    """Recorded less simulated."""
    effects: dict[str, Decimal]
    """Cause → account currency; they add up to the difference exactly."""
    ladder: dict[str, Decimal]
    """P&L of each run, from the simulation to the record."""
    same_orders: int
    """Orders that filled alike in both."""
    differences: list[OrderDifference]
    """Largest first."""
    charges: list[ChargeDifference]
    """What holding brought and cost, and what was put right of fills afterwards: all there was of either."""
    fit: Fit


class ParityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `tickerd parity --json` prints."""

    session: str
    start: int
    end: int
    """Nanoseconds UTC."""
    accounts: dict[str, AccountParity]


def parity(
    session: Session,
    classes: StrategyClasses,
    config: Config | None = None,
    history: History | None = None,
) -> ParityReport:
    """Line a session up with its simulation.

    Args:
        config: Whose fill model, latencies and fees are looked at; the session's own by default.
        history: What the simulation would have had for market data; by default what the session had.
    Raises:
        TradingError: The session cannot be simulated: other code, or nothing to value it by.
    """
    classes, model = unchanged_classes(session, classes), config or session.config
    record, times = recorded_book(session), RecordedTimes(session)
    in_time = simulate(session, classes, config=model)
    modelled = simulate(session, classes, config=model, data=history) if history else in_time
    timed = simulate(session, classes, config=model, times=times)
    marks = Marks(in_time.market, session.instruments, session.splits)
    latency = labelled("latency", timed.book, record.orders)
    data = labelled("data", in_time.book, latency.orders)
    told = retold(session, classes, record.orders, times, model, latency.orders)
    held = held_charges(session, classes, model, record.orders, times)
    held = _as_simulated(held, latency, record.orders, model)
    rungs = [
        labelled("modelled", modelled.book, data.orders),
        data,
        latency,
        *recorded_rungs(told, record, held),
    ]
    books = modelled.book, record
    return ParityReport(
        session=session.label,
        start=session.ts_started,
        end=session.ts_ended,
        accounts={name: _account(name, model, rungs, marks, books, times) for name in model.accounts},
    )


def _as_simulated(
    held: list[PositionCharged], simulated: Rung, recorded: Orders, config: Config
) -> list[PositionCharged]:
    """What holding costs; of accounts whose orders all came out alike the simulation has said it."""
    charges: list[PositionCharged] = []
    for name in config.accounts:
        ours, theirs = (
            {key: order for key, order in orders.items() if order.terms.account == name}
            for orders in (simulated.orders, recorded)
        )
        is_same_account = ours.keys() == theirs.keys() and all(
            is_alike(ours[key], theirs[key]) for key in ours
        )
        charges += [each for each in (simulated.charges if is_same_account else held) if each.account == name]
    return charges


def _account(
    name: str,
    config: Config,
    rungs: list[Rung],
    marks: Marks,
    books: tuple[OrderBook, OrderBook],
    times: RecordedTimes,
) -> AccountParity:
    currency = config.accounts[name].base_currency
    own = [rung.of(name) for rung in rungs]
    ladder = {rung.name: _pnl(rung, marks, currency) for rung in own}
    labels = list(dict.fromkeys(label for rung in reversed(own) for label in rung.orders))
    by_label = {label: order_effects(own, label, marks, currency) for label in labels}
    charges = _charges(own, marks, currency)
    parts = [*by_label.values(), *(each.effects for each in charges)]
    total = {cause: _sum(found[cause] for found in parts) for cause in CAUSES}
    difference = EXACT.subtract(ladder[own[-1].name], ladder[own[0].name])
    assert _sum(total.values()) == difference, "each substitution stands between two runs, so they add up"
    changed = [each for label, found in by_label.items() if (each := _difference(own, label, found)).effects]
    changed.sort(key=lambda each: abs(each.difference), reverse=True)
    simulated, recorded = (
        _count(ladder[rung.name], rung, book.denied_of(name))
        for rung, book in ((own[0], books[0]), (own[-1], books[1]))
    )
    return AccountParity(
        currency=currency,
        simulated=simulated,
        recorded=recorded,
        difference=difference,
        effects=total,
        ladder=ladder,
        same_orders=sum(_is_alike(own, label) for label in labels if label in own[-1].orders),
        differences=changed,
        charges=charges,
        fit=fitted(name, config, times, Told(own[-1].orders, own[3].orders), marks),
    )


def _pnl(rung: Rung, marks: Marks, currency: str) -> Decimal:
    orders = _sum(marks.worth(order, currency) for order in rung.orders.values())
    return EXACT.add(orders, _sum(marks.charged(charge, currency) for charge in rung.charges))


def _charges(rungs: list[Rung], marks: Marks, currency: str) -> list[ChargeDifference]:
    """Every kind and instrument that any run has a charge of."""
    found = []
    known = dict.fromkeys((each.kind, each.instrument) for rung in reversed(rungs) for each in rung.charges)
    for kind, instrument in known:
        worth = [
            _sum(
                marks.charged(each, currency)
                for each in rung.charges
                if (each.kind, each.instrument) == (kind, instrument)
            )
            for rung in rungs
        ]
        found.append(
            ChargeDifference(
                kind=kind,
                instrument=instrument,
                simulated=worth[0],
                recorded=worth[-1],
                effects=steps(rungs, worth),
                difference=EXACT.subtract(worth[-1], worth[0]),
            )
        )
    return found


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def _is_alike(rungs: list[Rung], label: str) -> bool:
    return is_same(rungs[0].orders.get(label), rungs[-1].orders.get(label))


def _difference(rungs: list[Rung], label: str, found: dict[str, Decimal]) -> OrderDifference:
    simulated, recorded = rungs[0].orders.get(label), rungs[-1].orders.get(label)
    known = recorded or simulated
    known = known or next(rung.orders[label] for rung in rungs if label in rung.orders)
    causes = {
        rung.name: found[rung.name]
        for before, rung in pairwise(rungs)
        if not is_same(before.orders.get(label), rung.orders.get(label))
    }
    return OrderDifference(
        strategy=known.terms.strategy,
        instrument=known.terms.instrument,
        side=known.terms.side,
        ts_decided=known.ts_decided,
        simulated=_side(simulated),
        recorded=_side(recorded),
        effects=causes,
        difference=_sum(found.values()),
    )


def _side(order: Order | None) -> Side | None:
    if order is None:
        return None
    return Side(
        client_order_id=order.terms.client_order_id,
        ts_decided=order.ts_decided,
        ts_filled=order.first_fill,
        quantity=order.terms.quantity,
        filled=order.filled,
        price=order.price,
        status=order.status,
    )


def _count(pnl: Decimal, rung: Rung, denied: int) -> Count:
    return Count(
        pnl=pnl,
        orders=len(rung.orders),
        fills=sum(len(order.fills) for order in rung.orders.values()),
        denied=denied,
    )
