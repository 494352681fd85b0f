"""From the simulation to the record one substitution at a time, and what each of them is worth.

    modelled       everything as a backtest of the session has it, or of a history where one is given
    data           market data as they came in the place of the history's; without one nothing changes
    latency        market data, commands, answers and connections took as long as recorded
    queue          what the venue did with the orders: taken or refused, which filled, when, how much
    slippage       the prices that were paid
    fees           the fees that were charged
    funding        what perpetuals paid and received
    borrow         what borrowed shares cost
    dividends      what was paid out
    interest       what owed cash cost; now everything is as recorded

The first three are whole runs of all actors. Behind them come the recorded fills at the simulation's prices
and fees, at its fees, and as they were, with what the simulation would charge for holding what was held; the
last four put the recorded charges in its place. What a substitution is worth is the difference of the two
P&Ls it stands between, so all add up to the whole difference by construction; nothing is left over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from actors.core.market import MarketBoard
from actors.errors import TradingError
from actors.ledger.exact import EXACT
from actors.messages.clearing import ChargeBooked, ChargeKind, PositionCharged
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.model.splits import scaled
from actors.views.valuation import Valuation
from daemon.research.parity.orders import Order, OrderBook, Orders
from daemon.research.parity.session import Split

HOLDING = ("funding", "borrow", "dividends", "interest")
"""Causes that only sessions with such positions have."""
CAUSES = ("data", "latency", "queue", "slippage", "fees", *HOLDING)
CAUSE_OF: Mapping[ChargeKind, str] = {
    "funding": "funding",
    "borrow": "borrow",
    "dividend": "dividends",
    "interest": "interest",
}
TOGETHER_NS = 1_000_000_000
"""Two orders alike that were decided so near to each other are the same one in two runs."""


class Marks:
    """What instruments and assets are worth at the session's end, exactly, the same for every run."""

    def __init__(
        self,
        market: MarketBoard,
        instruments: Mapping[str, Instrument],
        splits: Mapping[str, Sequence[Split]],
    ) -> None:
        """`splits` are those of the session: what was traded before one is more or fewer shares now."""
        self._market, self._instruments, self._splits = market, instruments, splits
        self._valuation = Valuation(instruments.values())

    def instrument(self, name: str) -> Instrument:
        """Its definition."""
        return self._instruments[name]

    def mark(self, instrument: str) -> Decimal:
        """Quote currency per unit.

        Raises:
            TradingError: Nothing ever came for it.
        """
        mark = self._market.mark_price(instrument)
        if mark is None:
            raise TradingError(f"the session has no price of {instrument}: its positions cannot be valued")
        return Decimal(repr(mark))

    def rate(self, asset: str, currency: str) -> Decimal:
        """Units of `currency` for one of `asset`.

        Raises:
            TradingError: No instrument of the session joins the two.
        """
        rate = self._valuation.price(asset, currency, self._market)
        if rate is None:
            raise TradingError(f"no instrument of the session gives {asset} a price in {currency}")
        return Decimal(repr(rate))

    def worth(self, order: Order, currency: str) -> Decimal:
        """P&L of an order at the session's end: what its fills paid and what they hold, less fees.

        The fraction of a share that a split pays out counts as if it were still held.
        """
        instrument = self._instruments[order.terms.instrument]
        mark, total = self.mark(instrument.id), ZERO
        multiply, subtract = EXACT.multiply, EXACT.subtract
        unit = multiply(instrument.multiplier, self.rate(instrument.quote, currency))
        for fill in order.fills:
            held = self._now(instrument.id, fill.quantity, fill.ts)
            gain = subtract(multiply(held, mark), multiply(fill.quantity, fill.price))
            gain = multiply(gain if order.terms.side == "buy" else -gain, unit)
            fee = fill.fee
            if fill.fee_currency == instrument.base:
                fee = self._now(instrument.id, fee, fill.ts)
            fee = multiply(fee, self._fee_rate(fill.fee_currency, instrument, currency))
            total = EXACT.add(total, subtract(gain, fee))
        return total

    def _now(self, instrument: str, quantity: Decimal, ts: int) -> Decimal:
        """What a quantity of then is at the session's end."""
        for split in self._splits.get(instrument, ()):
            if ts < split.ts:
                quantity = scaled(quantity, split.before, split.after)
        return quantity

    def charged(self, charge: PositionCharged | ChargeBooked, currency: str) -> Decimal:
        """What a charge brought, > 0, or cost."""
        return EXACT.multiply(charge.amount, self.rate(charge.asset, currency))

    def _fee_rate(self, asset: str, instrument: Instrument, currency: str) -> Decimal:
        if asset == instrument.base:  # the same price as the position's
            return EXACT.multiply(self.mark(instrument.id), self.rate(instrument.quote, currency))
        return self.rate(asset, currency)


class Rung(NamedTuple):
    """One run: its orders under labels that name the same order in all runs, and what holding brought."""

    name: str
    orders: Orders
    charges: Sequence[PositionCharged]

    def of(self, account: str) -> Rung:
        """What of it belongs to this account."""
        orders = {key: order for key, order in self.orders.items() if order.terms.account == account}
        return Rung(self.name, orders, [each for each in self.charges if each.account == account])


def labelled(name: str, book: OrderBook, above: Orders) -> Rung:
    """The orders of a run under the labels of the run above it; what that one does not have gets its own."""
    labels = _same(book.orders, above)
    own = {labels.get(key, f"{name}:{key}"): order for key, order in book.orders.items()}
    return Rung(name, own, book.charges)


def recorded_rungs(
    told: Sequence[Orders], record: OrderBook, held: Sequence[PositionCharged]
) -> Iterator[Rung]:
    """The rungs on which the recorded orders stand, down to the record.

    Args:
        told: Their fills at the simulation's prices and fees, and at its fees.
        held: What the simulation charges for holding what was held.
    """
    replaced: set[str] = set()
    for name, orders in zip(CAUSES[2:], (*told, *[record.orders] * (1 + len(HOLDING))), strict=True):
        replaced.add(name)
        charges = [each for each in held if CAUSE_OF[each.kind] not in replaced]
        charges += [each for each in record.charges if CAUSE_OF[each.kind] in replaced]
        yield Rung(name, orders, charges)


def _same(orders: Orders, above: Orders) -> dict[str, str]:
    """Our key → theirs, for orders of one kind that were decided at the same time."""
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for label, order in above.items():
        groups.setdefault(_kind(order), []).append((order.ts_decided, label))
    ours: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for key, order in orders.items():
        ours.setdefault(_kind(order), []).append((order.ts_decided, key))
    found: dict[str, str] = {}
    for kind, mine in ours.items():
        found.update(_paired(sorted(mine), sorted(groups.get(kind, ()))))
    return found


def _kind(order: Order) -> tuple[str, ...]:
    terms = order.terms
    return terms.account, terms.strategy, terms.instrument, terms.side, terms.order_type


def _paired(mine: list[tuple[int, str]], theirs: list[tuple[int, str]]) -> Iterable[tuple[str, str]]:
    """Walk both in order of time; at equal times first come, first paired."""
    place = 0
    for number, (ts, key) in enumerate(mine):
        while place < len(theirs) and theirs[place][0] < ts - TOGETHER_NS:
            place += 1
        following = mine[number + 1][0] if number + 1 < len(mine) else None
        # A later one of theirs may be nearer, unless it is nearer still to our next.
        while (
            place + 1 < len(theirs)
            and abs(theirs[place + 1][0] - ts) < abs(theirs[place][0] - ts)
            and (following is None or abs(theirs[place + 1][0] - ts) <= abs(theirs[place + 1][0] - following))
        ):
            place += 1
        if place < len(theirs) and theirs[place][0] <= ts + TOGETHER_NS:
            yield key, theirs[place][1]
            place += 1


def order_effects(rungs: list[Rung], label: str, marks: Marks, currency: str) -> dict[str, Decimal]:
    """Cause → what it is worth in one order, from the simulation to the record."""
    worth = [marks.worth(rung.orders[label], currency) if label in rung.orders else ZERO for rung in rungs]
    return steps(rungs, worth)


def steps(rungs: list[Rung], worth: Sequence[Decimal]) -> dict[str, Decimal]:
    """Cause → by how much its rung is worth more than the one before."""
    return {
        rung.name: EXACT.subtract(after, before)
        for rung, before, after in zip(rungs[1:], worth, worth[1:], strict=False)
    }


def is_same(one: Order | None, two: Order | None) -> bool:
    """Whether an order came out alike in two runs: quantity, price and fees."""
    if one is None or two is None:
        return one is two
    return _figures(one) == _figures(two)


def _figures(order: Order) -> tuple[object, ...]:
    fees: dict[str, Decimal] = {}
    for fill in order.fills:
        fees[fill.fee_currency] = fees.get(fill.fee_currency, ZERO) + fill.fee
    return order.filled, order.price, fees
