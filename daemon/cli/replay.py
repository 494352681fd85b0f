"""`tickerd replay`: run a recorded session again; every step must come out as it stands on the tape."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daemon.cli.common import (
    add_json_argument,
    add_model_argument,
    add_state_argument,
    print_json,
    state_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.core.frames import Head
    from actors.store.replay import ReplayResult
    from daemon.graph import Core

EXAMPLE = "tickerd replay 20261120-093000 --state state --verify"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", help="label of the session (default: the newest)")
    parser.add_argument("--parts", metavar="A-B", help="consecutive parts of the tape instead of a session")
    parser.add_argument(
        "--verify", action="store_true", help="exit with 3 when anything differs from the record"
    )
    parser.add_argument("--list", action="store_true", help="list the sessions on the tape and stop")
    parser.add_argument(
        "--broker",
        choices=("recorded", "simulated"),
        default="recorded",
        help="simulated: let the simulated venue answer, to see what another model would have done",
    )
    add_model_argument(parser)
    add_state_argument(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from time import perf_counter

    from actors.errors import BadFrame, UsageError
    from actors.store.replay import replay
    from daemon.cli.exit_codes import ExitCode

    state = state_folder(args)
    if args.list:
        return _list(args)
    if args.broker == "simulated":
        from daemon.cli.replay_simulated import run_simulated

        return run_simulated(args)
    if args.overrides:
        raise UsageError("--set changes nothing about a record: give --broker simulated with it")
    began = perf_counter()
    changed: dict[str, None] = {}
    try:
        with progress(sys.stderr.isatty() and not args.json) as advance:
            result = replay(
                state,
                build=lambda head: _core(head, changed).sequencer,
                session=args.session,
                parts=_parts(args.parts) if args.parts else None,
                progress=advance,
            )
    except BadFrame as damage:
        if not args.verify:
            raise
        _say({"identical": False, "difference": str(damage)}, f"DIFFERENT: {damage}", args)
        return ExitCode.DIFFERS
    seconds = perf_counter() - began
    plain = {**_as_json(result), "seconds": round(seconds, 3)}
    if changed:
        result = replace(result, note=_changed_note(list(changed), result.note))
        plain |= {"changed": list(changed), "note": result.note}
    _say(plain, _as_text(result, seconds), args)
    return ExitCode.DONE if result.identical or not args.verify else ExitCode.DIFFERS


def _core(head: Head, changed: dict[str, None]) -> Core:
    """The core of a part; adds the strategies that are no longer what they were."""
    from daemon.code_changes import changed_strategies, fingerprints, own_code_hash, own_slippage
    from daemon.startup import core_of_head, load_classes
    from daemon.tape_configuration import from_tape_configuration

    config = from_tape_configuration(head.config)[0]
    classes = load_classes(config)
    found = changed_strategies(head, fingerprints(config, classes))
    if not found and own_slippage(config) and head.strategy_hash != own_code_hash(config, classes.values()):
        found = ["slippage"]
    changed.update(dict.fromkeys(found))
    return core_of_head(head, classes=classes)


def _changed_note(names: list[str], note: str | None) -> str:
    others = "has other code than" if len(names) == 1 else "have other code than"
    text = f"{', '.join(names)} {others} in that session: equal is what the code of now does, not the code"
    return text if note is None else f"{text}; {note}"


def _say(plain: dict[str, Any], text: str, args: Namespace) -> None:
    if args.json:
        print_json(plain)
    else:
        print(text)


def _list(args: Namespace) -> int:
    from datetime import UTC, datetime

    from actors.errors import UsageError
    from actors.store.layout import tape_folder
    from actors.store.replay import sessions
    from daemon.cli.tables import table

    state = state_folder(args)
    if not tape_folder(state).is_dir():
        raise UsageError(f"{state} holds no tape: give the state folder of a run with --state")
    rows = [
        {
            "session": session.label,
            "started": datetime.fromtimestamp(session.ts_started / 1e9, tz=UTC).isoformat(timespec="seconds"),
            "parts": len(session.parts),
            "first_seq": session.first_seq,
            "stopped_cleanly": session.is_stopped_cleanly,
        }
        for session in sessions(state)
    ]
    _say({"sessions": rows}, table(rows, empty="no sessions on this tape"), args)
    return 0


def _parts(text: str) -> list[int]:
    from actors.errors import UsageError

    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise UsageError(f"--parts {text!r} is no range: write 3 or 3-7")
    return list(range(int(first), int(last or first) + 1))


@contextmanager
def progress(is_shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A line on stderr that counts, for who watches a terminal."""
    if not is_shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} inputs"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=None)
        yield lambda inputs, _: bar.update(task, completed=inputs)


def _as_json(result: ReplayResult) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "identical": result.identical,
        "inputs": result.inputs,
        "orders": result.orders,
        "chain": result.chain,
        "parts": list(result.parts),
    }
    if result.difference is not None:
        plain["difference"] = str(result.difference)
        plain["seq"] = result.difference.seq
    if result.note is not None:
        plain["note"] = result.note
    return plain


def counted(number: int, noun: str) -> str:
    """`1 part`, `2 parts`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _as_text(result: ReplayResult, seconds: float) -> str:
    verdict = "identical" if result.identical else "DIFFERENT"
    sizes = [counted(n, noun) for n, noun in ((result.inputs, "input"), (result.orders, "order"))]
    rate = result.inputs / max(1e-9, seconds)
    lines = [
        f"{verdict}: {', '.join(sizes)} in {counted(len(result.parts), 'part')}; {rate:,.0f} inputs/s",
        f"chain {result.chain}",
    ]
    if result.difference is not None:
        lines.append(str(result.difference))
    if result.note is not None:
        lines.append(f"note: {result.note}")
    return "\n".join(lines)
