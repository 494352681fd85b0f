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
    resolved,
    sources,
)

FOLDERS = ("actors/store", "actors/venues")
APART = {
    "actors/venues/simulated": "a core actor: it has no effects, only messages",
    "actors/venues/binance/feed.py": "market data: it changes nothing at the venue",
    "actors/venues/binance/streams.py": "market data: it changes nothing at the venue",
    "actors/venues/files": "history: it reads what others have written",
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
        "unlink", "remove", "removedirs", "renames", "mkdir", "makedirs", "rmdir", "link", "symlink",
        "pwritev", "posix_fallocate", "sendfile", "copy_file_range", "sync", "splice",
    )
)  # fmt: skip
OF_OBJECTS = frozenset({
    "write", "write_bytes", "write_text", "writelines", "flush", "truncate", "rename", "unlink", "rmdir",
    "mkdir", "touch", "hardlink_to", "symlink_to", "commit", "executescript", "send", "sendall",
    "sendto", "sendmsg", "sock_sendall", "sock_sendto", "send_frame", "send_str", "send_bytes", "send_json",
    "request", "post", "put", "patch", "ws_connect", "placeOrder", "cancelOrder", "reqGlobalCancel",
})  # fmt: skip
ELSEWHERE = frozenset({"to_thread", "run_in_executor", "submit", "partial", "call_soon", "call_later"})
"""They call what they are given."""
WRITING = frozenset("wax")
OWN = frozenset({"self.flush"})
"""Ours: what it does is named inside."""


def is_effect(call: ast.Call, names: dict[str, str]) -> bool:
    """Whether a call changes a file, a name, the database, or something at the venue."""
    name = resolved(call.func, names)
    if name in OF_THE_SYSTEM or name.startswith("shutil."):
        return True
    if name == "os.open":
        return "O_CREAT" in ast.unparse(call)
    if name.rpartition(".")[2] == "open":
        return any(
            isinstance(mode, ast.Constant) and isinstance(mode.value, str) and WRITING & set(mode.value)
            for mode in _modes(call)
        )
    if name.rpartition(".")[2] in ELSEWHERE and any(_is_handed_on(each, names) for each in call.args):
        return True
    if name == "sqlite3.connect":
        return "mode=ro" not in ast.unparse(call) and ":memory:" not in ast.unparse(call)
    if not isinstance(call.func, ast.Attribute) or name in OWN or name.startswith("os."):
        return False
    match call.func.attr:
        case "replace":  # a path takes one argument, a text two, a struct names its fields
            return len(call.args) == 1 and not call.keywords
        case "rename":
            return len(call.args) == 1 and not isinstance(call.args[0], ast.DictComp | ast.Call)
        case "execute":
            text = ast.unparse(call.args[0]) if call.args else ""
            return "COMMIT" in text or text == "pragma"
        case other:
            return other in OF_OBJECTS


def _modes(call: ast.Call) -> list[ast.expr]:
    """What may be the mode of an `open`: its second argument, the first of a path's own, or the named one."""
    named = [each.value for each in call.keywords if each.arg == "mode"]
    is_of_a_path = isinstance(call.func, ast.Attribute) and len(call.args) == 1
    return [*named, *(call.args[:1] if is_of_a_path else call.args[1:2])]


def _is_handed_on(argument: ast.expr, names: dict[str, str]) -> bool:
    """Whether a function with an effect is given to somebody who will call it."""
    if resolved(argument, names) in OF_THE_SYSTEM:
        return True
    return isinstance(argument, ast.Attribute) and argument.attr in OF_OBJECTS


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


def test_what_is_left_out_is_there_and_holds_no_order() -> None:
    """An exception for a file that is gone, or that has begun to send orders, is one too many."""
    paths = [source.path for source in sources("actors")]
    assert [apart for apart in APART if not any(has_segment(path, apart) for path in paths)] == []
    reading = [source for source in sources("actors") if any(has_segment(source.path, a) for a in APART)]
    sending = [s.path for s in reading if "SubmitOrder" in s.text and "simulated" not in s.path]
    assert sending == []


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
        "with open(path, 'ab') as file: ...",
        "with path.open(mode='x') as file: ...",
        "import gzip\nwith gzip.open(path, 'wb') as file: ...",
        "import asyncio\nimport os\nawait asyncio.to_thread(os.fsync, fd)",
        "await loop.run_in_executor(pool, path.write_bytes, data)",
        "writer.write(data)",
        "await loop.sock_sendall(sock, data)",
        "async with session.put(url, data=data) as answer: ...",
    ],
)
def test_an_effect_without_a_name_is_found(text: str) -> None:
    assert unnamed_effects(Source("actors/store/a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "import os\neffect('a')\nos.write(fd, data)",
        "import os\nfor fd in fds:\n    effect('a')\n    os.fsync(fd)",
        "text.replace('a', 'b')",
        "msgspec.structs.replace(rules, venue=venue)",
        "with path.open('rb') as file: ...",
        "with open(path) as file: ...",
        "with gzip.open(path, 'rb') as file: ...",
        "await loop.run_in_executor(pool, path.read_bytes)",
        "connection.execute('SELECT 1')",
        "import os\nfd = os.open(path, os.O_RDONLY)",
        "import sqlite3\ncopy = sqlite3.connect(':memory:')",
    ],
)
def test_what_is_named_or_no_effect_is_not_found(text: str) -> None:
    assert unnamed_effects(Source("actors/store/a.py", text)) == []
