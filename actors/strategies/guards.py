"""What strategies must not do, found in their source before it runs: a guard against mistakes, not a sandbox.

A clock, chance or anything from outside would make a replay differ from its session. Functions that are
handed to `run_off_loop` may do all of it: only their answers enter the core.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from actors.errors import ConfigError

_CLOCK = "use ctx.now"
_CHANCE = "draw numbers in a function given to ctx.run_off_loop"
_OUTSIDE = "do it in a function given to ctx.run_off_loop"

_NUMBERED = "key it by a name or a number of its own"

_READING = "read it in on_setup, or in a function given to ctx.run_off_loop"


class ForbiddenCall(ConfigError):
    """A strategy's module calls what no replay could repeat."""

    exit_code = 1


FORBIDDEN: dict[str, str] = {
    "time.sleep": "use ctx.set_timer",
    "time": _CLOCK,
    "datetime.datetime.now": _CLOCK,
    "datetime.datetime.utcnow": _CLOCK,
    "datetime.datetime.today": _CLOCK,
    "datetime.date.today": _CLOCK,
    "pandas.Timestamp.now": _CLOCK,
    "pandas.Timestamp.today": _CLOCK,
    "pandas.Timestamp.utcnow": _CLOCK,
    "hash": _NUMBERED,
    "id": _NUMBERED,
    "random": _CHANCE,
    "secrets": _CHANCE,
    "uuid.uuid1": _CHANCE,
    "uuid.uuid4": _CHANCE,
    "os.urandom": _CHANCE,
    "numpy.random": _CHANCE,
    "open": _OUTSIDE,
    "input": _OUTSIDE,
    "os.environ": _OUTSIDE,
    "os.getenv": _OUTSIDE,
    "os.popen": _OUTSIDE,
    "os.system": _OUTSIDE,
    "pathlib.Path": _OUTSIDE,
    "socket": _OUTSIDE,
    "subprocess": _OUTSIDE,
    "threading": _OUTSIDE,
    "multiprocessing": _OUTSIDE,
    "asyncio": _OUTSIDE,
    "requests": _OUTSIDE,
    "urllib.request": _OUTSIDE,
    "aiohttp": _OUTSIDE,
    "httpx": _OUTSIDE,
}
"""Full name, or what it begins with → what to do instead."""
READERS: frozenset[str] = frozenset({
    "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap",
    "pandas.read_csv", "pandas.read_parquet", "pandas.read_feather", "pandas.read_pickle",
    "polars.read_csv", "polars.read_parquet", "polars.read_ipc", "polars.scan_csv", "polars.scan_parquet",
    "polars.scan_ipc",
})  # fmt: skip
"""Tables from files: allowed in `on_setup`, before anything runs."""


def check_source(file: str, source: bytes, known: Mapping[str, str] | None = None) -> None:
    """Look through a strategy's module; what only runs when it is the main program is none of the strategy's.

    Args:
        known: What names stand for that are imported elsewhere, as in the other cells of a notebook.
    Raises:
        ForbiddenCall: It calls a clock, chance or the outside; names file, line and the way to do it.
    """
    tree = ast.parse(source)
    names = {**(known or {}), **_imported(tree)}
    exempt, setup = _off_loop(tree), _in_setup(tree)
    for node in _nodes(tree, exempt):
        if isinstance(node, ast.Call):
            called = _full_name(node.func, names)
            advice = _advice(called)
            if called in READERS and (node.lineno, node.col_offset) not in setup:
                advice = _READING
            if advice is not None:
                raise ForbiddenCall(
                    f"{file}:{node.lineno}: {called}() would make a replay differ from its session; {advice}"
                )


def _advice(called: str) -> str | None:
    parts = called.split(".")
    for count in range(len(parts), 0, -1):
        advice = FORBIDDEN.get(".".join(parts[:count]))
        if advice is not None:
            return advice
    return None


def _imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                names[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                names[item.asname or item.name] = f"{node.module}.{item.name}"
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    """`datetime.datetime.now` of `dt.now` after `from datetime import datetime as dt`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    if node.id in names:
        return ".".join([names[node.id], *reversed(parts)])
    return node.id if not parts else f"<local>.{node.id}"


def _off_loop(tree: ast.Module) -> frozenset[str]:
    """Names of the functions that the module hands to `run_off_loop`."""
    return frozenset(
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "run_off_loop"
        and node.args
        and isinstance(node.args[0], ast.Name)
    )


def _in_setup(tree: ast.Module) -> frozenset[tuple[int, int]]:
    """Places of all calls in the bodies of `on_setup`."""
    return frozenset(
        (node.lineno, node.col_offset)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == "on_setup"
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    )


def _nodes(tree: ast.Module, exempt: frozenset[str]) -> Iterator[ast.AST]:
    """All nodes but those of exempt functions at the top of the module, in the order of the source."""
    for statement in tree.body:
        is_exempt = isinstance(statement, ast.FunctionDef) and statement.name in exempt
        if not is_exempt and not _is_main(statement):
            yield from ast.walk(statement)


def _is_main(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`."""
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
        and not statement.orelse
    )
