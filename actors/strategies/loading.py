"""Finding a strategy's class by its import path or its file, once, before anything runs."""

from __future__ import annotations

from difflib import get_close_matches
from types import ModuleType

from actors.errors import ConfigError
from actors.own_code.loading import check_code, load_module, load_named, modules_of
from actors.own_code.modules import OwnModule, digest_of
from actors.strategies.base import Strategy


def load_strategy(path: str) -> type[Strategy]:
    """The class that `package.module:Class` or `folder/file.py:Class` names; runs its module.

    Raises:
        ConfigError: No such file, module or class, the module raises, or the class is no `Strategy`.
        ForbiddenCall: It calls what no replay could repeat.
    """
    module, name = load_named(path, "strategy", "Class")
    found = getattr(module, name, None)
    if found is None:
        raise ConfigError(f"{path.rpartition(':')[0]} has no class {name}; {_hint(module, name)}")
    if not (isinstance(found, type) and issubclass(found, Strategy)) or found is Strategy:
        raise ConfigError(f"{path} is not a strategy: its class must be derived from actors.Strategy")
    check_strategy(found)
    return found


def strategies_in(place: str) -> dict[str, type[Strategy]]:
    """Name → strategy of all that a file or module defines itself, looked through.

    Raises:
        ConfigError: It cannot be loaded.
        ForbiddenCall: It calls what no replay could repeat.
    """
    found = _defined_in(load_module(place, "strategy"))
    for strategy in found.values():
        check_strategy(strategy)
    return found


def check_strategy(strategy: type[Strategy]) -> None:
    """Look through the source of a class, its bases and all of the user's own that they import.

    Raises:
        ConfigError: A file is no longer what this process has imported of it.
        ForbiddenCall: It calls what no replay could repeat.
    """
    check_code(strategy, Strategy)


def strategy_source_hash(strategy: type[Strategy]) -> str:
    """SHA-256 over the sources of a strategy, its bases and all of the user's own that they import."""
    return digest_of(strategy_modules(strategy))


def strategy_modules(strategy: type[Strategy]) -> dict[str, OwnModule]:
    """Name → module, of a strategy, its bases and all of the user's own that they import."""
    return modules_of(strategy, Strategy)


def _defined_in(module: ModuleType) -> dict[str, type[Strategy]]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }


def _hint(module: ModuleType, name: str) -> str:
    known = list(_defined_in(module))
    nearest = get_close_matches(name, known, 1)
    if nearest:
        return f"did you mean {nearest[0]}?"
    return f"its strategies: {', '.join(known)}" if known else "it defines no strategy"
