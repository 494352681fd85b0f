"""Clearing: what positions at a simulated venue bring and cost without a trade, and whether they are covered.

Reads   CorporateAction, FundingRate   from feeds, behind the venue and before all other actors
        Quote, Trade, Bar              from feeds: marks, where any account is on margin
        Started                        begins the days
        ClearingDay                    its own timer
Writes  PositionSplit, PositionCharged to ledger
        AdjustReport, ExpiryReport     to oms: what splits, dividends and margin calls do to orders
        FillReport                     to oms: liquidations, by way of the venue's market
        MarginCalled                   to alerts and results
State   margin calls that stand, actions carried out, the coming day; balances are the venue's
Fails   fatal: a position that is charged twice, or not at all, would make every figure wrong

It works on the accounts of one venue and stands directly behind it. What it does itself is known at once, in
the step of the cause: equity is never seen with new shares at old prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from actors.core.actor import CoreActor, Handler
from actors.messages.base import Message
from actors.messages.clearing import ClearingDay, MarginCalled
from actors.messages.control import Started
from actors.messages.market import Bar, CorporateAction, FundingRate, Quote, Trade
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.corporate import act
from actors.venues.simulated.events import Adjusted, VenueEvent
from actors.venues.simulated.holding_costs import charge_day, fund
from actors.venues.simulated.liquidation import to_close
from actors.venues.simulated.margin import MarginAccount
from actors.venues.simulated.reports import report_of

DAY_NS = 86_400_000_000_000
SECOND_NS = 1_000_000_000
_PRICES = (Quote, Trade, Bar)


class ClearingState(msgspec.Struct, array_like=True):
    """Clearing as checkpoints keep it."""

    called: dict[str, int]
    actions: dict[str, list[str]]
    day_due: int


class ClearingActor(CoreActor):
    """Clears the accounts of one venue."""

    state_type = ClearingState

    def __init__(self, *, name: str, venue: SimulatedVenueActor) -> None:
        self.name = name
        self._venue = venue
        self._engine = venue.engine
        accounts = venue.engine.desk.accounts
        self._margins = {name: a for name, a in accounts.items() if isinstance(a, MarginAccount)}
        self._called: dict[str, int] = {}
        """Account → when it was called, while its equity is too small."""
        self._actions: dict[str, dict[str, None]] = {}
        """Instrument → ids of the actions carried out."""
        self._day_due = 0

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """Prices only where they can call an account."""
        if instrument not in self._engine.markets or (kind in _PRICES and not self._margins):
            return ()
        return super().market_handlers(kind, instrument)

    # splits and dividends

    def on_corporate_action(self, action: CorporateAction) -> None:
        """Carry an action out, once."""
        done = self._actions.setdefault(action.instrument, {})
        if action.action_id in done:
            return
        done[action.action_id] = None
        events = self._engine.desk.begin(self.now)
        for message in act(self._engine.desk, self._engine.markets[action.instrument], action):
            self.send(message)
        self._tell(events)
        self._check_all()

    def _tell(self, events: Iterable[VenueEvent]) -> None:
        for event in events:
            report = report_of(event) if isinstance(event, Adjusted) else None
            if report is not None:
                self.send(report)
            else:
                self._venue.tell((event,))

    # what holding costs

    def on_started(self, started: Started) -> None:
        """Begin the days; timers of a former life go on by themselves."""
        if self._margins and not self._day_due:
            self._wait_for_day()

    def on_clearing_day(self, day: ClearingDay) -> None:
        """Charge the day that is over."""
        for account in self._margins.values():
            for charge in charge_day(account, day.ts_event // DAY_NS - 1, day.ts_event):
                self.send(charge)
        self._wait_for_day()
        self._check_all()

    def _wait_for_day(self) -> None:
        self._day_due = (self.now // DAY_NS + 1) * DAY_NS
        self.set_timer(self._day_due, ClearingDay(ts_event=self._day_due))

    def on_funding_rate(self, rate: FundingRate) -> None:
        """Funding is paid."""
        instrument = self._engine.markets[rate.instrument].instrument
        for account in self._margins.values():
            for charge in fund(account, instrument, rate):
                self.send(charge)
        self._check_all()

    # margin

    def on_price(self, price: Quote | Trade | Bar) -> None:
        """Marks have moved."""
        instrument = self._engine.markets[price.instrument].instrument
        for account in self._margins.values():
            if account.position(instrument):
                self._check(account)

    def _check_all(self) -> None:
        for account in self._margins.values():
            self._check(account)

    def _check(self, account: MarginAccount) -> None:
        """Call an account that is not covered, and close what it cannot carry once its time is up."""
        equity, requirement = account.equity(), account.maintenance()
        if equity >= requirement:
            self._called.pop(account.name, None)
            return
        grace_ns = round(account.margin.call_seconds * SECOND_NS)
        since = self._called.get(account.name)
        if since is None:
            since = self._called[account.name] = self.now
            self.send(
                MarginCalled(
                    ts_event=self.now,
                    account=account.name,
                    currency=account.currency,
                    equity=equity,
                    requirement=requirement,
                    deadline=since + grace_ns,
                )
            )
        if self.now >= since + grace_ns and not any(o.is_liquidation for o in account.open.values()):
            self._liquidate(account)

    def _liquidate(self, account: MarginAccount) -> None:
        self._tell(self._engine.expire_all(account.name, "MARGIN_CALL", self.now))
        for instrument, change in to_close(account):
            self._tell(self._engine.close_out(account.name, instrument.id, change, self.now))

    # state

    def snapshot(self) -> ClearingState:
        """State for the checkpoint."""
        actions = {instrument: list(done) for instrument, done in self._actions.items()}
        return ClearingState(dict(self._called), actions, self._day_due)

    def restore(self, state: ClearingState) -> None:
        """Take a checkpoint's state."""
        self._called, self._day_due = dict(state.called), state.day_due
        self._actions = {name: dict.fromkeys(done) for name, done in state.actions.items()}
