"""The only place where core actors are built and connected: read the data flow here.

    simulated venues ─► bars ─► oms ─► reconciliation ─► ledger ─► risk ─► portfolio ─► strategies
    (with clearing)                                                                   (─► listeners)

That is the order in which subscribers of one message get it. The ledger stands before those who ask what is
held, so they never decide on a position that a fill has already changed.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from actors.bars.actor import BarsActor
from actors.bars.spec import BarSpec
from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.errors import ConfigError
from actors.ledger.account_book import LedgerAccount
from actors.ledger.actor import LedgerActor
from actors.model.calendar import BUILT_IN, Calendars
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.intervals import format_interval, parse_interval
from actors.model.venue_rules import VenueRules
from actors.oms.actor import OmsActor
from actors.oms.reconcile import OpeningSigns
from actors.own_code.loading import load_function
from actors.portfolio.actor import PortfolioActor, StrategyPlan
from actors.reconciliation.actor import ReconciliationActor
from actors.risk.actor import RiskActor
from actors.risk.gate import RiskAccount
from actors.risk.limits import Limits
from actors.strategies.base import Strategy
from actors.strategies.host import FailureHook, StrategyHost
from actors.strategies.spec import StrategySpec
from actors.venues.binance.rules import BINANCE_RULES
from actors.venues.ib.rules import IB_RULES
from actors.venues.simulated.rules import SIMULATED_OFFER
from daemon.config import AccountSection, Config, VenueSection

if TYPE_CHECKING:
    from actors.venues.simulated.actor import SimulatedVenueActor
    from actors.venues.simulated.clearing import ClearingActor

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
ANSWER_MARGIN_MS = 1_000
SIMULATED_RECONCILE_NS = 86_400 * SECOND_NS
"""A simulated venue's statement can only differ by a fault of ours: once a day is enough to find it."""
UNWATCHED_VALUATION_NS = 86_400 * SECOND_NS
"""Nothing compares equity in a backtest without loss limits: once a day keeps peaks and drawdown going."""

StrategyClasses = Mapping[str, type[Strategy]]
"""Strategy name → its class, loaded."""
Timeframe = tuple[str, int]
"""Instrument and interval in nanoseconds."""


class Core(NamedTuple):
    """The trading system of one process: every actor, and the sequencer that runs them."""

    sequencer: Sequencer
    bars: BarsActor
    oms: OmsActor
    reconciliation: ReconciliationActor
    ledger: LedgerActor
    risk: RiskActor
    portfolio: PortfolioActor
    strategies: StrategyHost
    venues: tuple[SimulatedVenueActor, ...]
    clearing: tuple[ClearingActor, ...]


class BarSources(msgspec.Struct, frozen=True, kw_only=True):
    """Which timeframes come ready made, and which history an edge hands over before they count."""

    given: frozenset[Timeframe] = frozenset()
    """Bars that arrive as inputs."""
    trades: frozenset[str] = frozenset()
    """Instruments whose trades arrive as inputs."""
    has_backfill: bool = False
    """Whether history of the given timeframes is handed over first, closed by `BackfillDone`."""
    history: frozenset[str] = frozenset()
    """Instruments whose ticks too begin with history, closed by a `BackfillDone` of interval 0."""


def build_core(
    config: Config,
    *,
    instruments: Mapping[str, Instrument],
    classes: StrategyClasses,
    sources: BarSources,
    ids: ClientOrderIds,
    is_simulated: bool = False,
    listeners: Sequence[CoreActor] = (),
    keep_sent: bool = True,
    on_failure: FailureHook | None = None,
    changed: Container[str] = (),
    venue_type: type[SimulatedVenueActor] | None = None,
    apart: Container[str] = (),
    calendars: Calendars = BUILT_IN,
) -> Core:
    """Build and connect all actors.

    Args:
        is_simulated: Treat every account as a paper account: backtests.
        listeners: Actors behind all others that only listen.
        changed: Strategies whose code is not that of the state to be restored.
        venue_type: What takes the place of the simulated venue; None for itself.
        apart: Accounts that do not meet the orders of the others at their simulated venue.
        calendars: Where those of instruments and venues are found by name.
    Raises:
        ConfigError: A strategy's instruments, timeframes or parameters are wrong.
    """
    venues = _simulated_venues(
        config, instruments, venue_type, calendars, apart=apart, is_simulated=is_simulated
    )
    clearing = _clearing(venues)
    bars = BarsActor(
        bar_specs(config, sources),
        instruments=instruments,
        calendars=calendars,
        grace_ns=config.daemon.bar_grace_ms * MILLISECOND_NS,
    )
    oms = _oms(config, instruments, is_simulated=is_simulated)
    reconciliation = _reconciliation(config, instruments)
    ledger = _ledger(config, instruments, is_simulated=is_simulated)
    risk = _risk(config, instruments, is_simulated=is_simulated)
    plans = {name: _strategy_plan(config, name) for name in config.strategies}
    portfolio = PortfolioActor(strategies=plans, instruments=instruments)
    strategies = StrategyHost(
        [_strategy_spec(name, config, classes) for name in config.strategies],
        instruments=instruments,
        currencies={name: account.base_currency for name, account in config.accounts.items()},
        calendars=calendars,
        needs_backfill=[*(sources.given if sources.has_backfill else ()), *((i, 0) for i in sources.history)],
        on_failure=on_failure,
        changed=changed,
    )
    sequencer = Sequencer(
        venues=[actor for pair in zip(venues, clearing, strict=True) for actor in pair],
        actors=[bars, oms, reconciliation, ledger, risk, portfolio, strategies, *listeners],
        ids=ids,
        keep_sent=keep_sent,
    )
    return Core(sequencer, bars, oms, reconciliation, ledger, risk, portfolio, strategies, venues, clearing)


def _oms(config: Config, instruments: Mapping[str, Instrument], *, is_simulated: bool) -> OmsActor:
    return OmsActor(
        rules={name: venue_rules(config, account) for name, account in config.accounts.items()},
        instruments=instruments,
        reconcile_ns={
            name: SIMULATED_RECONCILE_NS
            if is_simulated
            else round(account.reconcile_minutes * 60 * SECOND_NS)
            for name, account in config.accounts.items()
        },
        opening={
            name: signs
            for name, account in config.accounts.items()
            if (signs := _opening_signs(account, is_simulated=is_simulated)) is not None
        },
    )


def _opening_signs(account: AccountSection, *, is_simulated: bool) -> OpeningSigns | None:
    """What makes books that are new wait for the operator; None for nothing."""
    if is_paper(account, is_simulated=is_simulated) or account.reconcile.opening == "accept":
        return None
    return "holdings" if account.mode == "live" or account.reconcile.opening == "ask" else "orders"


def _reconciliation(config: Config, instruments: Mapping[str, Instrument]) -> ReconciliationActor:
    return ReconciliationActor(
        policies={name: account.reconcile for name, account in config.accounts.items()},
        venues={name: account.venue for name, account in config.accounts.items()},
        instruments=instruments,
    )


def _ledger(config: Config, instruments: Mapping[str, Instrument], *, is_simulated: bool) -> LedgerActor:
    return LedgerActor(
        accounts={
            name: LedgerAccount(
                base_currency=account.base_currency,
                snapshot_ns=_simulated_valuation_ns(config, name)
                if is_simulated
                else round(account.snapshot_seconds * SECOND_NS),
            )
            for name, account in config.accounts.items()
        },
        instruments=instruments,
    )


def _simulated_valuation_ns(config: Config, account: str) -> int:
    """How often equity is looked at in a backtest."""
    limits: list[Limits] = [config.accounts[account].limits]
    limits += [each.limits for each in config.strategies.values() if each.account == account]
    if any(each.can_trip for each in limits):
        return parse_interval(config.backtest.loss_interval)
    return UNWATCHED_VALUATION_NS


def _strategy_plan(config: Config, name: str) -> StrategyPlan:
    section = config.strategies[name]
    return StrategyPlan(
        account=section.account,
        base_currency=config.accounts[section.account].base_currency,
        sizing=section.sizing,
    )


def is_paper(account: AccountSection, *, is_simulated: bool = False) -> bool:
    """Whether the account's venue is the simulated one inside the core."""
    return is_simulated or account.mode == "paper"


def _simulated_venues(
    config: Config,
    instruments: Mapping[str, Instrument],
    venue_type: type[SimulatedVenueActor] | None,
    calendars: Calendars,
    *,
    apart: Container[str],
    is_simulated: bool,
) -> tuple[SimulatedVenueActor, ...]:
    by_venue: dict[tuple[str, str], dict[str, AccountSection]] = {}
    for name, account in config.accounts.items():
        if is_paper(account, is_simulated=is_simulated):
            kind = "apart" if name in apart else "venue"
            by_venue.setdefault((kind, account.venue), {})[name] = account
    if not by_venue:
        return ()
    from actors.venues.simulated.actor import SimulatedVenueActor

    make, venues = venue_type or SimulatedVenueActor, []
    lag_ns = round(config.backtest.market_latency_ms * MILLISECOND_NS) if is_simulated else 0
    for (kind, venue), accounts in by_venue.items():
        market = config.venues.get(venue, VenueSection()).simulated
        own = market.slippage.function
        venues.append(
            make(
                name=f"{kind}:{venue}",
                accounts={name: account.simulated for name, account in accounts.items()},
                instruments={key: each for key, each in instruments.items() if each.venue == venue},
                market=market,
                slippage=None if own is None else load_function(own, "slippage function"),
                calendars=calendars,
                lag_ns=lag_ns,
            )
        )
    return tuple(venues)


_BEHIND = {"venue": "clearing:", "apart": "clearing apart:"}
"""Kind of a simulated venue → how the clearing behind it is named."""


def _clearing(venues: Sequence[SimulatedVenueActor]) -> tuple[ClearingActor, ...]:
    if not venues:
        return ()
    from actors.venues.simulated.clearing import ClearingActor

    return tuple(
        ClearingActor(name=_BEHIND[kind] + name, venue=venue)
        for venue in venues
        for kind, _, name in (venue.name.partition(":"),)
    )


def venue_rules(config: Config, account: AccountSection) -> VenueRules:
    """What the account's venue promises; a paper account keeps to the rules of the venue it imitates."""
    section = config.venues.get(account.venue)
    rules = IB_RULES if section is not None and section.kind == "ib" else BINANCE_RULES
    # The broker gives up first: its word that no answer came carries the reason.
    deadline_ms = round(account.answer_seconds * 1_000) + ANSWER_MARGIN_MS
    return msgspec.structs.replace(rules, venue=account.venue, answer_deadline_ms=deadline_ms)


def _risk(config: Config, instruments: Mapping[str, Instrument], *, is_simulated: bool) -> RiskActor:
    return RiskActor(
        accounts={
            name: _risk_account(config, name, account, is_simulated=is_simulated)
            for name, account in config.accounts.items()
        },
        strategies={name: strategy.account for name, strategy in config.strategies.items()},
        instruments=instruments,
        strategy_limits={name: strategy.limits for name, strategy in config.strategies.items()},
    )


def _risk_account(config: Config, name: str, account: AccountSection, *, is_simulated: bool) -> RiskAccount:
    traded = dict.fromkeys(
        instrument
        for strategy in config.strategies.values()
        if strategy.account == name
        for instrument in strategy.instruments
    )
    is_here = is_paper(account, is_simulated=is_simulated)
    has_margin = is_here and account.simulated.account_type == "margin"
    return RiskAccount(
        limits=account.limits,
        base_currency=account.base_currency,
        is_cash_account=venue_rules(config, account).is_cash_account and not has_margin,
        offer=SIMULATED_OFFER if is_here else venue_rules(config, account).offer,
        instruments=tuple(traded),
        answers_margin=config.answers_margin(account, is_simulated=is_simulated),
        time_zone=account.time_zone,
        live_id=account.account_id if account.mode == "live" and not is_simulated else None,
    )


def _strategy_spec(name: str, config: Config, classes: StrategyClasses) -> StrategySpec:
    section = config.strategies[name]
    return StrategySpec(
        name=name,
        strategy=classes[name],
        account=section.account,
        instruments=section.instruments,
        timeframes=tuple(parse_interval(text) for text in section.bars),
        parameters=section.parameters,
    )


# what market data the strategies need


def timeframes(config: Config) -> list[Timeframe]:
    """Every (instrument, interval) that a strategy wants, in the order of the configuration."""
    return list(
        dict.fromkeys(
            (instrument, parse_interval(text))
            for strategy in config.strategies.values()
            for instrument in strategy.instruments
            for text in strategy.bars
        )
    )


def traded_instruments(config: Config) -> dict[str, list[str]]:
    """Venue → instruments that strategies trade there, in the order of the configuration."""
    by_venue: dict[str, list[str]] = {}
    for strategy in config.strategies.values():
        for instrument in strategy.instruments:
            names = by_venue.setdefault(instrument.partition("@")[2], [])
            if instrument not in names:
                names.append(instrument)
    return by_venue


def bar_specs(config: Config, sources: BarSources) -> list[BarSpec]:
    """Bars to build: from the largest given bars that divide the timeframe, else from trades.

    Raises:
        ConfigError: Nothing that arrives can make a timeframe.
    """
    specs = []
    for instrument, interval in timeframes(config):
        if (instrument, interval) in sources.given:
            continue
        there = sorted(given for name, given in sources.given if name == instrument)
        smaller = [given for given in there if not interval % given and given < interval]
        if smaller:
            spec = BarSpec(
                instrument=instrument, interval_ns=interval, source="bars", source_interval_ns=max(smaller)
            )
        elif instrument in sources.trades:
            spec = BarSpec(instrument=instrument, interval_ns=interval, source="trades", source_interval_ns=0)
        else:
            raise ConfigError(
                f"no data makes bars of {format_interval(interval)} for {instrument}: there are "
                f"{'those of ' + ', '.join(map(format_interval, there)) if there else 'none'}, "
                "so add trades, or bars whose interval divides it"
            )
        specs.append(spec)
    return specs
