"""What the names in a module stand for, scope by scope, and where it uses which of them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from actors.own_code.modules import OwnModule, absolute, is_main, is_type_checking
from actors.own_code.rules import MAKERS, TYPE_QUESTIONS

BUILTINS = frozenset(dir(builtins))
LOCAL = ""
"""Stands for a value of one's own."""
CTX = "<ctx>"
"""Stands for a strategy's `ctx`."""
OFF_LOOP, SETUP = "run_off_loop", "on_setup"

Scope = dict[str, str]


@dataclass(frozen=True)
class Use:
    """A name, or a chain of attributes, that is looked up; empty where its value is one's own."""

    name: str
    node: ast.AST
    call: ast.Call | None = None
    """The call of it, if it is called."""
    is_off_loop: bool = False
    """It is handed to `run_off_loop`."""
    asked_by: str = ""
    """`getattr` or `vars`, where it is asked for something whose name is only known when it runs."""


@dataclass
class Unit:
    """A function, a method, or statements at the top: what runs or does not run as one."""

    module: str
    owner: str
    """Its class; empty outside of one."""
    name: str
    """Empty for statements that run when the module is imported."""
    uses: list[Use] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    """Names of what it asks of any value: perhaps a method of a class of one's own."""
    binds: frozenset[str] = frozenset()
    """Names that statements at the top give values to."""


@dataclass
class Names:
    """A module, looked through."""

    module: OwnModule
    scope: Scope
    """Its names → full names; what it defines itself begins with its own name."""
    units: list[Unit]
    stars: list[tuple[str, ast.AST]]
    """Modules that it takes all names from."""


def names_in(module: OwnModule, known: Mapping[str, str] | None = None) -> Names:
    """Look through a module.

    Args:
        known: What names stand for that are given values elsewhere, as in other cells of a notebook.
    """
    tree = ast.parse(module.source, module.path)
    collector = _Collector(module, dict(known or {}))
    collector.top(tree.body)
    return Names(module, collector.scopes[0], collector.units, collector.stars)


class _Collector:
    """Walks through a module with the scopes that are open."""

    def __init__(self, module: OwnModule, known: Scope) -> None:
        self.module, self.units = module, list[Unit]()
        self.stars: list[tuple[str, ast.AST]] = []
        self.scopes: list[Scope] = [known]
        self._unit = Unit(module.name, "", "")

    def top(self, statements: Sequence[ast.stmt]) -> None:
        statements = [each for each in statements if not is_main(each)]
        self.scopes[0].update(self._bindings(statements, f"{self.module.name}."))
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(statement, Unit(self.module.name, "", statement.name))
            elif isinstance(statement, ast.ClassDef):
                self._class(statement)
            else:
                self._unit = self._new(
                    Unit(self.module.name, "", "", binds=frozenset(self._bindings([statement], "")))
                )
                self._visit(statement)

    def _new(self, unit: Unit) -> Unit:
        self.units.append(unit)
        return unit

    def _class(self, node: ast.ClassDef) -> None:
        own = self._unit = self._new(Unit(self.module.name, "", "", binds=frozenset({node.name})))
        for each in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self._visit(each)
        self.scopes.append(self._bindings(node.body, ""))
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._function(statement, Unit(self.module.name, node.name, statement.name))
            else:
                self._unit = own
                self._visit(statement)
        self.scopes.pop()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, unit: Unit | None) -> None:
        """A function's body; a nested one belongs to the unit that it is in."""
        before, scopes = self._unit, self.scopes
        if unit is not None:
            self._unit = self._new(Unit(self.module.name, "", "", binds=frozenset({unit.owner or unit.name})))
        for each in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if each is not None:
                self._visit(each)
        if unit is not None:
            self._unit = self._new(unit)
        seen = (
            scopes[:-1] if unit is not None and unit.owner else scopes
        )  # methods see no names of their class
        self.scopes = [*seen, _arguments(node.args)]
        self.scopes.append(self._bindings(node.body, None))
        for statement in node.body:
            self._visit(statement)
        self._unit, self.scopes = before, scopes

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, None)
            case ast.Lambda():
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    if default is not None:
                        self._visit(default)
                self.scopes.append(_arguments(node.args))
                self._visit(node.body)
                self.scopes.pop()
            case ast.AnnAssign():
                self._visit_all([node.target, node.value])
            case ast.If() if is_type_checking(node):
                self._visit_all(node.orelse)
            case ast.ExceptHandler():
                self._visit_all(node.body)
            case ast.Call():
                self._call(node)
            case ast.Name() | ast.Attribute():
                self._chain(node, None)
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                self.stars.append((absolute(node, self.module.package) or "", node))
            case _:
                self._visit_all(ast.iter_child_nodes(node))

    def _visit_all(self, nodes: Iterator[ast.AST] | Sequence[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node)

    def _call(self, node: ast.Call) -> None:
        called = self.resolve(node.func)
        if called in TYPE_QUESTIONS:
            self._visit(node.args[0])
            return
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if called == "getattr" and len(given) > 1 and isinstance(text := given[1], ast.Constant):
            name = ast.Attribute(value=given[0], attr=str(text.value), ctx=ast.Load())
            self._chain(ast.copy_location(name, node), node)
            self._visit_all(given[2:])
            return
        elif isinstance(node.func, ast.Name | ast.Attribute):
            self._chain(node.func, node)
        else:
            self._visit(node.func)
        if called in ("getattr", "vars") and given and called == getattr(node.func, "id", None):
            self._unit.uses.append(Use(self.resolve(given[0]) or LOCAL, node, asked_by=called))
            given = given[1:] if isinstance(given[0], ast.Name) else given
        if isinstance(node.func, ast.Attribute) and node.func.attr == OFF_LOOP and given:
            self._unit.uses.append(Use(self.resolve(given[0]) or LOCAL, given[0], is_off_loop=True))
            given = given[1:]
        self._visit_all(given)

    def _chain(self, node: ast.Name | ast.Attribute, call: ast.Call | None) -> None:
        self._unit.uses.append(Use(self.resolve(node) or LOCAL, node, call))
        each: ast.expr = node
        while isinstance(each, ast.Attribute):
            self._unit.attributes.add(each.attr)
            each = each.value
        if not isinstance(each, ast.Name):
            self._visit(each)

    def resolve(self, node: ast.expr) -> str | None:
        """The full name of a chain; None for anything else and for values of one's own."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            if node.attr == "ctx":
                return ".".join([CTX, *reversed(parts)])
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Call) and parts and (made := self.resolve(node.func)) in MAKERS:
            return ".".join([str(made), *reversed(parts)])
        if not isinstance(node, ast.Name) or not (root := self._root(node.id)):
            return None
        return ".".join([root, *reversed(parts)])

    def _root(self, name: str) -> str | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name] or None
        is_builtin = name in BUILTINS or name == "__builtins__"
        return name if is_builtin else f"{self.module.name}.{name}"  # perhaps by `from … import *`

    def _bindings(self, statements: Sequence[ast.stmt], own: str | None) -> Scope:
        """Name → what it stands for, of all names that these statements give values to.

        Args:
            own: What full names of values of its own begin with; none for those of functions.
        """
        found: Scope = {}
        imported: Scope = {}
        outer: set[str] = set()
        self.scopes.append(found)
        for node in _in_scope(statements):
            match node:
                case ast.Import():
                    for item in node.names:
                        top = item.name.partition(".")[0]
                        imported[item.asname or top] = item.name if item.asname else top
                case ast.ImportFrom():
                    base = absolute(node, self.module.package) or ""
                    for item in node.names:
                        imported[item.asname or item.name] = f"{base}.{item.name}".strip(".")
                case ast.Global() | ast.Nonlocal():
                    outer.update(node.names)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if alias := self._alias(
                    value, imported
                ):
                    found[name] = alias
                case (
                    ast.Name(id=name, ctx=ast.Store())
                    | ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                ):
                    found.setdefault(name, f"{own}{name}" if own else LOCAL)
                case (
                    ast.ExceptHandler(name=str(name))
                    | ast.MatchAs(name=str(name))
                    | ast.MatchStar(name=str(name))
                    | ast.MatchMapping(rest=str(name))
                ):
                    found.setdefault(name, LOCAL)
        self.scopes.pop()
        return {name: full for name, full in {**found, **imported}.items() if name not in outer}

    def _alias(self, value: ast.expr, imported: Scope) -> str:
        self.scopes.append(imported)
        full = self.resolve(value) if isinstance(value, ast.Name | ast.Attribute) else None
        if isinstance(value, ast.Call) and self.resolve(value.func) in MAKERS:
            full = self.resolve(value.func)
        self.scopes.pop()
        return full or LOCAL


def _arguments(arguments: ast.arguments) -> Scope:
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    given += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return {each.arg: CTX if each.arg == "ctx" else LOCAL for each in given}


def _in_scope(statements: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes in the order of the source, without what has a scope of its own."""
    waiting: list[ast.AST] = list(reversed(statements))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        inner = (
            node.orelse if isinstance(node, ast.If) and is_type_checking(node) else ast.iter_child_nodes(node)
        )
        waiting.extend(reversed(list(inner)))
