"""A session's inputs through the same actors, with the simulated venue in the place of every real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from heapq import merge
from operator import attrgetter
from typing import Literal, NamedTuple

import msgspec

from actors.core.actor import CoreActor
from actors.core.market import MarketBoard
from actors.errors import TradingError, UsageError
from actors.messages.account import AccountEvidence
from actors.messages.base import Message
from actors.messages.clearing import PositionCharged
from actors.messages.control import BrokerStarted, BrokerStopped, ClockMeasured
from actors.messages.market import MARKET_DATA
from actors.messages.orders import OutcomeUnknownReport, Report
from actors.model.ids import ClientOrderIds
from actors.store.rerun import decode_snapshot
from actors.strategies.host import FailureHook
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.margin import MarginAccount
from daemon.code_changes import changed_strategies, fingerprints
from daemon.config import Config
from daemon.graph import Core, StrategyClasses, build_core
from daemon.research.history import History
from daemon.research.parity.ahead import seen
from daemon.research.parity.inherited import as_orders, inherited_orders, place, show_last_prices
from daemon.research.parity.larger import specs_for, with_larger
from daemon.research.parity.orders import OrderBook, OrderListener
from daemon.research.parity.session import NO_MESSAGES, Session, Taken
from daemon.research.parity.timing import Course, RecordedTimes, TimedVenue, VenueSees

BY_TIMER_MS = 0.001
"""A report latency that is not 0 makes answers travel; how long is then taken from the record."""
IDS_FROM = 10**15
"""Behind every id that a real venue has given: the books remember the fills of earlier sessions."""
_MARKET = frozenset(MARKET_DATA)
_FROM_BROKERS = (Report, AccountEvidence, OutcomeUnknownReport, PositionCharged)
_BY_TIME = attrgetter("ts_init")
_LINE = (BrokerStarted, BrokerStopped, ClockMeasured)

Data = History | Literal["recorded"]
"""Market data as they came, or a history of their own at the source's time plus the configured latency."""


class Simulation(NamedTuple):
    """What came of it."""

    book: OrderBook
    market: MarketBoard
    """At the end."""


def simulate(
    session: Session,
    classes: StrategyClasses,
    *,
    config: Config | None = None,
    data: Data = "recorded",
    times: RecordedTimes | None = None,
) -> Simulation:
    """Run a session anew on the simulated venue.

    Args:
        config: In the place of the session's: other fill models, parameters or limits.
        times: Recorded times in the place of the configured latencies.
    Raises:
        TradingError: An actor fails.
        UsageError: A history that lacks what the session had.
    """
    listener = OrderListener(as_orders(session, inherited_orders(session)))
    core = restored_core(session, classes, config or session.config, [listener], times)
    latency_ns = round((config or session.config).backtest.market_latency_ms * 1e6)
    run = core.sequencer.run
    show = _Ahead(session, core, times).show
    for _, ts_init, message, _ in _inputs(session, data, latency_ns, has_line=times is not None):
        show(ts_init)
        run(message, ts_init)
    return Simulation(listener.book, core.sequencer.market)


class _Ahead:
    """Lets timed venues see the market before we do."""

    def __init__(self, session: Session, core: Core, times: RecordedTimes | None) -> None:
        self._core = core
        venues = [each for each in core.venues if isinstance(each, TimedVenue) and each.is_ahead]
        self._venues = {name: venue for venue in venues for name in venue.engine.markets}
        self._seen = seen(session, times) if times is not None and venues else iter(())
        self._next = next(self._seen, None)

    def show(self, until: int) -> None:
        """Set a timer for all that venues saw until then."""
        while self._next is not None and self._next.ts_init <= until:
            at, data = self._next.ts_init, self._next.message
            venue = self._venues.get(data.instrument)  # type: ignore[attr-defined]  # it is market data
            if venue is not None:
                venue.set_timer(at, VenueSees(ts_event=at, data=data))  # type: ignore[arg-type]
            self._next = next(self._seen, None)


def own_inputs(session: Session, *, has_line: bool = False) -> Iterator[Taken]:
    """The inputs of a session that are its inputs where no real venue is, too.

    Args:
        has_line: What became of the line to real venues is given as well.
    """
    real = frozenset(session.real_accounts)
    for taken in session.inputs():
        message = taken.message
        if message.__class__ in _MARKET or _belongs(message, real, has_line=has_line):
            yield taken


def _belongs(message: Message, real: frozenset[str], *, has_line: bool) -> bool:
    if isinstance(message, _FROM_BROKERS):
        return message.account not in real
    if isinstance(message, _LINE):
        return message.account not in real or has_line
    return True


def unchanged_classes(session: Session, classes: StrategyClasses) -> StrategyClasses:
    """The same classes.

    Raises:
        TradingError: A strategy is no longer the one that traded in the session.
    """
    changed = changed_strategies(session.head, fingerprints(session.config, classes))
    if changed:
        raise TradingError(
            f"strategy {', '.join(changed)} has other code than in session {session.label}: "
            "parity compares like with like, so run it with the code of then"
        )
    return classes


def restored_core(
    session: Session,
    classes: StrategyClasses,
    config: Config,
    listeners: Sequence[CoreActor],
    times: RecordedTimes | None = None,
    on_failure: FailureHook | None = None,
) -> Core:
    """All actors as the session found them; what real accounts held and ordered lies at the simulated venue.

    Args:
        config: Its accounts and strategies have the names of the session's.
    """
    real = session.real_accounts
    changed = changed_strategies(session.head, fingerprints(config, classes))
    core = build_core(
        _on_paper(config, real, is_timed=times is not None),
        instruments=session.instruments,
        classes=classes,
        sources=session.sources,
        ids=ClientOrderIds(store_id=session.head.store_id, epoch=session.head.epoch),
        listeners=listeners,
        keep_sent=False,
        on_failure=on_failure,
        changed=changed,
        venue_type=TimedVenue,
        apart=real,
        calendars=session.calendars,
    )
    snapshot = decode_snapshot(session.head.snapshot)
    core.sequencer.restore(snapshot)
    core.risk.consent.take_configured_limits()
    for name in changed:
        core.strategies.begin_anew(name)
    inherited = inherited_orders(session)
    for venue in core.venues:
        if venue.name not in snapshot.actors:
            venue.engine.begin_ids(IDS_FROM)
            show_last_prices(venue.engine, core.sequencer.market, session.ts_started)
        if times is not None and isinstance(venue, TimedVenue):
            venue.follow(Course(times), real)
        for account in real:
            if account in venue.engine.desk.accounts:
                _open_account(session, core, venue, account)
        if any(account in real for account in venue.engine.desk.accounts):
            place(venue.engine, inherited, real)
    return core


def _open_account(session: Session, core: Core, venue: SimulatedVenueActor, account: str) -> None:
    """Let the simulated venue hold what the real one held."""
    for asset, amount in opening_balances(session, core, account).items():
        venue.engine.transfer(account, asset, amount)
    held = venue.engine.desk.accounts[account]
    if isinstance(held, MarginAccount):
        held.contracts.update(core.ledger.snapshot().accounts[account].contracts)


def _on_paper(config: Config, real: tuple[str, ...], *, is_timed: bool) -> Config:
    """Every real account as a paper account that holds nothing yet."""
    accounts = dict(config.accounts)
    for name in real:
        simulated = msgspec.structs.replace(accounts[name].simulated, opening_balances={})
        if is_timed:
            simulated = msgspec.structs.replace(simulated, report_latency_ms=BY_TIMER_MS)
        accounts[name] = msgspec.structs.replace(accounts[name], mode="paper", simulated=simulated)
    return msgspec.structs.replace(config, accounts=accounts)


def opening_balances(session: Session, core: Core, account: str) -> Mapping[str, Decimal]:
    """What the venue held at the session's start: by its first statement, else by the books.

    Raises:
        TradingError: Neither is there.
    """
    told = session.first_balances(account)
    held = core.ledger.balances(account) if told is None else told
    if told is None and not held:
        raise TradingError(
            f"account {account} was never connected in session {session.label}: choose one in which it traded"
        )
    return held


def _inputs(session: Session, data: Data, latency_ns: int, *, has_line: bool) -> Iterator[Taken]:
    """The session's inputs with the market data that are wanted.

    What is older than the session, such as bars to warm up on, stays as and where it came.
    """
    own = own_inputs(session, has_line=has_line)
    if data == "recorded":
        yield from own
        return
    specs, missing = specs_for(session.sources, data.sources)
    if missing:
        raise UsageError(
            f"the history lacks what session {session.label} had of {missing[0]}: give trades where it "
            "had trades, and bars of the same intervals or of smaller ones that divide them"
        )
    others = (taken for taken in own if not _is_market(session, taken))
    timed = with_larger(data, specs, session.instruments, session.ts_started, session.ts_ended + 1)
    history = (Taken(0, ts + latency_ns, message, NO_MESSAGES) for ts, message in timed)
    yield from merge(others, history, key=_BY_TIME)


def _is_market(session: Session, taken: Taken) -> bool:
    """Whether it is what a market said during the session."""
    return taken.message.__class__ in _MARKET and taken.message.ts_event >= session.ts_started
