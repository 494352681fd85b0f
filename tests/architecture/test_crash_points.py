"""Effects of store, tape and brokers are named right before they happen, so that a crash is tried at each."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.architecture.source import (
    Source,
    assert_clean,
    full_names,
    has_segment,
    parse,
    resolved,
    sources,
)

FOLDERS = ("actors/store", "actors/venues")
APART = {
    "actors/venues/simulated": "a core actor: it has no effects, only messages",
    "actors/venues/binance/feed.py": "market data: it changes nothing at the venue",
    "actors/venues/binance/streams.py": "market data: it changes nothing at the venue",
    "actors/store/check.py": "run by the operator, on copies alone",
    "actors/store/backup.py": "copies of the record, made beside it",
    "actors/store/manifest.py": "copies of the record, made beside it",
    "actors/store/places.py": "copies of the record, made beside it",
    "actors/store/restore.py": "run by the operator while no daemon runs",
    "actors/store/upkeep.py": "run by the operator while no daemon runs",
}

OF_THE_SYSTEM = frozenset(
    f"os.{name}"
    for name in (
        "write", "pwrite", "writev", "fsync", "fdatasync", "ftruncate", "truncate", "rename", "replace",
        "unlink", "remove", "mkdir", "makedirs", "rmdir", "link", "symlink", "posix_fallocate", "sendfile",
    )
)  # fmt: skip
OF_OBJECTS = frozenset({
    "write", "write_bytes", "write_text", "writelines", "flush", "truncate", "rename", "unlink", "rmdir",
    "mkdir", "touch", "commit", "executescript", "send", "sendall", "sendto", "send_frame", "send_str",
    "send_bytes", "send_json", "request", "post", "ws_connect",
})  # fmt: skip
OWN = frozenset({"self.flush"})
"""Ours: what it does is named inside."""


def is_effect(call: ast.Call, names: dict[str, str]) -> bool:
    """Whether a call changes a file, a name, the database, or something at the venue."""
    name = resolved(call.func, names)
    if name in OF_THE_SYSTEM or name.startswith("shutil."):
        return True
    if name == "os.open":
        return "O_CREAT" in ast.unparse(call)
    if name == "sqlite3.connect":
        return "mode=ro" not in ast.unparse(call) and ":memory:" not in ast.unparse(call)
    if not isinstance(call.func, ast.Attribute) or name in OWN or name.startswith("os."):
        return False
    match call.func.attr:
        case "open":
            return any(isinstance(a, ast.Constant) and "w" in str(a.value) for a in call.args)
        case "replace":  # a path takes one argument, a text two, a struct names its fields
            return len(call.args) == 1 and not call.keywords
        case "rename":
            return len(call.args) == 1 and not isinstance(call.args[0], ast.DictComp | ast.Call)
        case "execute":
            text = ast.unparse(call.args[0]) if call.args else ""
            return "COMMIT" in text or text == "pragma"
        case other:
            return other in OF_OBJECTS


def label_of(statement: ast.stmt | None) -> str | None:
    """`tape.write` of `effect("tape.write")`; None of any other statement."""
    match statement:
        case ast.Expr(ast.Call(ast.Name("effect"), [ast.Constant(str(label))], [])):
            return label
    return None


def blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements that run one after the other."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def own_calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls of a statement itself, without those of the blocks in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.Lambda | ast.match_case):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from own_calls(child)


def unnamed_effects(source: Source) -> list[str]:
    """Effects without a label in the statement before."""
    names = full_names(source)
    found = []
    for block in blocks(source.tree):
        for before, statement in zip([None, *block], block, strict=False):
            effects = [call for call in own_calls(statement) if is_effect(call, names)]
            if effects and (label_of(before) is None or len(effects) > 1):
                where = ", ".join(ast.unparse(call)[:60] for call in effects)
                found.append(f'{source.at(statement)}: write effect("…") right before {where}')
    return found


def labels(source: Source) -> list[str]:
    """All labels of a file."""
    return [label for block in blocks(source.tree) for each in block if (label := label_of(each))]


def named_sources() -> list[Source]:
    """Files whose effects need names."""
    return [
        source
        for folder in FOLDERS
        for source in sources(folder)
        if not any(has_segment(source.path, apart) for apart in APART)
    ]


def test_no_effect_of_store_tape_or_broker_is_without_a_name() -> None:
    assert_clean(unnamed_effects, named_sources())


def test_no_two_effects_share_a_name() -> None:
    counted = Counter(label for source in named_sources() for label in labels(source))
    assert [label for label, count in counted.items() if count > 1] == []
    assert len(counted) > 30


def test_a_name_does_nothing_in_the_shipped_program() -> None:
    (source,) = [each for each in sources("actors/core") if each.path == "actors/core/effects.py"]
    (function,) = [each for each in source.tree.body if isinstance(each, ast.FunctionDef)]
    assert ast.get_docstring(function)
    assert len(function.body) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.write(fd, data)",
        "import os\neffect('a')\nx = 1\nos.fsync(fd)",
        "import os\neffect('a')\nos.fsync(fd)\nos.fsync(other)",
        "from os import replace\nreplace(a, b)",
        "path.replace(target)",
        "with path.open('wb') as file: ...",
        "import os\nfd = os.open(path, os.O_RDWR | os.O_CREAT)",
        "if x:\n    effect('a')\npath.unlink()",
        "await connection.execute('COMMIT')",
        "async with session.request('GET', url) as answer: ...",
        "async def f() -> None:\n    await self._socket.send_frame(data)",
        "import os\neffect('a')\nsent = [os.write(fd, x), os.write(fd, y)]",
        "import sqlite3\nconnection = sqlite3.connect(path)",
    ],
)
def test_an_effect_without_a_name_is_found(text: str) -> None:
    assert unnamed_effects(parse("actors/store/a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "import os\neffect('a')\nos.write(fd, data)",
        "import os\nfor fd in fds:\n    effect('a')\n    os.fsync(fd)",
        "text.replace('a', 'b')",
        "msgspec.structs.replace(rules, venue=venue)",
        "with path.open('rb') as file: ...",
        "connection.execute('SELECT 1')",
        "import os\nfd = os.open(path, os.O_RDONLY)",
        "import sqlite3\ncopy = sqlite3.connect(':memory:')",
    ],
)
def test_what_is_named_or_no_effect_is_not_found(text: str) -> None:
    assert unnamed_effects(parse("actors/store/a.py", text)) == []
