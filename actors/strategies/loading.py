"""Finding a strategy's class by its import path or its file, once, before anything runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from hashlib import sha256
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getmodule, getsource
from textwrap import dedent
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

from actors.errors import ConfigError
from actors.strategies.base import Strategy
from actors.strategies.guards import check_source
from actors.strategies.own_functions import raised


class SourceAsItIs(SourceFileLoader):
    """Compiles the file as it is now.

    Bytecode kept beside it goes by the second of the file's last change and its size: after a quick change of
    one digit it would still be run, under the hash of the new source.
    """

    def get_code(self, fullname: str) -> CodeType:
        """The module's code; no cache is read or written."""
        return self.source_to_code(self.get_data(self.path), self.path)


def load_strategy(path: str) -> type[Strategy]:
    """The class that `package.module:Class` or `folder/file.py:Class` names; runs its module.

    Raises:
        ConfigError: No such file, module or class, the module raises, the class is no `Strategy`, or its
            source calls what no replay could repeat.
    """
    place, separator, name = path.rpartition(":")
    if not separator or not place or not name:
        raise ConfigError(
            f"strategy {path!r} must be written `package.module:Class` or `folder/file.py:Class`"
        )
    module = _module(place)
    found = getattr(module, name, None)
    if found is None:
        raise ConfigError(f"{place} has no class {name}; {_hint(module, name)}")
    if not (isinstance(found, type) and issubclass(found, Strategy)) or found is Strategy:
        raise ConfigError(f"{path} is not a strategy: its class must be derived from actors.Strategy")
    check_strategy(found)
    return found


def strategies_in(place: str) -> dict[str, type[Strategy]]:
    """Name → strategy of all that a file or module defines itself, looked through.

    Raises:
        ConfigError: It cannot be loaded, or calls what no replay could repeat.
    """
    module = _module(place)
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    for strategy in found.values():
        check_strategy(strategy)
    return found


def _module(place: str) -> ModuleType:
    return _from_file(place) if place.endswith(".py") else _from_package(place)


def check_strategy(strategy: type[Strategy]) -> None:
    """Look through the source of a class and its bases, however they came to be here.

    Raises:
        ForbiddenCall: It calls what no replay could repeat.
    """
    names = _known_names(strategy)
    for file, source in sources_of(strategy).values():
        check_source(file, source, names)


def load_function(path: str) -> Callable[..., Any]:
    """The function that `package.module:function` or `folder/file.py:function` names; runs its module.

    Raises:
        ConfigError: No such file, module or function, the module raises, or its source calls what no replay
            could repeat.
    """
    place, separator, name = path.rpartition(":")
    if not separator or not place or not name:
        raise ConfigError(
            f"function {path!r} must be written `package.module:function` or `folder/file.py:function`"
        )
    module = _from_file(place) if place.endswith(".py") else _from_package(place)
    found = getattr(module, name, None)
    if not callable(found):
        raise ConfigError(f"{place} has no function {name}: check the spelling of {path!r}")
    for file, source in sources_of_function(found):
        check_source(file, source)
    return cast("Callable[..., Any]", found)


def sources_of_function(function: Callable[..., Any]) -> list[tuple[str, bytes]]:
    """File name and source of the module that defines it; nothing where there is no file."""
    loader = getattr(getmodule(function), "__loader__", None)
    if not isinstance(loader, SourceFileLoader):
        return []
    return [(_file_name(loader.path), loader.get_data(loader.path))]


def strategy_source_hash(strategies: Iterable[type[Strategy]]) -> str:
    """SHA-256 over the sources of the modules that define these strategies and their bases, without ours.

    What those modules import in turn is not in it.
    """
    sources: dict[str, bytes] = {}
    for strategy in strategies:
        sources.update((name, source) for name, (_, source) in sources_of(strategy).items())
    digest = sha256()
    for name in sorted(sources):
        digest.update(f"{name}\n{len(sources[name])}\n".encode())
        digest.update(sources[name])
    return digest.hexdigest()


def sources_of(strategy: type[Strategy]) -> dict[str, tuple[str, bytes]]:
    """Module name → file name and source of the modules that define the class and its bases, without ours."""
    sources: dict[str, tuple[str, bytes]] = {}
    for part in strategy.__mro__:
        module = getmodule(part)
        if part in (Strategy, object) or module is None:
            continue
        # A program that runs as the main one has no spec, yet a loader.
        loader = getattr(module, "__loader__", None)
        if isinstance(loader, SourceFileLoader):
            sources[module.__name__] = (_file_name(loader.path), loader.get_data(loader.path))
        else:
            sources[f"{module.__name__}.{part.__qualname__}"] = (part.__qualname__, _source_of_class(part))
    return sources


def _source_of_class(part: type) -> bytes:
    """Of a class without a file, as in a notebook: the source of its functions, else what they compile to."""
    texts = []
    for name, value in sorted(vars(part).items()):
        if isinstance(value, FunctionType):
            try:
                texts.append(dedent(getsource(value)))
            except (OSError, TypeError):
                code = value.__code__
                texts.append(f"# {name} {code.co_code.hex()} {code.co_names} {_plain(code.co_consts)}\n")
        elif not name.startswith("__"):
            texts.append(f"# {name} = {value!r}\n")
    return "".join(texts).encode()


def _plain(constants: tuple[object, ...]) -> list[object]:
    """Constants without those whose text is an address."""
    return [constant for constant in constants if not hasattr(constant, "co_code")]


def _known_names(strategy: type[Strategy]) -> dict[str, str]:
    """What the names in the namespace of a class stand for."""
    module = getmodule(strategy)
    found = {}
    for name, value in vars(module).items() if module is not None else ():
        if isinstance(value, ModuleType):
            found[name] = value.__name__
        elif callable(value) and getattr(value, "__module__", None):
            found[name] = f"{value.__module__}.{getattr(value, '__qualname__', name)}"
    return found


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _from_package(place: str) -> ModuleType:
    try:
        return import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ConfigError(
                f"there is no module {place}: check its spelling, or name a file: folder/file.py:Class"
            ) from None
        raise _raised(place, error) from error
    except Exception as error:
        raise _raised(place, error) from error


def _from_file(place: str) -> ModuleType:
    """A file's module is named after the file and its content: the same name on every machine."""
    try:
        source = SourceFileLoader("strategy", place).get_data(place)
    except OSError as error:
        raise ConfigError(f"the strategy file {place} cannot be read: {error.strerror}") from None
    stem = _file_name(place).removesuffix(".py")
    name = f"{stem}_{sha256(source).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, place, loader=SourceAsItIs(name, place))
    if spec is None or spec.loader is None:
        raise ConfigError(f"{place} is not a Python file")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _raised(place, error) from error
    return module


def _raised(place: str, error: Exception) -> ConfigError:
    return ConfigError(f"loading {place} {raised(error)}; run it by itself to see more")


def _hint(module: ModuleType, name: str) -> str:
    known = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    nearest = get_close_matches(name, known, 1)
    if nearest:
        return f"did you mean {nearest[0]}?"
    return f"its strategies: {', '.join(known)}" if known else "it defines no strategy"
