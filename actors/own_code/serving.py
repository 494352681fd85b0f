"""Modules of the user's own, run from the sources that were looked through: no cache, no search path.

What belongs to a strategy's file is put into a package that is named after the file and the content of all of
it: the same on every machine, another one after every change, and its own for each file, so that two helpers
of one name never meet. Imports between such modules are made relative before they are compiled.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from types import CodeType, ModuleType
from typing import NamedTuple

from actors.own_code.modules import OwnModule, is_changed


class Tree(NamedTuple):
    """A module and all of the user's own that it imports."""

    entry: str
    package: str
    """What holds them all; empty where they keep the names that they have on the search path."""
    modules: dict[str, OwnModule]

    def full_name(self, name: str) -> str:
        """How `sys.modules` knows one."""
        return f"{self.package}.{name}" if self.package else name


class OwnLoader(SourceFileLoader):
    """Compiles a source from memory."""

    def __init__(self, fullname: str, tree: Tree, module: OwnModule) -> None:
        super().__init__(fullname, module.path)
        self.tree, self.module = tree, module

    def get_data(self, path: str) -> bytes:
        """The source that was looked through."""
        return self.module.source if path == self.module.path else super().get_data(path)

    def get_code(self, fullname: str) -> CodeType:
        """Compiled now; bytecode kept beside a file goes by the second of its last change and its size."""
        tree = ast.parse(self.module.source, self.path)
        if self.tree.package:
            tree = ast.fix_missing_locations(_Relative(self.tree, self.module).visit(tree))
        code: CodeType = compile(tree, self.path, "exec", dont_inherit=True)
        return code

    def is_package(self, fullname: str) -> bool:
        """Whether it has parts."""
        return bool(self.module.locations)


class _Served(MetaPathFinder):
    """Finds the modules of all trees."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Tree, OwnModule]] = {}

    def add(self, tree: Tree) -> None:
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        if tree.package:
            self.known[tree.package] = (tree, OwnModule(tree.package, "", b"", (tree.package,)))
        for name, module in tree.modules.items():
            if module.path or tree.package:
                self.known[tree.full_name(name)] = (tree, module)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.known:
            return None
        tree, module = self.known[fullname]
        if not tree.package and is_changed(module):
            return None  # another one of that name by now
        loader = OwnLoader(fullname, tree, module)
        spec = spec_from_loader(
            fullname, loader, origin=module.path or None, is_package=bool(module.locations)
        )
        if spec is not None:
            spec.has_location = bool(module.path)
            if module.locations and not tree.package:
                spec.submodule_search_locations = list(module.locations)
        return spec


_SERVED = _Served()


def run_tree(tree: Tree) -> ModuleType:
    """The entry's module, run if it has not been.

    Raises:
        Exception: Whatever the modules raise; none of them is kept then.
    """
    serve(tree)
    before = set(sys.modules)
    try:
        return import_module(tree.full_name(tree.entry))
    except BaseException:
        for name in [name for name in _SERVED.known if name not in before]:
            sys.modules.pop(name, None)
        raise


def anew(thing: type, mark: str) -> tuple[type, Tree | None]:
    """The class out of modules that are run once more, under names of their own; itself where Python has it.

    Args:
        mark: Part of those names.
    """
    loader = getattr(sys.modules.get(thing.__module__), "__loader__", None)
    if not isinstance(loader, OwnLoader):
        return thing, None
    before = loader.tree.package or loader.tree.entry.replace(".", "_")
    tree = loader.tree._replace(package=f"{before}_{mark}")
    run_tree(tree)
    found: type = vars(sys.modules[tree.full_name(loader.module.name)])[thing.__name__]
    return found, tree


def modules_run(tree: Tree) -> list[ModuleType]:
    """Those of its modules that have been run."""
    names = (tree.full_name(name) for name in tree.modules)
    return [sys.modules[name] for name in names if name in sys.modules]


def forget(tree: Tree) -> None:
    """Let the modules of a tree go."""
    for name in (tree.package, *map(tree.full_name, tree.modules)):
        sys.modules.pop(name, None)
        _SERVED.known.pop(name, None)


def serve(tree: Tree) -> None:
    """Let `import` find the modules of a tree by their full names."""
    _SERVED.add(tree)


def tree_of(fullname: str) -> Tree | None:
    """The tree that serves a module which no search path would find."""
    tree, _ = _SERVED.known.get(fullname, (None, None))
    return tree if tree is not None and tree.package else None


class _Relative(ast.NodeTransformer):
    """Makes the imports of modules of one's own relative."""

    def __init__(self, tree: Tree, module: OwnModule) -> None:
        self._own = tree.modules
        depth = len(module.package.split(".")) if module.package else 0
        self._level = depth + 1

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for item in node.names:
            top, _, rest = item.name.partition(".")
            before, _, last = item.name.rpartition(".")
            if top not in self._own:
                made.append(ast.Import(names=[item]))
                continue
            if rest:  # runs the part; without `as` the name then becomes that of the top
                made.append(self._from(before, last, item.asname or top))
            if not rest or item.asname is None:
                made.append(self._from("", top, (item.asname if not rest else None) or top))
        return [ast.copy_location(each, node) for each in made]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if not node.level and (node.module or "").partition(".")[0] in self._own:
            node.level = self._level
        return node

    def _from(self, module: str, name: str, asname: str) -> ast.ImportFrom:
        names = [ast.alias(name=name, asname=asname if asname != name else None)]
        return ast.ImportFrom(module=module or None, names=names, level=self._level)
