"""What code of the user's own must not do in the core, found in its source before it runs.

A clock, chance or anything from outside would make a replay differ from its session. Functions handed to
`run_off_loop`, and what only those call, may do all of it: only their answers enter the core. A guard against
mistakes, not a sandbox.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from actors.errors import ConfigError
from actors.own_code.modules import OwnModule
from actors.own_code.names import CTX, LOCAL, Unit, Use, names_in
from actors.own_code.reach import Program, Where
from actors.own_code.rules import (
    CLOCK,
    FILE_METHODS,
    LIBRARIES,
    LOADING,
    NAMED_CTX,
    NO_CTX,
    NOW,
    READING,
    TAKES_NOW,
    advice_on,
    holds_forbidden,
    is_reader,
)

_WRITING = frozenset("wax+")
_DIFFERS = "would make a replay differ from its session"
Fault = tuple[str, str]
"""What is wrong, and what to do instead."""


class ForbiddenCall(ConfigError):
    """A module of the user's own calls what no replay could repeat."""

    exit_code = 1


def check_modules(
    modules: Mapping[str, OwnModule],
    entry: str,
    *,
    known: Mapping[str, str] | None = None,
    roots: frozenset[str] | None = None,
    is_program: bool = False,
) -> None:
    """Look through a module and all that it imports.

    Args:
        entry: Its name among the modules.
        known: What names in it stand for that are imported elsewhere, as in the other cells of a notebook.
        roots: What the entry is asked for; None for all of it.
        is_program: Its statements at the top are those of a program, and no part of what it is asked for.
    Raises:
        ForbiddenCall: It calls a clock, chance or the outside; names file, line and the way to do it.
    """
    program = Program(
        {name: names_in(module, known if name == entry else None) for name, module in modules.items()}
    )
    places = program.places(entry, roots=roots, is_program=is_program)
    for name, names in program.modules.items():
        for star, node in names.stars:
            if star not in program.modules and holds_forbidden(star):
                raise _forbidden(names.module, node, f"from {star} import *", "import its names one by one")
        faults = [
            (use.node, fault)
            for index, unit in enumerate(program.units)
            if unit.module == name and places[index] > Where.OFF_LOOP
            for use in unit.uses
            if (fault := _fault(program, unit, use, places[index])) is not None
        ]
        if faults:
            node, (what, advice) = min(faults, key=lambda found: getattr(found[0], "lineno", 1))
            raise _forbidden(names.module, node, what, advice)


def check_source(file: str, source: bytes, known: Mapping[str, str] | None = None) -> None:
    """Look through one module by itself.

    Raises:
        ForbiddenCall: As `check_modules`.
    """
    check_modules({file: OwnModule(file, file, source)}, file, known=known)


def _forbidden(module: OwnModule, node: ast.AST, what: str, advice: str) -> ForbiddenCall:
    return ForbiddenCall(f"{module.file}:{getattr(node, 'lineno', 1)}: {what} {_DIFFERS}; {advice}")


def _fault(program: Program, unit: Unit, use: Use, place: Where) -> Fault | None:
    """What is wrong with a use where it stands."""
    if use.is_off_loop:
        return None
    full = program.full_name(use.name) if use.name != LOCAL else use.name
    if use.asked_by:
        return _asked(use, full)
    if isinstance(full, tuple):
        return None
    if use.name.startswith(f"{CTX}._"):
        return use.name.replace(CTX, "ctx"), NO_CTX
    if full == LOCAL and place is Where.CORE and getattr(use.node, "attr", "") in FILE_METHODS:
        return f"{getattr(use.node, 'attr', '')}()", READING
    shown = f"{full}()" if use.call is not None else full
    advice = advice_on(full)
    if advice is not None and not (full == "hash" and unit.name == "__hash__"):
        return shown, advice
    if is_reader(full) and (place is Where.CORE or _writes(use.call)):
        return shown, READING
    if full.endswith(".__dict__") and holds_forbidden(full.removesuffix(".__dict__")):
        return full, LOADING
    return None if use.call is None else _given(full, use.call)


def _asked(use: Use, full: tuple[str, str, str] | str) -> Fault | None:
    """A name that is only known when it runs, asked of a module that holds what is forbidden."""
    what = full if isinstance(full, str) else ".".join(filter(None, full))
    is_open = not full[1] if isinstance(full, tuple) else full == CTX or holds_forbidden(full)
    if not is_open or what in LIBRARIES:
        return None
    return f"{use.asked_by}({what.replace(CTX, 'ctx')}, …)", NAMED_CTX if what == CTX else LOADING


def _given(full: str, call: ast.Call) -> Fault | None:
    """What is wrong with what a call is given."""
    texts = _texts(call)
    if full in TAKES_NOW and texts & NOW:
        return f"{full}({min(texts & NOW)!r})", CLOCK
    if full.startswith("numpy.") and texts & NOW and any("datetime64" in text for text in texts):
        return f"{full}('now')", CLOCK
    return None


def _writes(call: ast.Call | None) -> bool:
    """`open(path, "w")`."""
    if call is None:
        return False
    modes = [each for each in call.args[1:2] if isinstance(each, ast.Constant)]
    modes += [
        each.value for each in call.keywords if each.arg == "mode" and isinstance(each.value, ast.Constant)
    ]
    return any(isinstance(mode.value, str) and set(mode.value) & _WRITING for mode in modes)


def _texts(node: ast.AST) -> set[str]:
    return {
        each.value.strip().lower()
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
