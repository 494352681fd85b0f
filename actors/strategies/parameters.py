"""Parameters and state as a strategy's class declares them, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, ClassVar, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from actors.errors import ConfigError


class State(msgspec.Struct, kw_only=True):
    """What a strategy remembers besides its indicators; subclass it and annotate `state` with the subclass.

    The host keeps it in every checkpoint, so it must hold plain values: numbers, text, lists, dicts, structs.
    """


_RESERVED = ("ctx", "state")
CLASSES_REMEMBERED = 64
_UNORDERED = (inspect.SetType, inspect.FrozenSetType)


@lru_cache(CLASSES_REMEMBERED)
def declared_fields(strategy: type) -> Mapping[str, Any]:
    """Annotated public attributes of a strategy's class: its parameters, in order of declaration.

    Raises:
        ConfigError: An annotation names a type that its module does not know.
    """
    try:
        hints = get_type_hints(strategy, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"{strategy.__name__}: {error}; import the type that the annotation names"
        ) from None
    return {
        name: hint
        for name, hint in hints.items()
        if name not in _RESERVED
        and not name.startswith("_")
        and hint is not ClassVar
        and get_origin(hint) is not ClassVar
    }


def convert_parameters(strategy: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of all parameters: given ones checked against their annotations, the rest from the class.

    Raises:
        ConfigError: Unknown name, missing value or wrong type; names the parameter.
    """
    fields = declared_fields(strategy)
    for name in given:
        if name not in fields:
            raise ConfigError(_unknown(strategy.__name__, name, list(fields)))
    values: dict[str, Any] = {}
    for name, hint in fields.items():
        if name in given:
            values[name] = _convert(strategy.__name__, name, given[name], hint)
        elif hasattr(strategy, name):
            values[name] = getattr(strategy, name)
        else:
            raise ConfigError(f"{strategy.__name__} needs the parameter {name!r}: give it a value")
    return values


def _convert(strategy: str, name: str, value: Any, hint: Any) -> Any:
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        text = str(error)
        why = text[:1].lower() + text[1:]
        raise ConfigError(f"{strategy}: parameter {name!r} is {value!r}: {why}") from None
    except TypeError as error:
        raise ConfigError(
            f"{strategy}: parameter {name!r} has a type that no file can hold: {error}"
        ) from None


def _unknown(strategy: str, name: str, known: list[str]) -> str:
    nearest = get_close_matches(name, known, 1)
    if nearest:
        hint = f"did you mean {nearest[0]!r}?"
    else:
        hint = f"it has {', '.join(known)}" if known else "it has none"
    return f"{strategy} has no parameter {name!r}; {hint}"


@lru_cache(CLASSES_REMEMBERED)
def state_type_of(strategy: type) -> type[State]:
    """The struct that `state` is annotated with.

    Raises:
        ConfigError: Not a `State`, without a default for every field, or with sets in it.
    """
    declared = get_type_hints(strategy).get("state", State)
    name = strategy.__name__
    if not (isinstance(declared, type) and issubclass(declared, State)):
        raise ConfigError(f"{name}.state must be annotated with a subclass of State, not {declared!r}")
    try:
        declared()
    except TypeError as error:
        raise ConfigError(f"{name}: {error}; give every field of {declared.__name__} a default") from None
    try:
        info = inspect.type_info(declared)
    except TypeError as error:
        raise ConfigError(f"{name}: {declared.__name__} cannot go into a checkpoint: {error}") from None
    if _has_sets(info):
        raise ConfigError(
            f"{name}: {declared.__name__} holds a set, whose order no checkpoint keeps; use a dict"
        )
    return declared


def _has_sets(info: Any, seen: tuple[type, ...] = ()) -> bool:
    if isinstance(info, _UNORDERED):
        return True
    if isinstance(info, inspect.StructType):
        if info.cls in seen:
            return False
        return any(_has_sets(field.type, (*seen, info.cls)) for field in info.fields)
    parts = [getattr(info, part, None) for part in ("item_type", "key_type", "value_type")]
    several = [*getattr(info, "item_types", ()), *getattr(info, "types", ())]
    return any(_has_sets(part, seen) for part in [*parts, *several] if part is not None)
