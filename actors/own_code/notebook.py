"""Code without a file, as in a notebook: put together of what can be found of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from inspect import getsource
from pickle import dumps
from textwrap import dedent, indent
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (int, float, str, bool, Decimal, type(None))


def live_parts(part: Any, module: ModuleType) -> tuple[bytes, dict[str, str]]:
    """The source of a class or function and of what it uses of its module, and what other names stand for."""
    parts: dict[str, str] = {}
    known: dict[str, str] = {}
    waiting = [part]
    while waiting:
        each = waiting.pop()
        if each.__qualname__ in parts:
            continue
        parts[each.__qualname__] = _source_of(each)
        for name in _global_names(each):
            if name not in vars(module):
                continue
            value = vars(module)[name]
            if isinstance(value, ModuleType):
                known[name] = value.__name__
            elif isinstance(value, FunctionType | type) and value.__module__ == module.__name__:
                waiting.append(value)
            elif callable(value) and getattr(value, "__module__", None):
                known[name] = f"{value.__module__}.{getattr(value, '__qualname__', name)}"
            else:
                parts.setdefault(name, f"# {name} = {_value(value)}\n")
    return "".join(parts.values()).encode(), known


def _functions(part: Any) -> Iterator[FunctionType]:
    """What a class can be called for, or the function itself."""
    for value in vars(part).values() if isinstance(part, type) else [part]:
        plain = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(plain, FunctionType):
            yield plain


def _global_names(part: Any) -> list[str]:
    bases = [base.__name__ for base in part.__bases__] if isinstance(part, type) else []
    return [*bases, *(name for each in _functions(part) for name in _names_in(each.__code__))]


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _source_of(part: Any) -> str:
    """The source of the functions of a class, else what they compile to; or of a function."""
    functions = "".join(_source_of_function(each) for each in _functions(part))
    if not isinstance(part, type):
        return functions
    values = "".join(
        f"# {name} = {_value(value)}\n"
        for name, value in sorted(vars(part).items())
        if not name.startswith("__") and not isinstance(value, FunctionType)
    )
    return f"class {part.__name__}:\n    pass\n{indent(functions, '    ')}{values}"


def _source_of_function(function: FunctionType) -> str:
    try:
        return dedent(getsource(function))
    except (OSError, TypeError):
        code = function.__code__
        constants = [each for each in code.co_consts if not isinstance(each, CodeType)]
        return f"# {function.__name__} {code.co_code.hex()} {code.co_names} {constants}\n"


def _value(value: Any) -> str:
    """A text that is another one when the value is."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(key)}: {_value(each)}' for key, each in value.items())}}}"
    if isinstance(value, _PLAIN):
        return repr(value)
    try:
        return sha256(dumps(value)).hexdigest()
    except Exception:  # whatever has no other form is told by its type
        return type(value).__qualname__
