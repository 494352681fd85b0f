"""Which files a module of the user's own is made of: itself, and whatever of their own files it imports.

The user's own is what lies beside a strategy's file, and else what is on the search path without being
Python's, installed or tickerd's.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib import invalidate_caches
from importlib.machinery import FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from sysconfig import get_paths
from typing import NamedTuple

OURS = frozenset({"actors", "daemon"})
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class OwnModule(NamedTuple):
    """One file."""

    name: str
    """As it is imported: `helper`, `package.part`."""
    path: str
    """Empty for a folder without `__init__.py`."""
    source: bytes
    locations: tuple[str, ...] = ()
    """Where a package looks for its parts; a plain module has none."""

    @property
    def file(self) -> str:
        """What messages call it."""
        return self.path.replace("\\", "/").rpartition("/")[2] or self.name

    @property
    def package(self) -> str:
        """What relative imports in it begin with; empty beside a strategy's file."""
        return self.name if self.locations else self.name.rpartition(".")[0]


Top = Callable[[str], ModuleSpec | None]
"""Finds a module at the top by its name; None where it is not the user's own."""
AsRun = Callable[[OwnModule], OwnModule]
"""The module as this process has run it, where it has."""


def beside(file: str) -> Top:
    """What lies in the folder of a file, as Python finds it for a script."""
    finder = _finder(str(Path(file).absolute().parent))

    def find(name: str) -> ModuleSpec | None:
        if name in OURS or name in sys.builtin_module_names:
            return None
        spec = finder.find_spec(name)
        if (
            spec is not None and spec.loader is None
        ):  # a folder of that name, which anything installed precedes
            known = PathFinder.find_spec(name)
            return spec if known is None or known.loader is None else None
        return spec

    return find


def on_search_path(entry: str) -> Top:
    """What `import` finds and nobody has installed; the package of the entry itself wherever it lies."""
    invalidate_caches()
    own = entry.partition(".")[0]

    def find(name: str) -> ModuleSpec | None:
        if name in OURS or name in sys.builtin_module_names:
            return None
        spec = PathFinder.find_spec(name)
        return spec if spec is not None and (name == own or not _is_installed(spec)) else None

    return find


def closure(entry: OwnModule, top: Top, as_run: AsRun = lambda module: module) -> dict[str, OwnModule]:
    """Name → module of the entry, the packages it lies in and all that it imports of the user's own.

    Raises:
        SyntaxError: One of them is no Python.
    """
    found = {entry.name: entry}
    waiting = [entry, *_take(entry.name, found, top, as_run)]
    while waiting:
        for name in _wanted_by(waiting.pop()):
            waiting += _take(name, found, top, as_run)
    return found


def find_module(name: str, top: Top) -> OwnModule | None:
    """The user's own module of that name; None where there is none."""
    found: dict[str, OwnModule] = {}
    _take(name, found, top, lambda module: module)
    return found.get(name)


@lru_cache(maxsize=256)
def _wanted_by(module: OwnModule) -> tuple[str, ...]:
    """Full names of all that it may import; some may be names in a module."""
    names: list[str] = []
    for node in _live_nodes(ast.parse(module.source, module.path).body):
        if isinstance(node, ast.Import):
            names += (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, module.package)
            if base is not None:
                names += (f"{base}.{item.name}".strip(".") for item in node.names)
    return tuple(dict.fromkeys(names))


def absolute(node: ast.ImportFrom, package: str) -> str | None:
    """The module that `from … import` names in full; None where it goes above the top."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level - 1 > len(parts):
        return None
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _live_nodes(statements: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes but those that only run when the file is the main program, or only for type checkers."""
    for statement in statements:
        if not is_main(statement):
            yield from _live(statement)


def _live(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in _children(node):
        yield from _live(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and is_type_checking(node):
        yield from node.orelse
    else:
        yield from ast.iter_child_nodes(node)


def is_type_checking(node: ast.If) -> bool:
    """`if TYPE_CHECKING:`."""
    name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", None)
    return name == "TYPE_CHECKING"


def is_main(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`."""
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
        and not statement.orelse
    )


def digest_of(modules: Mapping[str, OwnModule]) -> str:
    """SHA-256 over names and sources, in the order of the names; where they lie does not matter."""
    total = sha256()
    for name in sorted(modules):
        source = modules[name].source
        total.update(f"{name}\n{len(source)}\n".encode() + source)
    return total.hexdigest()


def digest_of_all(programs: Iterable[Mapping[str, OwnModule]]) -> str:
    """One digest of several that may have modules of one name; neither order nor number matters."""
    return sha256(" ".join(sorted({digest_of(modules) for modules in programs})).encode()).hexdigest()


def file_bytes(path: str) -> bytes:
    """
    Raises:
        OSError: It cannot be read.
    """
    return SourceFileLoader("own", path).get_data(path)


def is_changed(module: OwnModule) -> bool:
    """Whether its file holds something else by now, or is gone."""
    try:
        return file_bytes(module.path) != module.source
    except OSError:
        return True


def module_of_spec(name: str, spec: ModuleSpec) -> OwnModule | None:
    """The file that a finder has found; None where it is none of Python."""
    locations = tuple(spec.submodule_search_locations or ())
    if spec.loader is None:
        return OwnModule(name, "", b"", locations)
    if not isinstance(spec.loader, SourceFileLoader):
        return None
    return OwnModule(name, spec.loader.path, file_bytes(spec.loader.path), locations)


def _take(name: str, found: dict[str, OwnModule], top: Top, as_run: AsRun) -> list[OwnModule]:
    """Add a module and the packages it lies in, as far as they are there; returns those that are new."""
    new: list[OwnModule] = []
    parts = name.split(".")
    locations: tuple[str, ...] = ()
    for count, part in enumerate(parts):
        full = ".".join(parts[: count + 1])
        known = found.get(full)
        if known is None:
            spec = _part(locations, part) if count else top(part)
            known = module_of_spec(full, spec) if spec is not None else None
            if known is None:
                break
            known = found[full] = as_run(known)
            new.append(known)
        locations = known.locations
    return new


def _part(locations: Sequence[str], name: str) -> ModuleSpec | None:
    specs = (_finder(folder).find_spec(name) for folder in locations)
    return next((spec for spec in specs if spec is not None), None)


def _finder(folder: str) -> FileFinder:
    """A new one each time: it remembers no listing of before."""
    return FileFinder(folder, (SourceFileLoader, [".py"]))


def _is_installed(spec: ModuleSpec) -> bool:
    places = [spec.origin] if spec.has_location and spec.origin else spec.submodule_search_locations or []
    library = [Path(get_paths()[kind]).resolve() for kind in ("stdlib", "platstdlib")]
    return all(_is_in(Path(place).resolve(), library) for place in places)


def _is_in(place: Path, library: Sequence[Path]) -> bool:
    return not _INSTALLED.isdisjoint(place.parts) or any(place.is_relative_to(each) for each in library)
