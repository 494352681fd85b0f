"""The one way to code of the user's own: by `package.module:Name`, by `folder/file.py:Name`, or as it is.

A file is read anew each time, with everything of the user's own that it imports; all of it is looked through
before any of it runs, and run as it was looked through. What this process has imported by itself stays as it
is until it is imported anew.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import SourceFileLoader
from inspect import getmodule
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from actors.errors import ConfigError
from actors.own_code.guards import check_modules
from actors.own_code.modules import (
    OURS,
    OwnModule,
    beside,
    closure,
    digest_of,
    file_bytes,
    find_module,
    is_changed,
    on_search_path,
)
from actors.own_code.notebook import live_parts
from actors.own_code.own_functions import raised, told
from actors.own_code.serving import OwnLoader, Tree, run_tree

_SEEN: dict[str, tuple[object, OwnModule]] = {}
"""Module that Python has imported → what tells this import from a later one, and its source at first."""
_PASSED: set[tuple[object, ...]] = set()
"""What was looked through and is good."""


def load_named(path: str, what: str, kind: str, *, is_guarded: bool = True) -> tuple[ModuleType, str]:
    """The module of `place:Name` and the name, which may not be there.

    Args:
        what: How messages call it, such as `strategy`.
        kind: How they call the name, such as `Class`.
    Raises:
        ConfigError: Not written so, no such file or module, or it raises.
        ForbiddenCall: It calls what no replay could repeat.
    """
    place, separator, name = path.rpartition(":")
    if not separator or not place or not name.isidentifier():
        raise ConfigError(
            f"{what} {path!r} must be written `package.module:{kind}` or `folder/file.py:{kind}`"
        )
    return load_module(place, what, frozenset({name}), is_guarded=is_guarded), name


def load_function(path: str, what: str = "function", *, is_guarded: bool = True) -> Callable[..., Any]:
    """The function that a text names as `package.module:function` or `folder/file.py:function`.

    Args:
        is_guarded: Whether it runs in the core, where nothing may call a clock, chance or the outside.
    Raises:
        ConfigError: No such file, module or function, or the module raises.
        ForbiddenCall: It calls what no replay could repeat.
    """
    module, name = load_named(path, what, "function", is_guarded=is_guarded)
    found: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(found):
        raise ConfigError(f"{path.rpartition(':')[0]} has no function {name}: check the spelling of {path!r}")
    return told(f"{what} {path}", found)


def load_module(
    place: str, what: str, roots: frozenset[str] | None = None, *, is_guarded: bool = True
) -> ModuleType:
    """The module of a file or an import path, run if it has not been.

    Args:
        roots: What of it is wanted; None for all its classes.
    Raises:
        ConfigError: There is none, or it raises.
        ForbiddenCall: It calls what no replay could repeat.
    """
    try:
        tree = _tree_of_file(place, what) if place.endswith(".py") else _tree_of_path(place)
        if tree is None:
            return import_module(place)
        if is_guarded:
            _check(Looked(tree, _classes_of(tree) if roots is None else roots))
        return run_tree(tree)
    except ConfigError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ConfigError(
                f"there is no module {place}: check its spelling, or name a file: folder/file.py:Name"
            ) from None
        raise _raised(place, error) from error
    except Exception as error:
        raise _raised(place, error) from error


def check_code(thing: type | Callable[..., Any], base: type | None = None) -> None:
    """Look through the source of a class and its bases, however they came to be here.

    Args:
        base: One of its bases that is ours.
    Raises:
        ConfigError: A file is no longer what this process has imported of it.
        ForbiddenCall: It calls what no replay could repeat.
    """
    for looked in _trees(thing, base):
        _check(looked)


def modules_of(thing: type | Callable[..., Any], base: type | None = None) -> dict[str, OwnModule]:
    """Name → module as it runs, of a class and its bases or of a function, and of all that they import."""
    found: dict[str, OwnModule] = {}
    for looked in _trees(thing, base):
        found |= looked.tree.modules
    return found


def _tree_of_file(place: str, what: str) -> Tree:
    try:
        source = file_bytes(place)
    except OSError as error:
        raise ConfigError(f"the {what} file {place} cannot be read: {error.strerror}") from None
    stem = Path(place).stem.replace(".", "_")
    modules = closure(OwnModule(stem, str(Path(place).absolute()), source), beside(place))
    package = f"{stem}_{digest_of(modules)[:8]}"
    return Tree(stem, package, modules)


def _tree_of_path(place: str, *, is_own: bool = True) -> Tree | None:
    """None where it is not the user's own; `is_own` where it is, wherever it lies."""
    top = on_search_path(place if is_own else "")
    entry = find_module(place, top)
    if entry is None or not entry.path:
        return None
    return Tree(place, "", closure(_as_run(entry), top, _as_run))


def _classes_of(tree: Tree) -> frozenset[str]:
    statements = ast.parse(tree.modules[tree.entry].source).body
    return frozenset(each.name for each in statements if isinstance(each, ast.ClassDef))


def _as_run(now: OwnModule) -> OwnModule:
    """A module of the search path as this process has run it, or would now."""
    module = sys.modules.get(now.name)
    if module is None:
        return now
    if isinstance(module.__loader__, OwnLoader):
        return module.__loader__.module
    return _first_seen(module, now)


def _first_seen(module: ModuleType, now: OwnModule) -> OwnModule:
    mark = module.__spec__ or module  # a reload makes a new one
    known = _SEEN.get(module.__name__)
    if known is None or known[0] is not mark:
        _SEEN[module.__name__] = (mark, now)
        return now
    return known[1]


class Looked(NamedTuple):
    """What is to be looked through."""

    tree: Tree
    roots: frozenset[str] | None
    """What of its entry is wanted."""
    is_program: bool = False
    known: tuple[tuple[str, str], ...] = ()
    """What names in the entry stand for that other cells of a notebook import."""


def _check(looked: Looked) -> None:
    tree, roots, is_program, known = looked
    for module in tree.modules.values() if not tree.package else ():
        if module.path and is_changed(module):
            raise ConfigError(
                f"{Path(module.path).name} has changed since this process imported it: start anew (in a "
                "notebook: restart the kernel), or give 'folder/file.py:Name', which is read anew each time"
            )
    key = (digest_of(tree.modules), tree.entry, roots, is_program, known)
    if key not in _PASSED:
        check_modules(tree.modules, tree.entry, known=dict(known), roots=roots, is_program=is_program)
        _PASSED.add(key)


def _trees(thing: type | Callable[..., Any], base: type | None) -> list[Looked]:
    parts = [part for part in thing.__mro__ if part is not base] if isinstance(thing, type) else [thing]
    found: dict[str, Looked] = {}
    for part in parts:
        module = getmodule(part)
        if module is None or module.__name__ in found:
            continue
        name, loader = module.__name__, getattr(module, "__loader__", None)  # the main one may have no spec
        roots = frozenset(each.__name__ for each in parts if each.__module__ == name)
        if isinstance(loader, OwnLoader):
            found[name] = Looked(loader.tree, roots if loader.module.name == loader.tree.entry else None)
        elif isinstance(loader, SourceFileLoader):
            tree = _tree_of_import(module, loader.path, is_own=part is thing)
            if tree is not None:
                found[name] = Looked(tree, roots, name == "__main__")
        elif name not in sys.builtin_module_names:
            found[f"{name}.{part.__qualname__}"] = _of_notebook(part, module)
    return list(found.values())


def _tree_of_import(module: ModuleType, path: str, *, is_own: bool) -> Tree | None:
    name = module.__name__
    if name == "__main__":
        entry = _first_seen(module, OwnModule(Path(path).stem, path, file_bytes(path)))
        return Tree(entry.name, "", closure(entry, on_search_path(""), _as_run))
    if name.partition(".")[0] in OURS:
        return Tree(name, "", {name: OwnModule(name, path, file_bytes(path))})
    return _tree_of_path(name, is_own=is_own)


def _of_notebook(part: Any, module: ModuleType) -> Looked:
    """A class without a file: its source, that of what it uses beside it, and what that imports."""
    name = part.__qualname__
    source, known = live_parts(part, module)
    modules = {name: OwnModule(name, "", source)}
    for full in known.values():
        for place in (full, full.rpartition(".")[0]):
            tree = _tree_of_path(place, is_own=False) if place else None
            modules |= tree.modules if tree is not None else {}
    return Looked(Tree(name, "", modules), None, known=tuple(known.items()))


def _raised(place: str, error: Exception) -> ConfigError:
    return ConfigError(f"loading {place} {raised(error)}; run it by itself to see more")
