"""`tickerd check`: the effective configuration, where each value comes from, and whether it would run."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, NamedTuple

from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json
from daemon.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from daemon.config import Config
    from daemon.config_sources import Loaded

EXAMPLE = "tickerd check --config tickerd.toml --set http.port=0"


class SecretFound(NamedTuple):
    """A secret by name; its text is nowhere in here."""

    place: str
    name: str
    origin: str | None
    """None when it is missing."""
    problem: str | None


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from daemon.cli.check_orders import order_doubts
    from daemon.config_checks import doubts_about

    loaded = load(args)
    secrets = secrets_of(loaded.config)
    errors = [f"{each.place}: {each.problem}" for each in secrets if each.problem]
    errors += strategy_errors(loaded.config)
    doubts = [*doubts_about(loaded.config), *order_doubts(loaded.config)]
    errors += calendar_errors(loaded.config, doubts)
    waiting = [] if errors else _waiting(loaded.config, doubts)
    if args.json:
        print_json({**_report(loaded, secrets, errors, doubts), "waiting": waiting})
    else:
        _print(loaded, secrets, doubts)
    for error in errors:
        print(f"tickerd check: {error}", file=sys.stderr)
    for each in waiting:
        print(f"tickerd check: waits for approval: {each}", file=sys.stderr)
    if errors:
        return ExitCode.WRONG_CONFIG
    return ExitCode.REFUSED if waiting else ExitCode.DONE


def _waiting(config: Config, doubts: list[str]) -> list[str]:
    """What needs a second command; a state folder that cannot be read is a doubt, no error."""
    from actors.errors import TradingError
    from daemon.cli.check_state import waiting_for_approval

    try:
        return waiting_for_approval(config)
    except TradingError as error:
        doubts.append(f"the state folder cannot be compared: {error}")
        return []


def secrets_of(config: Config) -> list[SecretFound]:
    """Every secret the configuration names, looked for where `run` looks."""
    from daemon.alert_settings import secret_names

    found = []
    for account, section in config.accounts.items():
        for field in ("api_key", "api_secret"):
            name = getattr(section, field)
            if name is None:
                continue
            # A paper account needs no keys: naming them ahead of time is no mistake.
            found.append(_looked_for(f"accounts.{account}.{field}", name, is_needed=section.mode != "paper"))
    found += [_looked_for(place, name) for place, name in secret_names(config.alerts).items()]
    return found


def _looked_for(place: str, name: str, *, is_needed: bool = True) -> SecretFound:
    from actors.errors import ConfigError
    from daemon.secret import resolve_secret

    try:
        return SecretFound(place, name, resolve_secret(name, os.environ).origin, None)
    except ConfigError as error:
        return SecretFound(place, name, None, str(error) if is_needed else None)


def strategy_errors(config: Config) -> list[str]:
    """What is wrong with the strategies' code or parameters; loading runs their modules, as `run` does."""
    from actors.errors import ConfigError
    from actors.strategies.loading import load_strategy
    from actors.strategies.parameters import convert_parameters

    found = []
    for name, section in config.strategies.items():
        try:
            convert_parameters(load_strategy(section.use), section.parameters)
        except ConfigError as error:
            found.append(f"strategies.{name}: {error}")
    return found


def calendar_errors(config: Config, doubts: list[str]) -> list[str]:
    """Calendars that nobody knows, looked up as `run` does; one that will end soon is a doubt."""
    import time

    from actors.errors import ConfigError
    from daemon.calendars import ending_soon, hours_calendars, live_calendars
    from daemon.config import Config

    traded = {name for strategy in config.strategies.values() for name in strategy.instruments}
    asked = {
        f"venues.{name}.simulated.hours.calendar": each for name, each in hours_calendars(config).items()
    }
    for name, instrument in config.instruments.items():
        if name in traded:
            asked[f"instruments.{name}.calendar"] = instrument.calendar
    found, now = [], time.time_ns()
    for place, name in asked.items():
        try:
            doubts += ending_soon(live_calendars(Config(), (name,), now), now)
        except ConfigError as error:
            found.append(f"{place}: {error}")
    return found


def _report(
    loaded: Loaded, secrets: list[SecretFound], errors: list[str], doubts: list[str]
) -> dict[str, Any]:
    import msgspec

    from daemon.config_types import dotted

    return {
        "file": str(loaded.path) if loaded.path else None,
        "config": msgspec.to_builtins(loaded.config),
        "origins": {dotted(path): loaded.origin(path) for path, _ in leaves(loaded.config)},
        "secrets": [{"place": each.place, "name": each.name, "origin": each.origin} for each in secrets],
        "errors": errors,
        "warnings": doubts,
    }


def _print(loaded: Loaded, secrets: list[SecretFound], doubts: list[str]) -> None:
    from daemon.cli.tables import table
    from daemon.config_types import dotted

    rows = [
        {"key": dotted(path), "value": _shown(value), "origin": loaded.origin(path)}
        for path, value in leaves(loaded.config)
    ]
    print(table(rows))
    if secrets:
        print()
        print(
            table(
                [
                    {"secret": each.place, "name": each.name, "found": each.origin or "missing"}
                    for each in secrets
                ]
            )
        )
    for doubt in doubts:
        print(f"tickerd check: note: {doubt}", file=sys.stderr)


def leaves(config: Config) -> list[tuple[tuple[str, ...], Any]]:
    """Every value with its path; an empty table or list is a value."""
    import msgspec

    from daemon.config_files import paths_of

    tree = msgspec.to_builtins(config)
    found = []
    for path in paths_of(tree):
        value: Any = tree
        for key in path:
            value = value[int(key)] if isinstance(value, list) else value[key]
        if not isinstance(value, dict | list) or not value:
            found.append((path, value))
    return found


def _shown(value: Any) -> str:
    match value:
        case None:
            return "off"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case _:
            return str(value)
