"""The tail of the tape run again at a start, and what is decided where it does not come out as recorded.

every strategy's code as it was    run all of it; each step must be repeated
some strategies changed or gone    the rest runs, their recorded messages stand in their place
a step was not repeated            all strategies from the record, and where even that differs the record
                                   wins: see `decisions`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from actors.core.frames import Head
from actors.messages.base import Message, account_of
from actors.messages.control import Halt, Scope
from actors.messages.orders import CancelOrder, NotSent, OrderRecovered, ReplaceOrder, SubmitOrder
from actors.store.recovery import CaughtUp, Recovered, catch_up
from actors.store.rerun import Difference, Differs, Failure, LastInputFailed
from actors.store.tape_file import LateStep
from actors.store.tolerant import InputFailed, Unrepeated
from actors.strategies.base import Strategy
from actors.strategies.recorded import AbsentStrategy, Recording, recorded_strategy
from daemon.code_changes import runnable_classes
from daemon.config import Config
from daemon.graph import Core, is_paper
from daemon.tape_configuration import from_tape_configuration

log = structlog.get_logger(__name__)

Build = Callable[[dict[str, type[Strategy]], list[str]], Core]
"""Makes the core that wrote the tape of these classes; those named cannot take their own state."""
RERUNS_MAX = 20
"""So many inputs that an actor no longer takes are skipped; more is no recovery."""
SHOWN = 200
_REPEATABLE = ("messages", "failed")


class Tail(NamedTuple):
    """The core at the tape's end, and what was found on the way."""

    caught: CaughtUp
    core: Core | None
    """None when nothing was to be run: the recovered state is that of the tape's end."""
    difference: Difference | None
    """The first step that the same code did not repeat."""


def run_tail(recovered: Recovered, head: Head, build: Build) -> Tail:
    """Bring a core to the tape's end, whatever of it can still be run.

    Raises:
        ReplayDiffers: The tape contradicts itself, or an actor fails on input after input.
    """
    config = from_tape_configuration(head.config)[0]
    classes = runnable_classes(head, config)
    gone = [name for name in config.strategies if name not in classes]
    try:
        if not gone:
            return Tail(*_attempt(recovered, lambda: build(classes, []), None, None), None)
        log.warning(
            "the tail is run with recorded messages in the place of changed strategies", strategies=gone
        )
        return Tail(*_attempt(recovered, *_recorded(build, classes, gone, gone), None), None)
    except Differs as differs:
        if differs.difference.kind not in _REPEATABLE:
            raise
        first = differs.difference
    log.error("the record was not repeated, the record wins", seq=first.seq, **_sides(first))
    skip: dict[int, Difference] = {}
    while True:
        try:
            return Tail(
                *_attempt(recovered, *_recorded(build, classes, gone, list(config.strategies)), skip), first
            )
        except InputFailed as failed:
            if len(skip) == RERUNS_MAX:
                raise
            skip[failed.seq] = failed.difference


def _recorded(
    build: Build, classes: dict[str, type[Strategy]], gone: list[str], recorded: list[str]
) -> tuple[Callable[[], Core], Recording]:
    recording = Recording()
    stand_ins = {name: recorded_strategy(classes.get(name, AbsentStrategy), recording) for name in recorded}
    return lambda: build({**classes, **stand_ins}, gone), recording


def _attempt(
    recovered: Recovered,
    build: Callable[[], Core],
    recording: Recording | None,
    skip: dict[int, Difference] | None,
) -> tuple[CaughtUp, Core]:
    late: LateStep | None = None
    while True:
        core = build()
        try:
            return catch_up(recovered, core.sequencer, late=late, recording=recording, skip=skip), core
        except LastInputFailed as failed:
            late = failed.late


# what follows from it, as inputs


def decisions(tail: Tail, config: Config, now: int) -> list[Message]:
    """What recovery decides: each an input of the new process life, so that a replay decides the same."""
    # The venue of a paper account is in the core: what was sent to it is under way there.
    late = [each for each in tail.caught.late_messages if not _is_of_paper(each, config)]
    found: list[Message] = list(_never_sent(late, now, "the process ended before the record"))
    unrepeated = tail.caught.unrepeated or Unrepeated()
    found += _never_sent(unrepeated.only_made.values(), now, "made by the rerun alone, the record wins")
    found += [
        OrderRecovered(ts_event=now, terms=each.terms, sent_ms=each.venue_timestamp_ms)
        for each in unrepeated.only_recorded.values()
        if each.account in config.accounts
    ]
    reasons: dict[str, str] = {}
    for difference in (*_first(tail.difference), *unrepeated.differences):
        for account in _accounts_of(difference.messages, config):
            sides = _sides(difference)
            reason = f"seq {difference.seq} was not repeated: {sides['recorded']}, {sides['made']}"
            reasons.setdefault(account, reason)
    if tail.caught.failure is not None:
        for account in _accounts_of_failure(tail.caught.failure, config):
            failed = tail.caught.failure.failed
            reason = (
                f"{failed.actor} failed on seq {tail.caught.failure.seq} ({failed.error}); it was skipped"
            )
            reasons.setdefault(account, reason)
    for account, reason in reasons.items():
        log.error("account starts halted", account=account, reason=reason)
        scope = Scope(account=account)
        command_id = f"recovery-{tail.caught.seq}-{account}"
        found.append(Halt(ts_event=now, scope=scope, command_id=command_id, by="recovery", reason=reason))
    return found


def _is_of_paper(message: Message, config: Config) -> bool:
    account = config.accounts.get(account_of(message) or "")
    return account is not None and is_paper(account)


def _first(difference: Difference | None) -> tuple[Difference, ...]:
    return (difference,) if difference is not None else ()


def _sides(difference: Difference) -> dict[str, str]:
    return {
        "recorded": f"recorded {difference.expected[:SHOWN]}",
        "made": f"made again {difference.got[:SHOWN]}",
    }


def _accounts_of(messages: Iterable[Message], config: Config) -> list[str]:
    """Accounts of these messages; all of them where none can be named."""
    found: dict[str, None] = {}
    for message in messages:
        account = account_of(message)
        section = config.strategies.get(getattr(message, "strategy", ""))
        if account is None and section is not None:
            account = section.account
        if account in config.accounts:
            found[account] = None
    return list(found or config.accounts)


def _accounts_of_failure(failure: Failure, config: Config) -> list[str]:
    """The account that the failed step was about, by its message or its instrument."""
    if failure.failed.account in config.accounts:
        return [failure.failed.account]
    own = account_of(failure.message) if failure.message is not None else None
    if own in config.accounts:
        return [own]
    instrument = getattr(failure.message, "instrument", None)
    trading = dict.fromkeys(
        section.account for section in config.strategies.values() if instrument in section.instruments
    )
    return list(trading or config.accounts)


def _never_sent(messages: Iterable[Message], now: int, reason: str) -> list[NotSent]:
    """A command that is not on the tape has not left: say so of each."""
    commands = {SubmitOrder: "submit", CancelOrder: "cancel", ReplaceOrder: "replace"}
    return [
        NotSent(
            ts_event=now,
            account=message.account,
            instrument=message.instrument,
            client_order_id=message.client_order_id,
            venue_order_id=None,
            command=commands[type(message)],  # type: ignore[arg-type]
            reason=reason,
        )
        for message in messages
        if isinstance(message, SubmitOrder | CancelOrder | ReplaceOrder)
    ]
