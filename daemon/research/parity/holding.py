"""What the recorded positions would have cost to hold at the simulated venue: funding, borrow, dividends.

Which positions were held, and how much cash, stays as recorded: every fill is booked as it was. What that
brings and costs is asked of the simulated venue's clearing, at the rates of its model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from actors.core.sequencer import Sequencer
from actors.messages.account import CashTransferred
from actors.messages.clearing import PositionCharged
from actors.messages.market import MARKET_DATA, CorporateAction, FundingRate, MarketData
from actors.model.contracts import Contracts, settle
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.venues.simulated.accounts import Account
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.clearing import DAY_NS
from actors.venues.simulated.corporate import entitle
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.holding_costs import charge_day, fund
from actors.venues.simulated.margin import MarginAccount
from daemon.config import Config
from daemon.graph import StrategyClasses
from daemon.research.parity.inherited import place
from daemon.research.parity.orders import Execution, Order, Orders
from daemon.research.parity.session import Session
from daemon.research.parity.simulate import restored_core
from daemon.research.parity.timing import RecordedTimes

_MARKET = frozenset(MARKET_DATA)


class _Booking(NamedTuple):
    """One recorded fill when it came about, by our clock."""

    at: int
    order: Order
    fill: Execution


def held_charges(
    session: Session, classes: StrategyClasses, config: Config, orders: Orders, times: RecordedTimes
) -> list[PositionCharged]:
    """Every charge on what was really held.

    Args:
        config: Whose margin, rates and accounts are asked.
        orders: As recorded.
    """
    core = restored_core(session, classes, config, [])
    for venue in core.venues:
        place(venue.engine, (), config.accounts)  # what rests is not to fill: the record says what did
    sequencer = Sequencer(venues=core.venues, actors=[], ids=core.sequencer.ids, keep_sent=False)
    holdings = _Holdings(core.venues, _bookings(orders, times, session.ts_started), session)
    charges: list[PositionCharged] = []
    for taken in session.inputs():
        charges += holdings.until(taken.ts_init)
        for message in (taken.message, *taken.sent):
            if isinstance(message, CashTransferred):
                holdings.transferred(message)
        if taken.message.__class__ in _MARKET:
            sequencer.run(taken.message, taken.ts_init)
            charges += holdings.follow(taken.message)
    return [charge for charge in charges if charge.amount]


def _bookings(orders: Orders, times: RecordedTimes, start: int) -> list[_Booking]:
    """In order; what filled before the start and was only told later is held from the start."""
    made = []
    for order in orders.values():
        for fill in order.fills:
            at = times.here(order.terms.account, fill.ts, fill.ts_known)
            if at >= start:
                made.append(_Booking(max(at, order.ts_decided), order, fill))
    return sorted(made, key=lambda each: each.at)


class _Holdings:
    """The accounts of the simulated venues, holding what was recorded."""

    def __init__(
        self, venues: Sequence[SimulatedVenueActor], bookings: Sequence[_Booking], session: Session
    ) -> None:
        self._engines = [venue.engine for venue in venues]
        self._accounts: dict[str, Account] = {}
        for engine in self._engines:
            self._accounts.update(engine.desk.accounts)
        self._instruments = session.instruments
        self._bookings, self._place = bookings, 0
        self._day_due = (session.ts_started // DAY_NS + 1) * DAY_NS
        self._done: set[tuple[str, str]] = set()

    def until(self, now: int) -> Iterator[PositionCharged]:
        """Book what was filled before, and charge the days that are over."""
        while self._day_due <= now:
            self._book(self._day_due - 1)
            for account in self._accounts.values():
                if isinstance(account, MarginAccount):
                    yield from charge_day(account, self._day_due // DAY_NS - 1, self._day_due)
            self._day_due += DAY_NS
        self._book(now)

    def _book(self, until: int) -> None:
        """What is under way arrives by timers, which come before an input of the same time."""
        while self._place < len(self._bookings) and self._bookings[self._place].at <= until:
            _, order, fill = self._bookings[self._place]
            self._place += 1
            account = self._accounts[order.terms.account]
            _exchange(account, self._instruments[order.terms.instrument], order, fill)

    def transferred(self, transfer: CashTransferred) -> None:
        """Cash came or went; what the session opened with is there already."""
        key = (transfer.account, transfer.transfer_id)
        if transfer.reason != "opening" and key not in self._done:
            self._done.add(key)
            _add(self._accounts[transfer.account], transfer.asset, transfer.amount)

    def follow(self, message: MarketData) -> Iterator[PositionCharged]:
        """What this message brings or costs whoever holds the instrument."""
        match message:
            case FundingRate():
                for engine in self._engines_of(message.instrument):
                    for account in engine.desk.accounts.values():
                        if isinstance(account, MarginAccount):
                            yield from fund(account, self._instruments[message.instrument], message)
            case CorporateAction() if (message.instrument, message.action_id) not in self._done:
                self._done.add((message.instrument, message.action_id))
                for engine in self._engines_of(message.instrument):
                    market = engine.markets[message.instrument]
                    market.on_corporate_action(message)
                    for account in engine.desk.accounts.values():
                        said = entitle(account, market, message)
                        yield from (each for each in said if isinstance(each, PositionCharged))
            case _:
                pass

    def _engines_of(self, instrument: str) -> Iterator[MatchingEngine]:
        return (engine for engine in self._engines if instrument in engine.markets)


def _exchange(account: Account, instrument: Instrument, order: Order, fill: Execution) -> None:
    """Book a fill as it was; whether it could be paid was settled when it was traded."""
    change = fill.quantity if order.terms.side == "buy" else -fill.quantity
    if not instrument.is_derivative:
        _add(account, instrument.base, change)
        _add(account, instrument.quote, -change * fill.price * instrument.multiplier)
    elif isinstance(account, MarginAccount):
        held = account.contracts.get(instrument.id, Contracts())
        account.contracts[instrument.id], gained = settle(held, change, fill.price)
        _add(account, instrument.quote, gained * instrument.multiplier)
    _add(account, fill.fee_currency, -fill.fee)


def _add(account: Account, asset: str, amount: Decimal) -> None:
    account.total[asset] = account.total.get(asset, ZERO) + amount
