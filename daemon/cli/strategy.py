"""`tickerd strategy`: write a new strategy, list those there are, put one to the test."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.cli.common import add_json_argument, print_json

if TYPE_CHECKING:
    from actors.strategies.base import Strategy

EXAMPLE = "tickerd strategy new breakout && tickerd strategy test strategies/breakout.py"
FOLDER = Path("strategies")


def add_arguments(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = verbs.add_parser("new", help="write a strategy and a test that passes")
    new.add_argument("name", metavar="NAME", help="such as breakout or my_cross")
    _add_folder(new)
    listed = verbs.add_parser("list", help="built-in strategies and those in the folder, with parameters")
    _add_folder(listed)
    test = verbs.add_parser("test", help="guards, look-ahead, warm-up and a backtest on made-up data")
    test.add_argument("file", metavar="FILE[:CLASS]", help="or package.module:Class")
    test.add_argument(
        "--set",
        dest="parameters",
        metavar="PARAMETER=VALUE",
        action="append",
        default=[],
        help="a parameter; may be repeated",
    )
    test.add_argument("--seed", type=int, default=1, help="of the made-up data")
    for each in (new, listed, test):
        add_json_argument(each)


def _add_folder(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--dir", dest="folder", metavar="DIR", type=Path, default=FOLDER, help="folder (default: strategies)"
    )


def run(args: Namespace) -> int:
    match args.what:
        case "new":
            return _new(args)
        case "list":
            return _list(args)
        case _:
            return _test(args)


# new


def _new(args: Namespace) -> int:
    from keyword import iskeyword

    from actors.errors import TradingError, UsageError
    from daemon.cli.strategy_files import STRATEGY, TEST, names_of

    module, cls = names_of(args.name)
    if module.startswith("test_"):
        raise UsageError(f"{args.name!r} is the name of a test: choose one that does not begin with test")
    if not module.isidentifier() or iskeyword(module):
        raise UsageError(f"{args.name!r} is no name for a strategy: use letters, as in breakout or my_cross")
    file, test = args.folder / f"{module}.py", args.folder / f"test_{module}.py"
    for path in (file, test):
        if path.exists():
            raise UsageError(f"{path} is there already and is not overwritten: choose another name")
    words = {"module": module, "cls": cls, "file": file, "test": test, "title": cls}
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(STRATEGY.format(**words), encoding="utf-8")
        test.write_text(TEST.format(**words), encoding="utf-8")
    except OSError as error:
        raise TradingError(f"{args.folder} cannot be written ({error.strerror}): choose another") from None
    if args.json:
        print_json({"strategy": str(file), "test": str(test), "use": f"{file}:{cls}"})
    else:
        print(f"wrote {file}\nwrote {test}\nnext: tickerd strategy test {file}")
    return 0


# list


def _list(args: Namespace) -> int:
    from actors.errors import UsageError

    if args.folder != FOLDER and not args.folder.is_dir():
        raise UsageError(
            f"there is no folder {args.folder}: check --dir, or begin one with `tickerd strategy new`"
        )
    rows = [*_built_in(), *_found(args.folder)]
    if args.json:
        print_json({"strategies": rows})
        return 0
    _print(rows)
    return 0


def _print(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from daemon.cli.common import terminal_width

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("strategy", "parameters", "about"):
        table.add_column(name, overflow="fold")
    for row in rows:
        texts = (row["use"], _parameters_text(row["parameters"]), row["about"])
        table.add_row(*map(Text, texts))
    Console(width=terminal_width(), highlight=False).print(table)


def _built_in() -> list[dict[str, Any]]:
    from pkgutil import iter_modules

    from actors.strategies import library

    names = sorted(module.name for module in iter_modules(library.__path__))
    return [row for name in names for row in _of_module(f"{library.__name__}.{name}")]


def _found(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.py")) if folder.is_dir() else []
    return [row for file in files if not file.name.startswith("test_") for row in _of_module(str(file))]


def _of_module(place: str) -> list[dict[str, Any]]:
    """Its strategies; what cannot be loaded is listed with the reason."""
    from actors.errors import ConfigError
    from actors.strategies.loading import strategies_in

    try:
        return [
            {"use": f"{place}:{name}", "parameters": _parameters(cls), "about": _about(cls)}
            for name, cls in strategies_in(place).items()
        ]
    except ConfigError as error:
        return [{"use": place, "parameters": {}, "about": f"cannot be used: {error}"}]


def _parameters(strategy: type[Strategy]) -> dict[str, str]:
    """Name → default as text; `required` without one."""
    from actors.strategies.parameters import declared_fields

    kind: type = strategy
    return {
        name: str(getattr(kind, name)) if hasattr(kind, name) else "required"
        for name in declared_fields(kind)
    }


def _parameters_text(parameters: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def _about(strategy: type[Strategy]) -> str:
    import sys

    own = strategy.__dict__.get("__doc__") or sys.modules[strategy.__module__].__doc__ or ""
    return own.strip().partition("\n")[0]


# test


def _test(args: Namespace) -> int:
    from actors.errors import ConfigError
    from daemon.cli.tables import table
    from daemon.research.trial import try_strategy

    strategy = _strategy(args.file)
    try:
        checks = try_strategy(strategy, _given(args.parameters), seed=args.seed)
    except ConfigError as error:  # which strategy is clear
        raise ConfigError(str(error).removeprefix("strategy strategy: ")) from None
    if args.json:
        print_json({"checks": [{"check": c.name, "good": c.is_good, "text": c.text} for c in checks]})
    else:
        rows = [{"check": c.name, "result": "ok" if c.is_good else "FAILED", "what": c.text} for c in checks]
        print(table(rows))
    return max((check.exit_code for check in checks if not check.is_good), default=0)


def _strategy(place: str) -> type[Strategy]:
    from actors.errors import UsageError
    from actors.strategies.loading import load_strategy, strategies_in
    from daemon.cli.strategy_files import names_of

    if not place.endswith(".py") and ":" not in place:
        file = FOLDER / f"{names_of(place)[0]}.py"  # as it was given to `new`
        if not file.is_file():
            raise UsageError(
                f"there is no strategy {place!r}: name its file, as in strategies/breakout.py; "
                "`tickerd strategy list` shows those there are"
            )
        place = str(file)
    if not place.endswith(".py"):
        return load_strategy(place)
    found = strategies_in(place)
    if len(found) != 1:
        names = ", ".join(found)
        there = f"{place} has {len(found)} strategies ({names})" if found else f"{place} has no strategy"
        raise UsageError(f"{there}: name one as {place}:Class")
    return load_strategy(f"{place}:{next(iter(found))}")


def _given(texts: list[str]) -> dict[str, Any]:
    """`name=value` as a configuration file would have it; what is no TOML value is a text."""
    import tomllib

    from actors.errors import UsageError

    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise UsageError(f"--set {text!r} is not understood: write it as --set parameter=value")
        try:
            given[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            given[name.strip()] = value.strip()
    return given
