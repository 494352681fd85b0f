"""What the verbs share: arguments, loading the configuration, and printing."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from daemon.config_sources import Loaded


def add_state_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--state", metavar="DIR", help="state folder (default: the configuration's, else state)"
    )


def add_config_arguments(parser: ArgumentParser) -> None:
    """The file (by itself or after `--config`), `--set` and `--state`: for every verb that reads them."""
    parser.add_argument("file", nargs="?", metavar="FILE", type=Path, help="the same as --config FILE")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="configuration: *.toml, *.yaml or *.json (default: tickerd.toml)",
    )
    parser.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="override one value; may be repeated, wins over TICKERD__SECTION__KEY and the file",
    )
    add_state_argument(parser)


def add_json_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout, nothing else there"
    )


def add_model_argument(parser: ArgumentParser) -> None:
    """`--set` for who simulates a session."""
    parser.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="simulate with another value than the session's, such as accounts.NAME.simulated.latency_ms=5",
    )


def load(args: Namespace, *, needs_file: bool = True, others: Sequence[Path] = ()) -> Loaded:
    """The configuration that the arguments ask for.

    Args:
        others: Further files; what one of them sets, no other may set.
        needs_file: Whether a configuration of defaults alone is no use to the verb.
    Raises:
        ConfigError: It is wrong, or there is none.
        UsageError: Two files are given.
    """
    from actors.errors import ConfigError, UsageError
    from daemon.config_sources import DEFAULT_FILE, load_config

    if args.config and args.file:
        raise UsageError(f"two configurations are given, {args.file} and {args.config}: leave one out")
    loaded = load_config(
        args.config or args.file,
        others=others,
        overrides=args.overrides,
        state=args.state,
        environ=os.environ,
    )
    if needs_file and loaded.path is None:
        raise ConfigError(
            f"there is no {DEFAULT_FILE} here: give --config FILE, or write one with `tickerd init`"
        )
    return loaded


def state_folder(args: Namespace) -> Path:
    """The state folder without a configuration: `--state`, else the configuration's, else `state`."""
    if args.state is not None:
        return Path(args.state)
    from daemon.config_sources import load_config

    return Path(load_config(getattr(args, "config", None), environ=os.environ).config.daemon.state)


def print_json(value: Mapping[str, Any]) -> None:
    """One object, one line, on stdout; money as text."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value, order=None).decode() + "\n")
    sys.stdout.flush()


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Terminals only, and never against NO_COLOR."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and stream.isatty()


def terminal_width() -> int | None:
    """None for rich to find out; wide enough for all columns where nobody watches."""
    return None if sys.stdout.isatty() else 160


def time_of(text: str | None, option: str) -> int | None:
    """A time an option names, ns UTC; without an offset it is UTC.

    Raises:
        UsageError: It is none.
    """
    from datetime import UTC, datetime

    from actors.errors import UsageError

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write 2020-03-01 or 2020-03-01T12:30:00") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp()) * 1_000_000_000
