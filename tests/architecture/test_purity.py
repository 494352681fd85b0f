"""The core decides from its inputs alone: no clock, I/O, waiting, chance, nor the order of a hash."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import (
    Function,
    Source,
    assert_clean,
    dotted,
    full_names,
    has_segment,
    resolved,
    sources,
)
from tests.architecture.source import imports as imports_of

PURE = (
    "actors/errors.py", "actors/messages", "actors/model", "actors/core", "actors/views", "actors/bars",
    "actors/strategies", "actors/portfolio", "actors/risk", "actors/oms", "actors/ledger",
    "actors/reconciliation", "actors/indicators", "actors/analytics", "actors/venues/simulated",
)  # fmt: skip

IMPURE_MODULES = frozenset({
    "aiohttp", "aiosqlite", "asyncio", "concurrent", "ctypes", "fcntl", "glob", "http", "io",
    "logging", "mmap", "multiprocessing", "os", "pathlib", "queue", "random", "requests", "secrets",
    "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "structlog",
    "subprocess", "tempfile", "threading", "time", "urllib", "uuid", "uvloop", "websockets",
})  # fmt: skip

IMPURE_CALLS = frozenset({
    "open", "print", "input", "breakpoint", "numpy.random", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
})  # fmt: skip

# Their results differ from process to process.
PER_PROCESS = frozenset({"hash", "id"})

# What takes an iterable and lets its order through.
ORDER_KEEPING = frozenset(
    {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "dict", "sum"}
)


def is_pure(source: Source) -> bool:
    return any(has_segment(source.path, folder) for folder in PURE)


def impure_imports(source: Source) -> list[str]:
    return [
        f"{source.path}:{item.line}: imports {item.target}"
        for item in imports_of(source)
        if item.module.partition(".")[0] in IMPURE_MODULES or item.target.startswith("numpy.random")
    ]


def impure_calls(source: Source) -> list[str]:
    """Clocks, files and process-bound values; `__hash__` itself may hash."""
    names = full_names(source)
    hashers = {
        id(node)
        for function in ast.walk(source.tree)
        if isinstance(function, Function) and function.name == "__hash__"
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = resolved(node.func, names)
            banned = name in IMPURE_CALLS or name.startswith("numpy.random.")
            if banned or (name in PER_PROCESS and id(node) not in hashers):
                found.append(f"{source.at(node)}: calls {name}()")
    return found


def waiting(source: Source) -> list[str]:
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return [
        f"{source.at(node)}: {type(node).__name__}"
        for node in ast.walk(source.tree)
        if isinstance(node, kinds)
    ]


def set_iterations(source: Source) -> list[str]:
    """Iterations over what is visibly a set: literals, calls, names made or annotated as sets."""
    found = []
    everywhere = sets_of_the_module(source.tree)
    for scope in [source.tree, *(node for node in ast.walk(source.tree) if isinstance(node, Function))]:
        known = everywhere | sets_of_the_scope(scope)
        for node in own_nodes(scope):
            for iterated in iterated_by(node):
                if is_set(iterated, known):
                    found.append(f"{source.at(iterated)}: the order of {ast.unparse(iterated)} is not ours")
    return found


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope without those of functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from own_nodes(child)


def iterated_by(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated) | ast.YieldFrom(value=iterated):
            return [iterated]
        case ast.Starred(value=iterated, ctx=ast.Load()):
            return [iterated]
        case ast.Call(func=ast.Name(id=name), args=args) if name in ORDER_KEEPING:
            return list(args)
        case ast.Call(func=ast.Attribute(attr="join" | "extend"), args=[argument]):
            return [argument]
        case ast.Call(func=ast.Attribute(attr="pop", value=value), args=[]):
            return [value]
    return []


def sets_of_the_module(tree: ast.Module) -> set[str]:
    """Names of the module and attributes of `self` that hold sets."""
    found: set[str] = set()
    for node in own_nodes(tree):
        found |= sets_bound_by(node)
    for node in ast.walk(tree):
        found |= {name for name in sets_bound_by(node) if name.startswith("self.")}
        if isinstance(node, ast.ClassDef):
            found |= {f"self.{name}" for statement in node.body for name in sets_bound_by(statement)}
    return found


def sets_of_the_scope(scope: ast.AST) -> set[str]:
    """Names of one function, its arguments among them, that hold sets."""
    found: set[str] = set()
    for node in own_nodes(scope):
        found |= sets_bound_by(node)
    if isinstance(scope, Function):
        arguments = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
        found |= {a.arg for a in arguments if a.annotation and is_set_type(a.annotation)}
    return found


def sets_bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.AnnAssign(target=target, annotation=annotation) if is_set_type(annotation):
            return {dotted(target)}
        case ast.Assign(targets=targets, value=value) if is_set(value, set()):
            return {dotted(target) for target in targets}
    return set()


def is_set_type(annotation: ast.expr) -> bool:
    name = ast.unparse(annotation).strip("'\"").partition("[")[0].rpartition(".")[2]
    return name in ("set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet")


def is_set(node: ast.expr, known: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return is_set(left, known) or is_set(right, known)
        case ast.Name() | ast.Attribute():
            return dotted(node) in known
    return False


def pure_sources() -> list[Source]:
    return [source for source in sources("actors") if is_pure(source)]


def test_the_core_imports_no_clock_no_chance_and_no_io() -> None:
    assert_clean(impure_imports, pure_sources())


def test_the_core_calls_no_clock_no_chance_and_no_io() -> None:
    assert_clean(impure_calls, pure_sources())


def test_the_core_never_waits() -> None:
    assert_clean(waiting, pure_sources())


def test_the_core_iterates_over_no_set() -> None:
    assert_clean(set_iterations, pure_sources())


def test_the_core_is_what_the_table_says() -> None:
    assert is_pure(Source("actors/risk/limits.py", ""))
    assert is_pure(Source("actors/venues/simulated/matching.py", ""))
    assert not is_pure(Source("actors/venues/binance/feed.py", ""))
    assert not is_pure(Source("actors/riskier/limits.py", ""))


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from os import path",
        "import numpy.random",
        "from numpy import random",
        "import os.path as p",
    ],
)
def test_an_impure_import_is_found(text: str) -> None:
    assert impure_imports(Source("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.date.today()",
        "import numpy as np\nnp.random.rand()",
        "key = hash(name)",
        "class A:\n    def f(self) -> int:\n        return id(self)",
    ],
)
def test_an_impure_call_is_found(text: str) -> None:
    assert impure_calls(Source("a.py", text))


def test_pure_calls_are_not_found() -> None:
    assert (
        impure_calls(Source("a.py", "class A:\n    def __hash__(self) -> int:\n        return hash(self.x)"))
        == []
    )
    assert impure_calls(Source("a.py", "from datetime import datetime\ndatetime.fromtimestamp(0, UTC)")) == []


@pytest.mark.parametrize("text", ["async def f() -> None: ...", "async def f() -> None:\n    await g()"])
def test_waiting_is_found(text: str) -> None:
    assert waiting(Source("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: ...",
        "[x for x in set(y)]",
        "x = list(frozenset(y))",
        "x = ','.join({'a', 'b'})",
        "x = [*{1, 2}]",
        "for x in set(a) | b: ...",
        "NAMES = {'a', 'b'}\ndef f() -> None:\n    for x in NAMES: ...",
        "def f(names: frozenset[str]) -> None:\n    for x in names: ...",
        "def f() -> None:\n    seen: set[str] = g()\n    seen.pop()",
        "class A:\n    open: set[str]\n    def f(self) -> None:\n        for x in self.open: ...",
        "class A:\n    def f(self) -> None:\n        self.a = set()\n    def g(self):\n        [*self.a]",
    ],
)
def test_an_iteration_over_a_set_is_found(text: str) -> None:
    assert set_iterations(Source("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "for x in sorted({1, 2}): ...",
        "x = 1 in {1, 2}",
        "x = len(set(y))",
        "for x in {'a': 1}: ...",
        "def f() -> None:\n    seen = set()\n\n\ndef g(seen: list[str]) -> None:\n    for x in seen: ...",
        "stack = [1]\nstack.pop()",
    ],
)
def test_what_does_not_depend_on_a_sets_order_is_not_found(text: str) -> None:
    assert set_iterations(Source("a.py", text)) == []
