"""The source tree as the architecture tests see it: parsed files with their imports by full name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Source:
    """One Python file; `path` is relative to the repository and uses forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        """Full name of the package the file lies in."""
        return ".".join(self.path.split("/")[:-1])

    def at(self, node: ast.stmt | ast.expr) -> str:
        return f"{self.path}:{node.lineno}"


@dataclass(frozen=True)
class Import:
    """One imported name: `module` alone for `import module`, with `name` for `from module import name`."""

    module: str
    name: str | None
    alias: str
    line: int

    @property
    def target(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def sources(*tops: str) -> tuple[Source, ...]:
    """Every Python file under the given top folders, in order of path."""
    return tuple(source for top in sorted(tops) for source in _under(top))


@cache
def _under(top: str) -> tuple[Source, ...]:
    files = sorted((REPO_ROOT / top).rglob("*.py"))
    return tuple(Source(file.relative_to(REPO_ROOT).as_posix(), file.read_text("utf-8")) for file in files)


@cache
def imports(source: Source) -> tuple[Import, ...]:
    """All imports of a file wherever they stand, relative ones resolved."""
    return tuple(_imports(source))


def _imports(source: Source) -> Iterator[Import]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield Import(item.name, None, item.asname or item.name.partition(".")[0], node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(source, node)
            for item in node.names:
                yield Import(module, item.name, item.asname or item.name, node.lineno)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute chain; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def full_names(source: Source) -> dict[str, str]:
    """What each imported name of the file stands for."""
    return {
        item.alias: item.target if item.name or "." not in item.module else item.module.partition(".")[0]
        for item in imports(source)
    }


def resolved(node: ast.AST, names: dict[str, str]) -> str:
    """Full name of what an expression refers to, as far as imports tell."""
    head, _, rest = dotted(node).partition(".")
    head = names.get(head, head)
    return f"{head}.{rest}" if rest else head


def functions(source: Source) -> Iterator[Function]:
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield node


def has_segment(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def assert_clean(check: Callable[[Source], list[str]], files: Iterable[Source]) -> None:
    """Fail with every line the check has found in the files."""
    found = [line for source in files for line in check(source)]
    assert not found, "\n" + "\n".join(found)
