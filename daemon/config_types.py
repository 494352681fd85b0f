"""The configuration's types walked key by key: an error names its place and the nearest known name."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from actors.errors import ConfigError
from daemon.config_files import KeyPath, Tree

_NONE_WORDS = ("none", "off")
_EXPECTED = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false",
             "array": "a list", "object": "a table", "decimal": "a number"}  # fmt: skip


class Misplaced(ConfigError):
    """A wrong value or key and where it stands; the loader puts file and line in front."""

    def __init__(self, path: KeyPath, why: str) -> None:
        super().__init__(f"{dotted(path)}: {why}" if path else why)
        self.path, self.why = path, why


def dotted(path: KeyPath) -> str:
    """`accounts.paper.mode`, `backtest.data[0].path`; keys that need quotes get them."""
    text = ""
    for key in path:
        if key.isdigit() and text:
            text += f"[{key}]"
        else:
            shown = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
            text += f".{shown}" if text else shown
    return text


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the known names when none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"


@cache
def fields_of(cls: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Type of each field, constraints kept."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(cls)}


def is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def holds_structs(type_: Any) -> bool:
    """Whether a value of this type is a table, or tables, with keys of their own."""
    inner = get_args(type_)
    return is_struct(type_) or (get_origin(type_) in (dict, tuple) and any(is_struct(part) for part in inner))


def inner_type(type_: Any, key: str) -> Any:
    """Type of what lies under a key.

    Raises:
        KeyError: Nothing can lie there.
    """
    if is_struct(type_):
        return fields_of(type_)[key]
    if type_ is Any:
        return Any
    if get_origin(type_) is dict:
        return get_args(type_)[1]
    if get_origin(type_) is tuple and key.isdigit():
        return get_args(type_)[0]
    raise KeyError(key)


def checked(value: Any, type_: Any, path: KeyPath = ()) -> Any:
    """The value as its type wants it, still plain; every key known, every leaf of its type.

    Raises:
        Misplaced: The first that is not.
    """
    if is_struct(type_):
        return _checked_struct(value, type_, path)
    if get_origin(type_) is dict:
        table = _of(dict, value, path)
        return {
            _text(key, path): checked(inner, inner_type(type_, key), (*path, key))
            for key, inner in table.items()
        }
    if get_origin(type_) is tuple and is_struct(get_args(type_)[0]):
        rows = _of(list, value, path)
        return [checked(row, get_args(type_)[0], (*path, str(number))) for number, row in enumerate(rows)]
    if type_ is Any:
        return _plain(value, path)
    return _checked_leaf(value, type_, path)


def _checked_struct(value: Any, type_: type[msgspec.Struct], path: KeyPath) -> Tree:
    fields = fields_of(type_)
    table = _of(dict, value, path)
    for key in table:
        if key not in fields:
            raise Misplaced((*path, str(key)), f"unknown key, {nearest(str(key), fields)}")
    for field in msgspec.structs.fields(type_):
        if field.required and field.name not in table:
            raise Misplaced(path, f"{field.name!r} is missing, add it")
    found = {key: checked(inner, fields[key], (*path, key)) for key, inner in table.items()}
    if hasattr(type_, "__post_init__"):
        _check_together(found, type_, path)
    return found


def _check_together(table: Tree, type_: type[msgspec.Struct], path: KeyPath) -> None:
    """What the struct itself says of its values, taken together."""
    try:
        msgspec.convert(table, type_)
    except msgspec.ValidationError as error:
        raise Misplaced(path, str(error).partition(" - at `$")[0]) from None


def _checked_leaf(value: Any, type_: Any, path: KeyPath) -> Any:
    if isinstance(value, str) and value.lower() in _NONE_WORDS and _switches_off(type_):
        return None
    try:
        return _finite(msgspec.to_builtins(msgspec.convert(value, type_), builtin_types=(Decimal,)), path)
    except msgspec.ValidationError as error:
        raise Misplaced(path, f"{_shown(value)} {_reason(str(error), type_)}") from None


def _switches_off(type_: Any) -> bool:
    """Whether `none` means None: TOML has no null, and such a field takes no text."""
    choices = union_members(type_)
    return type(None) in choices and not takes_text(type_)


def union_members(type_: Any) -> tuple[Any, ...]:
    """The alternatives of a type; of a plain type itself alone."""
    if get_origin(type_) in (Union, types.UnionType):
        return tuple(member for part in get_args(type_) for member in union_members(part))
    if get_origin(type_) is Annotated:
        return union_members(get_args(type_)[0])
    return (type_,)


def takes_text(type_: Any) -> bool:
    """Whether a plain word is a value of this type."""
    return any(member is str or get_origin(member) is Literal for member in union_members(type_))


def _reason(error: str, type_: Any) -> str:
    for member in union_members(type_):
        if get_origin(member) is Literal:
            return f"is not one of {', '.join(map(str, get_args(member)))}"
    place = re.search(r" - at `\$(.*)`", error)
    text = error.partition(" - at")[0]
    found = re.fullmatch(r"Expected `([^`]*)`(?:, got `([^`]*)`)?(.*)", text)
    if found is None:
        return f"is not allowed: {text[:1].lower()}{text[1:]}"
    wanted = " or ".join(_EXPECTED.get(word, word) for word in found[1].split(" | ") if word != "null")
    return f"is not {wanted}{found[3]}" + (f" (at {place[1]})" if place else "")


def _of(kind: type, value: Any, path: KeyPath) -> Any:
    if not isinstance(value, kind):
        wanted = "a table of keys" if kind is dict else "a list of tables"
        raise Misplaced(path, f"{_shown(value)} is not {wanted}")
    return value


def _text(key: Any, path: KeyPath) -> str:
    if not isinstance(key, str):
        raise Misplaced(path, f"the key {key!r} is not a text, put it into quotes")
    return key


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _plain(value: Any, path: KeyPath) -> Any:
    """Free parameters: numbers with a point become floats, everything else stays."""
    if isinstance(value, Decimal):
        return float(_finite(value, path))
    if isinstance(value, dict):
        return {key: _plain(inner, (*path, str(key))) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, path) for inner in value]
    return value


def _finite(value: Any, path: KeyPath) -> Any:
    """The value, unless it or something in it is no number to calculate with.

    Raises:
        Misplaced: NaN or infinite.
    """
    if isinstance(value, float | Decimal) and not isfinite(value):
        raise Misplaced(path, f"{value} is not a number to calculate with, give a finite one")
    for key, inner in value.items() if isinstance(value, dict) else ():
        _finite(inner, (*path, str(key)))
    return value


def value_of_text(text: str, type_: Any) -> Any:
    """What a `--set` or environment text means for a field of this type."""
    if takes_text(type_):
        return text
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        if get_origin(type_) is tuple:
            return [part.strip() for part in text.split(",") if part.strip()]
        return text
