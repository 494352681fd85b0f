"""Where the configuration's values come from: file, environment, `--set`; later wins, origins are kept.

Relative paths *in a file* to strategies and data are meant from the file's folder. The state folder is meant
from where tickerd is started, wherever it was named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, get_origin

import msgspec

from actors.errors import ConfigError
from daemon.config import Config
from daemon.config_checks import check_config
from daemon.config_files import KeyPath, Tree, parse_key, paths_of, read_tree
from daemon.config_instances import with_instances
from daemon.config_types import (
    Misplaced,
    checked,
    dotted,
    fields_of,
    holds_structs,
    inner_type,
    is_struct,
    nearest,
    value_of_text,
)

DEFAULT_FILE = "tickerd.toml"
ENVIRONMENT_PREFIX = "TICKERD__"
NOTHING = "[]"
"""Empties a list of tables."""
SET = "--set "
"""In front of the key, where a value comes from the command line."""


class Loaded(NamedTuple):
    """A configuration and where it comes from."""

    config: Config
    origins: dict[KeyPath, str]
    """Of everything that was given: `tickerd.toml:12`, an environment variable's name, `--set`."""
    path: Path | None
    """The file, if there was one."""

    def origin(self, path: KeyPath) -> str:
        """Where a value comes from."""
        return self.origins.get(path, "default")


def load_config(
    path: Path | None,
    *,
    others: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    state: str | None = None,
    environ: Mapping[str, str],
) -> Loaded:
    """Read, override, check.

    Args:
        path: None reads `tickerd.toml` where tickerd is started, if it is there and no other file is given.
        others: Further files; what one of them sets, no other may set.
        overrides: Texts `section.key=value`.
        state: `--state`, which wins over everything.
    Raises:
        ConfigError: The first thing that is wrong, with its place.
    """
    if path is None and not others and Path(DEFAULT_FILE).is_file():
        path = Path(DEFAULT_FILE)
    files = [path, *others] if path else list(others)
    path = files[0] if files else None
    tree: Tree = {}
    origins: dict[KeyPath, str] = {}
    for file in files:
        added, lines = read_tree(file)
        found = {key: f"{file}:{lines[key]}" if key in lines else str(file) for key in paths_of(added)}
        _merge(tree, added, origins, found)
    try:
        for key, text, origin in _given(tree, overrides, environ):
            _put(tree, key, text, origin, origins)
        if state is not None:
            _put(tree, ("daemon", "state"), state, "--state", origins)
        plain = checked(tree, Config)
        for file in files:
            of_file = frozenset(key for key, origin in origins.items() if _file_of(origin) == str(file))
            _resolve_paths(plain, file.absolute().parent, of_file)
        config = msgspec.convert(plain, Config)
        check_config(config)
    except Misplaced as error:
        raise ConfigError(_told(error, origins, path)) from None
    return Loaded(with_instances(config), origins, path)


def overridden(config: Config, overrides: Sequence[str]) -> Config:
    """A configuration with texts `section.key=value` in the place of what it says.

    Raises:
        ConfigError: The first of them that is wrong.
    """
    if not overrides:
        return config
    tree: Tree = _with_lists(msgspec.to_builtins(config, builtin_types=(Decimal,)))
    origins: dict[KeyPath, str] = {}
    try:
        for key, text, origin in _given(tree, overrides, {}):
            _put(tree, key, text, origin, origins)
        return with_instances(msgspec.convert(checked(tree, Config), Config))
    except Misplaced as error:
        raise ConfigError(_told(error, origins, None)) from None


def _with_lists(value: Any) -> Any:
    """A plain tree as files give it: lists, never tuples."""
    if isinstance(value, dict):
        return {key: _with_lists(inner) for key, inner in value.items()}
    return [_with_lists(inner) for inner in value] if isinstance(value, tuple | list) else value


def _merge(
    tree: Tree, added: Tree, origins: dict[KeyPath, str], found: dict[KeyPath, str], path: KeyPath = ()
) -> None:
    """Put a further file's values beside those that are there.

    Raises:
        ConfigError: Both set the same.
    """
    for key, value in added.items():
        place = (*path, key)
        if key not in tree:
            tree[key] = value
        elif isinstance(value, dict) and isinstance(tree[key], dict):
            _merge(tree[key], value, origins, found, place)
        else:
            before = next(
                (where for known, where in origins.items() if known[: len(place)] == place), "before"
            )
            again = next(where for known, where in found.items() if known[: len(place)] == place)
            raise ConfigError(f"{again}: {dotted(place)} is set in {before} already, remove one of the two")
    if not path:
        origins.update(found)


def _file_of(origin: str) -> str:
    """The file of `tickerd.toml:12`."""
    file, colon, line = origin.rpartition(":")
    return file if colon and line.isdigit() else origin


def _given(
    tree: Tree, overrides: Sequence[str], environ: Mapping[str, str]
) -> Iterator[tuple[KeyPath, str, str]]:
    """What environment and `--set` say, weakest first: key, text, origin."""
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX):
            parts = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            yield _spelled(tree, tuple(parts)), environ[name], name
    for text in overrides:
        key, equals, value = text.partition("=")
        try:
            path = parse_key(key.strip())
        except ValueError:
            path = ()
        if not equals or not path:
            raise ConfigError(f"--set {text!r} is not understood: write it as --set section.key=value")
        yield path, value.strip(), f"{SET}{key.strip()}"


def _spelled(tree: Any, parts: KeyPath) -> KeyPath:
    """Environment names know neither case nor dashes: a key that is there already lends its spelling."""
    if not parts:
        return ()
    table = tree if isinstance(tree, dict) else {}
    same = [key for key in table if isinstance(key, str) and key.lower().replace("-", "_") == parts[0]]
    key = same[0] if same else parts[0]
    return (key, *_spelled(table.get(key), parts[1:]))


def _put(tree: Tree, path: KeyPath, text: str, origin: str, origins: dict[KeyPath, str]) -> None:
    """Set one value, making the tables on its way; what stood there is forgotten, its parts included."""
    type_: Any = Config
    for depth, key in enumerate(path):
        try:
            type_ = inner_type(type_, key)
        except KeyError:
            known = fields_of(type_) if is_struct(type_) else ()
            raise ConfigError(
                f"{_once(origin, path[: depth + 1])}: unknown key, {nearest(key, known)}"
            ) from None
    is_list = get_origin(type_) is tuple
    is_emptied = text == NOTHING and is_list
    if holds_structs(type_) and not is_emptied:
        of_list = f"a list of tables, set a key of one (`{'.'.join(path)}.0.…`) or empty it by []"
        what = of_list if is_list else "a table, set one of its keys"
        raise ConfigError(f"{_once(origin, path)}: it is {what}")
    table: Any = tree
    for key in path[:-1]:
        table = _step(table, key, origin, path)
    last: Any = int(path[-1]) if isinstance(table, list) else path[-1]
    value = table[last] = [] if is_emptied else value_of_text(text, type_)
    for known_path in [known_path for known_path in origins if known_path[: len(path)] == path]:
        del origins[known_path]
    origins[path] = origin
    for inner in paths_of(value):
        origins[path + inner] = origin


def _step(table: Any, key: str, origin: str, path: KeyPath) -> Any:
    if isinstance(table, list):
        if int(key) < len(table):
            return table[int(key)]
        raise ConfigError(f"{_once(origin, path)}: there are only {len(table)} entries, counted from 0")
    inner = table.setdefault(key, {})
    if not isinstance(inner, dict | list):
        raise ConfigError(f"{_once(origin, path)}: {key!r} holds a value already, remove one of the two")
    return inner


def _resolve_paths(plain: Tree, folder: Path, of_file: frozenset[KeyPath]) -> None:
    """Make the relative paths that the file gives independent of where tickerd is started."""
    named: list[tuple[Tree, KeyPath]] = [
        (strategy, ("strategies", name, "use")) for name, strategy in plain.get("strategies", {}).items()
    ]
    for name, venue in plain.get("venues", {}).items():
        slippage = venue.get("simulated", {}).get("slippage", {})
        named.append((slippage, ("venues", name, "simulated", "slippage", "function")))
    for table, place in named:
        file, colon, what = (table.get(place[-1]) or "").rpartition(":")
        if file.endswith(".py") and place in of_file:
            table[place[-1]] = f"{folder / file}{colon}{what}"
    for number, data in enumerate(plain.get("backtest", {}).get("data", [])):
        if ("backtest", "data", str(number), "path") in of_file:
            data["path"] = str(folder / data["path"])


def _told(error: Misplaced, origins: dict[KeyPath, str], file: Path | None) -> str:
    """What is wrong, behind where it stands."""
    origin = _place(error.path, origins, file).removesuffix(": ")
    if not origin or not error.path:
        return f"{origin}: {error}" if origin else str(error)
    return f"{_once(origin, error.path)}: {error.why}"


def _once(origin: str, path: KeyPath) -> str:
    """Origin and place; the place alone is enough where the origin is that very key."""
    key = origin.removeprefix(SET)
    if key != origin and parse_key(key) == path:
        return origin
    return f"{origin}: {dotted(path)}"


def _place(path: KeyPath, origins: dict[KeyPath, str], file: Path | None) -> str:
    """`tickerd.toml:12: ` of the value, else of something in it, else of what it lies in."""
    within = [key for key in origins if key[: len(path)] == path]
    path = min(within, key=len, default=path)
    while path:
        if path in origins:
            return f"{origins[path]}: "
        path = path[:-1]
    return f"{file}: " if file else ""
