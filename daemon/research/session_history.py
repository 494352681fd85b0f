"""A recorded session as historical input: its market data, each at the time at which it was known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.control import BackfillDone
from actors.messages.market import MARKET_DATA
from actors.store.layout import tape_folder
from actors.store.tape_reader import TapeReader
from daemon.config import Config
from daemon.research.history import History, Timed
from daemon.research.parity.session import Session, open_session

_MARKET: frozenset[type[Message]] = frozenset(MARKET_DATA)


class SessionHistory:
    """The session that a configuration names; reading streams from its tape."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sources = session.sources
        self.instruments = dict(session.instruments)
        """As the venue had them then."""
        self.started = next((taken.ts_init for taken in session.inputs()), 0)
        """When the session began; from here on accounts become active."""

    def messages(self, start: int | None, end: int | None) -> Iterator[Timed]:
        """All market data with start ≤ time < end; without a start also where missed bars were complete.

        With one, whoever asks knows best where the history before it ends.
        """
        low, high = start or 0, end if end is not None else 2**63
        kinds = _MARKET if start is not None else _MARKET | {BackfillDone}
        for taken in self.session.inputs():
            if taken.message.__class__ in kinds and low <= taken.ts_init < high:
                yield taken.ts_init, taken.message  # type: ignore[misc]  # BackfillDone is timed like data


def open_history(config: Config) -> History | SessionHistory:
    """What a configuration tests on: a session, else its files.

    Raises:
        ConfigError: Both, or neither.
        UsageError: There is no such session.
    """
    wanted = config.backtest.session
    if wanted.state is None:
        return History(config)
    if config.backtest.data:
        raise ConfigError("backtest.session and backtest.data are both given: leave one of them out")
    return SessionHistory(open_session(Path(wanted.state), wanted.label))


def session_files(config: Config) -> list[Path]:
    """The segments that a session lies in; none where no session is tested on."""
    wanted = config.backtest.session
    if wanted.state is None:
        return []
    session = open_session(Path(wanted.state), wanted.label)
    parts = TapeReader(tape_folder(session.state)).parts[session.first_part :]
    return [
        segment.path
        for part in parts
        for segment in part.segments
        if session.last_seq is None or part.head.previous_seq < session.last_seq
    ]
