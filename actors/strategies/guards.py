"""What strategies must not do, found in their source before it runs: a guard against mistakes, not a sandbox.

A clock, chance or anything from outside would make a replay differ from its session. Functions that are
handed to `run_off_loop` may do all of it: only their answers enter the core.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from actors.errors import ConfigError

_CLOCK = "use ctx.now"
_CHANCE = "draw numbers in a function given to ctx.run_off_loop"
_OUTSIDE = "do it in a function given to ctx.run_off_loop"

_NUMBERED = "key it by a name or a number of its own"

_LOADING = "import what it needs at the top of the file, and call it by its name"

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
    "pandas.Period.now": _CLOCK,
    "os.times": _CLOCK,
    "hash": _NUMBERED,
    "id": _NUMBERED,
    "random": _CHANCE,
    "secrets": _CHANCE,
    "uuid.uuid1": _CHANCE,
    "uuid.uuid4": _CHANCE,
    "os.urandom": _CHANCE,
    "os.getrandom": _CHANCE,
    "os.getpid": _CHANCE,
    "numpy.random": _CHANCE,
    "__import__": _LOADING,
    "__builtins__": _LOADING,
    "eval": _LOADING,
    "exec": _LOADING,
    "compile": _LOADING,
    "importlib": _LOADING,
    "runpy": _LOADING,
    "ctypes": _OUTSIDE,
    "cffi": _OUTSIDE,
    "open": _OUTSIDE,
    "io.open": _OUTSIDE,
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


NOW = frozenset({"now", "today"})
"""As a text to one of these the same as their `now()`."""
TAKES_NOW: frozenset[str] = frozenset({
    "numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime", "pandas.DatetimeIndex", "pandas.Period",
    "pandas.date_range", "pandas.period_range",
})  # fmt: skip
LIBRARIES = frozenset({"numpy", "pandas", "polars"})
"""Most of what they hold may be called: a name that is only known when it runs passes."""
TYPE_QUESTIONS = frozenset({"isinstance", "issubclass"})
"""Calls that only ask about what they are given."""


def check_source(file: str, source: bytes, known: Mapping[str, str] | None = None) -> None:
    """Look through a strategy's module; what only runs when it is the main program is none of the strategy's.

    Args:
        known: What names stand for that are imported elsewhere, as in the other cells of a notebook.
    Raises:
        ForbiddenCall: It calls a clock, chance or the outside; names file, line and the way to do it.
    """
    tree = ast.parse(source)
    names = {**(known or {}), **_imported(tree)}
    bound = _bound(tree)
    aliases = _aliases(tree, names, bound)
    names.update(aliases)
    exempt, setup = _off_loop(tree), _in_setup(tree)
    references = _References(names, bound - aliases.keys())
    for node in _nodes(tree, exempt):
        found = references.fault(node)
        if found is None and isinstance(node, ast.Call) and (node.lineno, node.col_offset) not in setup:
            called = _full_name(node.func, names)
            found = (node, f"{called}()", _READING) if called in READERS else None
        if found is not None:
            place, what, advice = found
            line = getattr(place, "lineno", 1)
            raise ForbiddenCall(
                f"{file}:{line}: {what} would make a replay differ from its session; {advice}"
            )


Fault = tuple[ast.AST, str, str]
"""Where, what, and what to do instead."""


class _References:
    """Which nodes call what is forbidden, or hand it on to be called elsewhere."""

    def __init__(self, names: Mapping[str, str], bound: frozenset[str]) -> None:
        self._names, self._bound = names, bound

    def fault(self, node: ast.AST) -> Fault | None:
        """What is wrong with a node by itself, without those in it."""
        match node:
            case ast.Call():
                return self._call(node)
            case ast.Name(id="__builtins__"):
                return node, "__builtins__", _LOADING
            case ast.ImportFrom(module=str(module), names=[ast.alias(name="*")]) if _holds_forbidden(module):
                return node, f"from {module} import *", "import its names one by one"
            case ast.Assign(targets=[ast.Name()]):
                return None  # the name stands for it from here on
            case ast.Assign(value=value):
                return self._handed_on([value])
            case ast.arguments():
                return self._handed_on([each for each in (*node.defaults, *node.kw_defaults) if each])
            case _:
                return None

    def _call(self, node: ast.Call) -> Fault | None:
        called = _full_name(node.func, self._names)
        advice = _advice(called)
        if advice is not None:
            return node, f"{called}()", advice
        if called in TYPE_QUESTIONS or (
            isinstance(node.func, ast.Attribute) and node.func.attr == "run_off_loop"
        ):
            return None
        if called == "getattr" and len(node.args) > 1 and (found := self._by_text(node)) is not None:
            return found
        if called in TAKES_NOW and (text := _now_in(node)) is not None:
            return node, f"{called}({text!r})", _CLOCK
        if (
            called.startswith("numpy.")
            and _texts(node) & NOW
            and any("datetime64" in t for t in _texts(node))
        ):
            return node, f"{called}('now')", _CLOCK
        return self._handed_on([*node.args, *(keyword.value for keyword in node.keywords)])

    def _by_text(self, node: ast.Call) -> Fault | None:
        """`getattr(time, "time")`, and with a name that is only known when it runs."""
        base, asked = _full_name(node.args[0], self._names), node.args[1]
        if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
            advice = _advice(f"{base}.{asked.value}")
            return None if advice is None else (node, f"{base}.{asked.value}()", advice)
        if (
            base not in LIBRARIES
            and base.partition(".")[0] in self._names.values()
            and _holds_forbidden(base)
        ):
            return node, f"getattr({base}, …)", "call it by its name"
        return None

    def _handed_on(self, values: Sequence[ast.expr]) -> Fault | None:
        for value in values:
            root = _root(value)
            if root is None or root in self._bound:
                continue
            name = _full_name(value, self._names)
            advice = _advice(name)
            if advice is not None:
                return value, name, advice
        return None


def _holds_forbidden(module: str) -> bool:
    return _advice(module) is not None or any(name.startswith(f"{module}.") for name in FORBIDDEN)


def _texts(node: ast.AST) -> set[str]:
    return {
        each.value.strip().lower()
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _now_in(node: ast.Call) -> str | None:
    return next(iter(sorted(_texts(node) & NOW)), None)


def _root(node: ast.expr) -> str | None:
    """The name that a chain of attributes begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _bound(tree: ast.Module) -> frozenset[str]:
    """Names that the module gives values of its own, as arguments or by assignment."""
    return frozenset(
        node.arg if isinstance(node, ast.arg) else node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    )


def _aliases(tree: ast.Module, names: Mapping[str, str], bound: frozenset[str]) -> dict[str, str]:
    """What `now = time.time` makes of `now`, in the order of the source."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            root, known = _root(node.value), {**names, **found}
            if root in known or (root in FORBIDDEN and root not in bound):
                found[node.targets[0].id] = _full_name(node.value, known)
    return found


def _advice(called: str) -> str | None:
    parts = called.removeprefix("builtins.").split(".")
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


def _full_name(node: ast.expr, names: Mapping[str, str]) -> str:
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
