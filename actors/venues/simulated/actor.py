"""Simulated venue: takes the commands of its accounts like a broker and fills them from recorded market data.

Reads   SubmitOrder CancelOrder ReplaceOrder QueryOrder QueryAccount   from oms, of its own accounts
        QueryMargin                                                    from risk, of its own accounts
        Quote Trade Bar BookSnapshot BookDelta InstrumentUpdate        from feeds, before all other actors
        Started                                                        from the sequencer
        VenueArrival VenueReply VenueDayEnd VenueGoodTill                            its own timers
Writes  AcceptReport RejectReport FillReport CancelReport ReplaceReport AdjustReport ExpiryReport
        StatusReport                                                   to oms
        AccountEvidence                                                to oms, ledger
        MarginAnswered                                                 to risk
        BrokerStarted ClockMeasured                                    to oms, risk
State   orders, balances, fills, displayed depth, ends of day, chances drawn; what travels is in the timers
Fails   fatal: a balance below what is locked, or an order lost from the book, would make every figure wrong
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor, Handler
from actors.messages.account import AccountEvidence, BalancesEvidence, FillsEvidence, OrdersEvidence
from actors.messages.base import Message
from actors.messages.control import (
    BrokerStarted,
    ClockMeasured,
    Started,
)
from actors.messages.margin import MarginAnswered, QueryMargin
from actors.messages.market import Bar, BookDelta, BookSnapshot, InstrumentUpdate, Quote, Trade
from actors.messages.orders import (
    CancelOrder,
    OrderTerms,
    QueryAccount,
    QueryOrder,
    ReplaceOrder,
    StatusReport,
    SubmitOrder,
)
from actors.messages.venue import VenueAnswer, VenueArrival, VenueDayEnd, VenueGoodTill, VenueReply
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.instrument import Instrument
from actors.venues.simulated.engine import PLAIN_MARKET, EngineState, MatchingEngine
from actors.venues.simulated.events import VenueEvent
from actors.venues.simulated.floor import Floor
from actors.venues.simulated.linked import end, settle_links
from actors.venues.simulated.preview import preview
from actors.venues.simulated.reports import order_evidence, order_reports, report_of
from actors.venues.simulated.settings import MarketSettings, SimulatedVenueSettings
from actors.venues.simulated.slippage import SlippageFunction
from actors.venues.simulated.travel import Travel

_REMEMBERED_NS = 60_000_000_000
"""How long closed orders stay in memory at least, and longer until the account has asked past their fills.

No answer of this venue is ever lost, so nobody asks for an order that closed long ago.
"""
_SWEEP_MIN = 256


class SimulatedVenueState(msgspec.Struct, array_like=True):
    """The venue as checkpoints keep it."""

    engine: EngineState
    day_ends: dict[str, int]
    known: dict[str, dict[str, str]]
    sweep_at: dict[str, int]
    drawn: dict[str, int] = {}
    last_answers: dict[str, int] = {}


class SimulatedVenueActor(CoreActor):
    """One venue with any number of accounts, each with its own fees and latency, in one market."""

    state_type = SimulatedVenueState

    def __init__(
        self,
        *,
        name: str,
        accounts: Mapping[str, SimulatedVenueSettings],
        instruments: Mapping[str, Instrument],
        market: MarketSettings = PLAIN_MARKET,
        slippage: SlippageFunction | None = None,
        calendars: Calendars = BUILT_IN,
        lag_ns: int = 0,
    ) -> None:
        """`lag_ns` is how long after an instant its market data come: the venue's clock is late by it."""
        self.name = name  # several venues of this class may run side by side
        self.engine = MatchingEngine(
            accounts=accounts,
            instruments=instruments,
            market=market,
            slippage=slippage,
            calendars=calendars,
            lag_ns=lag_ns,
        )
        self._markets = self.engine.markets
        self._travel = {account: Travel(account, settings) for account, settings in accounts.items()}
        self._day_ends: dict[str, int] = {}
        """Instrument → when its DAY orders expire, while some may be open."""
        self._known: dict[str, dict[str, str]] = {}
        """Account → trade ids up to which it knew its fills when it last asked."""
        self._sweep_at: dict[str, int] = {}
        """Account → number of remembered orders at which old ones are forgotten."""

    # the process

    def on_started(self, started: Started) -> None:
        """The venue is always there, and its clock is ours."""
        for account in self._travel:
            self.send(ClockMeasured(ts_event=started.ts_event, account=account, offset_ms=0))
            self.send(BrokerStarted(ts_event=started.ts_event, account=account))

    # commands

    def on_command(
        self, command: SubmitOrder | CancelOrder | ReplaceOrder | QueryOrder | QueryAccount | QueryMargin
    ) -> None:
        """A command sets out."""
        travel = self._travel.get(command.account)
        if travel is not None:
            due = self.now + travel.out_ns(command)
            self.set_timer(due, VenueArrival(ts_event=due, command=command))

    def on_venue_arrival(self, arrival: VenueArrival) -> None:
        """It has come."""
        match arrival.command:
            case SubmitOrder() as submit:
                self.tell(self._submit(submit.terms))
                if submit.terms.time_in_force == "day":
                    self._expect_day_end(submit.instrument)
                self._sweep(submit.account)
            case CancelOrder() as cancel:
                self.tell(
                    self.engine.cancel(
                        cancel.account,
                        cancel.instrument,
                        self.now,
                        venue_order_id=cancel.venue_order_id,
                        client_order_id=cancel.client_order_id,
                    )
                )
            case ReplaceOrder() as replace:
                self.tell(
                    self.engine.replace(
                        replace.account,
                        replace.instrument,
                        self.now,
                        venue_order_id=replace.venue_order_id,
                        quantity=replace.quantity,
                        price=replace.price,
                        stop_price=replace.stop_price,
                    )
                )
            case QueryOrder() as query:
                self._answer_order(query)
            case QueryAccount() as question:
                self._answer_account(question)
            case QueryMargin() as query:
                self._answer_margin(query)

    def _submit(self, terms: OrderTerms) -> list[VenueEvent]:
        events = self.engine.submit(terms, self.now)
        till = None if terms.special is None else terms.special.good_till
        venue_order_id = events[0].venue_order_id
        if till is not None and venue_order_id is not None:
            end_of_life = VenueGoodTill(ts_event=till, account=terms.account, venue_order_id=venue_order_id)
            self.set_timer(till + self.engine.desk.lag_ns, end_of_life)
        return events

    def on_venue_good_till(self, due: VenueGoodTill) -> None:
        """An order's date has come."""
        self.tell(end(self.engine, due.account, due.venue_order_id, "GTD", self.now))

    def on_venue_reply(self, reply: VenueReply) -> None:
        """An answer is back."""
        self.send(reply.answer)

    def on_venue_day_end(self, end: VenueDayEnd) -> None:
        """DAY orders expire."""
        del self._day_ends[end.instrument]
        self.tell(self.engine.end_day(end.instrument, self.now))

    def _expect_day_end(self, instrument: str) -> None:
        if instrument in self._markets and instrument not in self._day_ends:
            market = self._markets[instrument]
            due = market.hours.day_end(self.now, market.bars_alone_ns)
            self._day_ends[instrument] = due
            self.set_timer(due, VenueDayEnd(ts_event=due, instrument=instrument))

    # answers

    def tell(self, events: Iterable[VenueEvent]) -> None:
        """Send what happened to whom it concerns, and what follows from it for orders that waited for it."""
        desk = self.engine.desk
        if desk.has_links and events is desk.events:
            settle_links(self.engine)
        for event in events:
            report = report_of(event)
            if report is not None:
                self._answer(event.account, report)

    def _answer(self, account: str, answer: VenueAnswer) -> None:
        travel = self._travel[account]
        if travel.answers_at_once:
            self.send(answer)
        else:
            due = travel.answer_due(self.now)
            self.set_timer(due, VenueReply(ts_event=due, answer=answer))

    def _answer_order(self, query: QueryOrder) -> None:
        order = self.engine.find_order(
            query.account, venue_order_id=query.venue_order_id, client_order_id=query.client_order_id
        )
        if order is None or order.instrument != query.instrument:
            not_found = StatusReport(
                ts_event=self.now,
                account=query.account,
                instrument=query.instrument,
                client_order_id=query.client_order_id,
                venue_order_id=query.venue_order_id,
                status="not_found",
                filled_quantity=Decimal(0),
                fills_complete=True,
            )
            self._answer(query.account, not_found)
            return
        fills = self.engine.order_fills(order)
        for answer in order_reports(query.account, query.instrument, order, fills, self.now):
            self._answer(query.account, answer)

    def _answer_account(self, question: QueryAccount) -> None:
        account, engine, known = question.account, self.engine, question.fills_after
        asked = question.asked_seq
        last = engine.last_trade_id
        to_all = min((int(known.get(name) or 0) for name in self._markets), default=0)
        fills = tuple(
            fill
            for fill in engine.fills(account, after_trade_id=str(to_all))
            if int(fill.trade_id) > int(known.get(fill.instrument) or 0)
        )
        total = {asset: balance.total for asset, balance in engine.balances(account).items()}
        evidence = AccountEvidence(
            ts_event=self.now,
            account=account,
            orders=OrdersEvidence(
                asked_seq=asked,
                orders=tuple(
                    order_evidence(order) for order in engine.open_orders(account) if not order.is_liquidation
                ),
            ),
            fills=FillsEvidence(asked_seq=asked, fills=fills, read_to=dict.fromkeys(self._markets, last)),
            balances=BalancesEvidence(asked_seq=asked, total=total),
            venue_time_ms=self.now // 1_000_000,
        )
        self._answer(account, evidence)
        self._known[account] = known

    def _answer_margin(self, query: QueryMargin) -> None:
        figures, text = preview(self.engine, query.terms, self.now)
        self._answer(
            query.account,
            MarginAnswered(
                ts_event=self.now,
                account=query.account,
                client_order_id=query.terms.client_order_id,
                figures=figures,
                text=text,
            ),
        )

    def _sweep(self, account: str) -> None:
        """Forget old orders, seldom enough that it costs next to nothing an order."""
        engine = self.engine
        if engine.order_count(account) >= self._sweep_at.get(account, _SWEEP_MIN):
            engine.forget_closed(account, self.now - _REMEMBERED_NS, self._known.get(account, {}))
            self._sweep_at[account] = max(_SWEEP_MIN, 2 * engine.order_count(account))

    # market data: first of all actors, and cheap while nothing waits for it

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """The floor of an instrument takes what comes all the time; nothing of what is not traded here."""
        market = self._markets.get(instrument)
        if market is None:
            return ()
        floor = Floor(self, market)
        often: dict[type[Message], Handler] = {
            Quote: floor.on_quote,
            Trade: floor.on_trade,
            Bar: floor.on_bar,
        }
        return (often[kind],) if kind in often else super().market_handlers(kind, instrument)

    def on_book_snapshot(self, book: BookSnapshot) -> None:
        """The whole visible book."""
        self.tell(self.engine.on_book_snapshot(book, self.now))

    def on_book_delta(self, delta: BookDelta) -> None:
        """Some levels of it."""
        self.tell(self.engine.on_book_delta(delta, self.now))

    def on_instrument_update(self, update: InstrumentUpdate) -> None:
        """New steps and limits, or trading stops."""
        self.tell(self.engine.on_instrument(update, self.now))

    # state

    def snapshot(self) -> SimulatedVenueState:
        """State for the checkpoint."""
        return SimulatedVenueState(
            self.engine.snapshot(),
            self._day_ends,
            self._known,
            self._sweep_at,
            {account: travel.drawn for account, travel in self._travel.items()},
            {account: travel.last_answer for account, travel in self._travel.items()},
        )

    def restore(self, state: SimulatedVenueState) -> None:
        """Take a checkpoint's state."""
        self.engine.restore(state.engine)
        self._day_ends = dict(state.day_ends)
        self._known, self._sweep_at = dict(state.known), dict(state.sweep_at)
        for account, travel in self._travel.items():
            travel.restore(state.drawn.get(account, 0), state.last_answers.get(account, 0))
