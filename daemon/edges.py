"""The edge of the process, from the configuration: a feed per venue, a broker per account with a real one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from actors.messages.market import BookDelta, Trade
from actors.model.instrument import Instrument
from actors.strategies.host import StrategyHost
from actors.venues.binance.broker import BinanceBroker
from actors.venues.binance.feed import BinanceFeed
from actors.venues.binance.filters import INTERVALS
from actors.venues.binance.limits import RateBudget
from actors.venues.binance.session import SessionSettings
from actors.venues.binance.streams import StreamSettings
from actors.venues.ports import Broker, Emergency, Feed, Intake
from daemon.config import Config, VenueSection
from daemon.graph import BarSources, is_paper, timeframes, traded_instruments
from daemon.secret import resolve_secret
from daemon.telemetry import Telemetry

if TYPE_CHECKING:
    from daemon.edges_ib import TwsLines

Clock = Callable[[], int]


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed is asked to deliver for one instrument."""

    instrument: str
    quotes: bool = True
    trades: bool = False
    book: bool = False
    bar_intervals: tuple[int, ...] = ()
    """Nanoseconds."""


class Lines:
    """What feeds and brokers of a venue share: the line to a TWS, the budget of our address at Binance."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._budgets: dict[str, RateBudget] = {}
        self._tws: TwsLines | None = None

    @property
    def tws(self) -> TwsLines:
        """Lines to TWS; what they are made of is imported when one is asked for."""
        if self._tws is None:
            from daemon.edges_ib import TwsLines

            self._tws = TwsLines(self._clock)
        return self._tws

    def refresh(self, telemetry: Telemetry) -> None:
        """Bring in what is shown of the lines."""
        if self._tws is not None:
            self._tws.refresh(telemetry)

    def budget(self, rest_url: str) -> RateBudget:
        """How many requests the venue still takes from this address."""
        return self._budgets.setdefault(rest_url, RateBudget())


def live_sources(config: Config) -> BarSources:
    """Bars that venues publish; others are built from the largest published ones that divide them."""
    given, trades = set(), set()
    for instrument, interval in timeframes(config):
        section = config.venues[instrument.rpartition("@")[2]]
        published = [each for each in _intervals(section) if not interval % each]
        if published:
            given.add((instrument, max(published)))
        else:
            trades.add(instrument)
    return BarSources(given=frozenset(given), trades=frozenset(trades), has_backfill=True)


def _intervals(section: VenueSection) -> Collection[int]:
    if section.kind == "ib":
        from actors.venues.ib.history import INTERVALS as OF_IB

        return OF_IB
    return INTERVALS


def subscriptions(config: Config, host: StrategyHost, sources: BarSources) -> dict[str, list[Subscription]]:
    """Venue → what its feed delivers: for strategies, for bars that are built, and for paper fills."""
    paper_venues = {account.venue for account in config.accounts.values() if is_paper(account)}
    return {
        venue: [
            Subscription(
                instrument=name,
                trades=venue in paper_venues
                or name in sources.trades
                or bool(host.market_handlers(Trade, name)),
                book=bool(host.market_handlers(BookDelta, name)),
                bar_intervals=tuple(sorted(interval for given, interval in sources.given if given == name)),
            )
            for name in names
        ]
        for venue, names in traded_instruments(config).items()
    }


def bars_known(host: StrategyHost, sources: BarSources, now: int) -> dict[tuple[str, int], int]:
    """(instrument, interval) → end of the newest bar that needs no fetching: seen, or before any warm-up."""
    wanted, seen = host.warm_up_bars(), host.newest_bars()
    known = {}
    for name, interval in sorted(sources.given):
        newest = seen.get((name, interval), 0)
        count = max(
            (c * (i // interval) for (n, i), c in wanted.items() if n == name and not i % interval), default=0
        )
        known[name, interval] = newest or now - (count + 1) * interval
    return known


def make_feed(
    venue: str,
    section: VenueSection,
    wanted: Sequence[Subscription],
    *,
    intake: Intake,
    lines: Lines,
    clock: Clock,
    bars_after: Mapping[tuple[str, int], int],
) -> Feed:
    """The feed of a venue."""
    if section.kind == "ib":
        return lines.tws.feed(venue, section, wanted, intake=intake, bars_after=bars_after)
    return BinanceFeed(
        venue=venue,
        rest_url=section.rest_url,
        stream_url=section.stream_url,
        subscriptions=wanted,
        intake=intake,
        clock=clock,
        bars_after=bars_after,
        streams=StreamSettings(silence_seconds=section.silence_seconds),
        budget=lines.budget(section.rest_url),
    )


def check_secrets(config: Config, environ: Mapping[str, str]) -> None:
    """Find every secret that a real account needs, before anything is written.

    Raises:
        ConfigError: One is missing.
    """
    for account in config.accounts.values():
        if not is_paper(account) and config.venues[account.venue].kind != "ib":
            for name in (account.api_key, account.api_secret):
                assert name is not None, "checked with the configuration"
                resolve_secret(name, environ)


def make_brokers(
    config: Config,
    instruments: Mapping[str, Instrument],
    *,
    intake: Intake,
    lines: Lines,
    clock: Clock,
    environ: Mapping[str, str],
) -> dict[str, Broker]:
    """A broker for every account that is not paper.

    Raises:
        ConfigError: A secret is missing or cannot sign.
    """
    brokers: dict[str, Broker] = {}
    for name, account in config.accounts.items():
        if is_paper(account):
            continue
        section = config.venues[account.venue]
        listed = [each for each in instruments.values() if each.venue == account.venue]
        if section.kind == "ib":
            brokers[name] = lines.tws.broker(name, account, section, listed, intake=intake)
            continue
        assert account.api_key is not None, "checked with the configuration"
        assert account.api_secret is not None, "checked with the configuration"
        brokers[name] = BinanceBroker(
            account=name,
            venue=account.venue,
            rest_url=section.rest_url,
            trading_url=section.trading_url,
            api_key=resolve_secret(account.api_key, environ).reveal(),
            api_secret=resolve_secret(account.api_secret, environ).reveal(),
            instruments=listed,
            intake=intake,
            clock=clock,
            settings=SessionSettings(answer_seconds=account.answer_seconds),
            budget=lines.budget(section.rest_url),
        )
    return brokers


def make_emergency(config: Config, name: str, *, clock: Clock, environ: Mapping[str, str]) -> Emergency:
    """An account reached straight by its credentials.

    Raises:
        ConfigError: A secret is missing or cannot sign.
    """
    account = config.accounts[name]
    section = config.venues[account.venue]
    if section.kind == "ib":
        from daemon.edges_ib import tws_emergency

        traded = traded_instruments(config).get(account.venue, ())
        return tws_emergency(account, section, traded, clock=clock)
    from actors.venues.binance.panic import BinanceEmergency

    assert account.api_key is not None, "checked with the configuration"
    assert account.api_secret is not None, "checked with the configuration"
    return BinanceEmergency(
        account=name,
        venue=account.venue,
        rest_url=section.rest_url,
        api_key=resolve_secret(account.api_key, environ).reveal(),
        api_secret=resolve_secret(account.api_secret, environ).reveal(),
        clock=clock,
    )
