"""A recorded session as historical input: all of it, or its market data, each when it was known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from actors.core.actor import CoreActor
from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.control import BackfillDone, OffLoopResult
from actors.messages.market import MARKET_DATA, MarketData
from actors.store.layout import tape_folder
from actors.store.tape_reader import TapeReader
from actors.strategies.host import FailureHook
from daemon.code_changes import changed_strategies, fingerprints
from daemon.config import AccountSection, Config
from daemon.graph import Core, StrategyClasses
from daemon.research.file_history import FileHistory
from daemon.research.history import Timed
from daemon.research.parity.session import Session, open_session
from daemon.research.parity.simulate import own_inputs, restored_core
from daemon.research.session_start import Inherited, begun, give

_MARKET: frozenset[type[Message]] = frozenset(MARKET_DATA)


class SessionHistory:
    """The session that a configuration names; reading streams from its tape."""

    latency_ns = 0
    """Its data come when they were known."""
    findings: Mapping[str, None] = MappingProxyType({})

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sources = session.sources
        self.instruments = dict(session.instruments)
        """As the venue had them then."""
        self.started = next((taken.ts_init for taken in session.inputs()), 0)
        """When the session began; from here on accounts become active."""
        self.goes_on = False
        """Whether the run goes on from where the session began, and takes all of its inputs."""
        self.works_anew = False
        """Whether slow work is done anew, as strategies that have changed may ask for other work."""
        self._inherited: Mapping[str, Inherited] = {}

    def prepare(
        self, config: Config, classes: StrategyClasses, start: int | None
    ) -> tuple[Config, tuple[str, ...]]:
        """Find out how much of the session a run can have: its configuration, and what to say of it.

        Raises:
            ConfigError: It does not know what an account held, or a cash account would hold contracts.
        """
        why = why_anew(config, self.session, start)
        self.goes_on = why is None
        config, self._inherited, notes = begun(config, self.session)
        if why is not None:
            left_out = f"orders under way, commands and restarts of the session are left out: {why}"
            return config, (left_out, *notes)
        self.works_anew = bool(changed_strategies(self.session.head, fingerprints(config, classes)))
        return config, tuple(notes)

    def resumed(
        self,
        config: Config,
        classes: StrategyClasses,
        work: CoreActor,
        listeners: Sequence[CoreActor],
        on_failure: FailureHook,
    ) -> Core | None:
        """The core as the session found it, where the run goes on from there.

        Slow work is done by nobody where the session has recorded what came of it.
        """
        if not self.goes_on:
            return None
        workers = [work] if self.works_anew else []
        return restored_core(self.session, classes, config, [*workers, *listeners], on_failure=on_failure)

    def starts_at(self, first: int) -> int:
        """When the session did, whatever comes first of it."""
        return self.started

    def give(self, core: Core, at: int) -> None:
        """Let new books begin with what the session held."""
        give(core, self._inherited, self.session, at)

    def is_before_all(self, message: Message) -> bool:
        """Whether this comes before anything that the session itself heard of a market."""
        if not self.goes_on:
            return False
        return not isinstance(message, MarketData) or message.ts_event < self.started

    def messages(self, start: int | None, end: int | None) -> Iterator[Timed]:
        """All inputs with start ≤ time < end where the run goes on with the session, else its market data.

        Without a start also where missed bars were complete; with one, whoever asks knows best where the
        history before it ends.
        """
        low, high = start or 0, end if end is not None else 2**63
        kinds = _MARKET if start is not None else _MARKET | {BackfillDone}
        for taken in own_inputs(self.session):
            kind = taken.message.__class__
            wanted = kind in kinds or (self.goes_on and not (self.works_anew and kind is OffLoopResult))
            if wanted and low <= taken.ts_init < high:
                yield taken.ts_init, taken.message  # type: ignore[misc]  # others are timed like data

    def nothing_in_range(self) -> str:
        """What to say where a range has no data."""
        span = (datetime.fromtimestamp(ts // 10**9, UTC) for ts in (self.started, self.session.ts_ended))
        first, last = (f"{at:%Y-%m-%dT%H:%M:%S}" for at in span)
        return (
            f"session {self.session.label} holds no data in that range, it lasted from {first} to {last} "
            "UTC: choose --from and --to within"
        )


def open_history(config: Config) -> FileHistory | SessionHistory:
    """What a configuration tests on: a session, else its files.

    Raises:
        ConfigError: Both, or neither.
        UsageError: There is no such session.
    """
    wanted = config.backtest.session
    if wanted.state is None:
        return FileHistory(config)
    if config.backtest.data:
        raise ConfigError("backtest.session and backtest.data are both given: leave one of them out")
    return SessionHistory(open_session(Path(wanted.state), wanted.label))


def why_anew(config: Config, session: Session, start: int | None) -> str | None:
    """Why a run cannot go on from the state that a session began with; None where it can."""
    if start is not None:
        return "--from lets it begin later"
    then = session.config
    for what, ours, theirs in (
        ("accounts", config.accounts, then.accounts), ("strategies", config.strategies, then.strategies)
    ):  # fmt: skip
        if ours.keys() != theirs.keys():
            return f"its {what} were {', '.join(theirs)}, not {', '.join(ours)}"
    for name, strategy in config.strategies.items():
        if strategy.account != then.strategies[name].account:
            return f"strategy {name} traded on account {then.strategies[name].account}"
    for name, account in config.accounts.items():
        reason = _other_account(name, account, then.accounts[name], is_real=name in session.real_accounts)
        if reason is not None:
            return reason
    return None


def _other_account(name: str, ours: AccountSection, theirs: AccountSection, *, is_real: bool) -> str | None:
    for field in ("venue", "base_currency"):
        if getattr(ours, field) != getattr(theirs, field):
            return f"accounts.{name}.{field} was {getattr(theirs, field)}"
    if ours.simulated.account_type != theirs.simulated.account_type:
        return f"accounts.{name}.simulated.account_type was {theirs.simulated.account_type}"
    opening = ours.simulated.opening_balances
    if opening and is_real:
        return f"accounts.{name}.simulated.opening_balances says what the account begins with"
    if opening and opening != theirs.simulated.opening_balances:
        return f"accounts.{name}.simulated.opening_balances are others"
    return None


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
