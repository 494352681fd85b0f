"""The edge at Interactive Brokers: lines to TWS, and the feed and brokers that share one.

Imported only where there is such a venue: processes without one start without all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from actors.model.instrument import Instrument
from actors.venues.ib.broker import IbBroker
from actors.venues.ib.directory import Directory
from actors.venues.ib.feed import IbFeed
from actors.venues.ib.panic import IbEmergency
from actors.venues.ib.restarts import Restarts
from actors.venues.ib.session import Session
from actors.venues.ports import Intake, MarketSubscription
from daemon.config import AccountSection, VenueSection
from daemon.telemetry import LineFigures, Telemetry


class TwsLines:
    """The line of each venue, made when first asked for."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._open: dict[str, tuple[Session, Directory]] = {}
        self._feeds: dict[str, IbFeed] = {}
        self._accounts: dict[str, str] = {}

    def feed(
        self,
        venue: str,
        section: VenueSection,
        wanted: Sequence[MarketSubscription],
        *,
        intake: Intake,
        bars_after: Mapping[tuple[str, int], int],
    ) -> IbFeed:
        """The feed of a venue, whose figures are shown with the line."""
        session, directory = self._line(venue, section)
        feed = self._feeds[venue] = IbFeed(
            session=session, directory=directory, subscriptions=wanted, intake=intake, clock=self._clock,
            bars_after=bars_after,
        )  # fmt: skip
        return feed

    def broker(
        self,
        name: str,
        account: AccountSection,
        section: VenueSection,
        instruments: Sequence[Instrument],
        *,
        intake: Intake,
    ) -> IbBroker:
        """The broker of an account."""
        session, directory = self._line(account.venue, section)
        self._accounts[name] = account.venue
        return IbBroker(
            account=name, account_id=account.account_id, is_paper=account.mode != "live", session=session,
            directory=directory, instruments=instruments, intake=intake, clock=self._clock,
        )  # fmt: skip

    def refresh(self, telemetry: Telemetry) -> None:
        """Bring in what is shown of the lines."""
        telemetry.account_lines = self._accounts
        for venue, (session, _) in self._open.items():
            line = telemetry.lines.get(venue)
            if line is None:
                line = telemetry.lines[venue] = LineFigures(alarm_seconds=0.0)
            line.alarm_seconds = session.settings.alarm_seconds(session.outage.since_ns)
            line.is_up, line.is_linked = session.is_up, session.is_linked
            line.connections, line.messages_left = session.connections, session.budget.left()
            line.down_since_ns, line.reason = session.outage.since_ns, session.outage.reason
            if (feed := self._feeds.get(venue)) is not None:
                line.subscriptions, line.troubles = feed.subscriptions, feed.troubles()

    def _line(self, venue: str, section: VenueSection) -> tuple[Session, Directory]:
        """The line of a venue and the contracts known through it."""
        if venue not in self._open:
            session = Session(venue, section.tws, self._clock)
            self._open[venue] = session, Directory(session, section.tws.contracts)
        return self._open[venue]


def tws_emergency(
    account: AccountSection, section: VenueSection, traded: Sequence[str], *, clock: Callable[[], int]
) -> IbEmergency:
    """An account reached straight, over a line of its own."""
    # Whatever is planned: a line that holds is used.
    tws = msgspec.structs.replace(section.tws, restarts=Restarts())
    session = Session(account.venue, tws, clock)
    return IbEmergency(
        account_id=account.account_id, is_paper=account.mode != "live", session=session,
        directory=Directory(session, tws.contracts),
        symbols=[instrument.partition("@")[0] for instrument in traded], clock=clock,
    )  # fmt: skip
