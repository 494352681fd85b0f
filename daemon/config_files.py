"""Configuration files as plain trees, with the line of each value: TOML, and YAML or JSON by suffix."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors.errors import ConfigError

if TYPE_CHECKING:
    import yaml

KeyPath = tuple[str, ...]
Tree = dict[str, Any]
Lines = dict[KeyPath, int]

SUFFIXES = (".toml", ".yaml", ".yml", ".json")
_HEADER = re.compile(r"\s*(\[\[?)(?P<name>[^\[\]]+)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*(?:(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'|\s*\.\s*)+?)\s*=""")


def read_tree(path: Path) -> tuple[Tree, Lines]:
    """Values of a file, numbers with a point as `Decimal`, and the lines they stand on.

    Raises:
        ConfigError: Not there, not readable, of an unknown suffix, or not what its suffix says.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: unknown kind of configuration; name it *.toml, *.yaml or *.json")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise ConfigError(
            f"{path} cannot be read ({reason.lower()}): check --config, or write a configuration with "
            "`tickerd init`"
        ) from None
    if path.suffix == ".toml":
        return _read_toml(path, text)
    if path.suffix == ".json":
        return _read_json(path, text)
    return _read_yaml(path, text)


def _read_toml(path: Path, text: str) -> tuple[Tree, Lines]:
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML, correct it: {error}") from None
    return tree, _toml_lines(text)


def parse_key(text: str) -> KeyPath:
    """`a."b.c".d` → ("a", "b.c", "d").

    Raises:
        ValueError: Not a TOML key.
    """
    tree: Any = tomllib.loads(f"{text} = 0")
    path: list[str] = []
    while isinstance(tree, dict):
        [(key, tree)] = tree.items()
        path.append(key)
    return tuple(path)


def _toml_lines(text: str) -> Lines:
    """Line of each key of a text that is known to be valid TOML."""
    found: Lines = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    rows = text.splitlines()
    number = 0
    while number < len(rows):
        row = rows[number]
        if header := _HEADER.match(row):
            table = _placed(parse_key(header["name"].strip()), counts, opens_item=header[1] == "[[")
            found[table] = number + 1
        elif _KEY.match(row):
            end = _end_of_value(rows, number)
            value = tomllib.loads("\n".join(rows[number:end]))
            for path in paths_of(value):
                found[table + path] = number + 1
            number = end - 1
        number += 1
    return found


def _placed(name: KeyPath, counts: dict[KeyPath, int], *, opens_item: bool) -> KeyPath:
    """A header's path with the index of each array of tables on its way."""
    placed: KeyPath = ()
    for depth, key in enumerate(name, 1):
        placed += (key,)
        if opens_item and depth == len(name):
            counts[placed] = counts.get(placed, -1) + 1
        if placed in counts:
            placed += (str(counts[placed]),)
    return placed


def _end_of_value(rows: list[str], start: int) -> int:
    """First row after the key-value pair that begins at `start`; arrays and texts may span rows."""
    for end in range(start + 1, len(rows) + 1):
        try:
            tomllib.loads("\n".join(rows[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return start + 1


def paths_of(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Paths of everything in a value, itself included."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_of(inner, (*path, str(index)))


def _read_json(path: Path, text: str) -> tuple[Tree, Lines]:
    def unique(pairs: list[tuple[str, Any]]) -> Tree:
        tree = dict(pairs)
        if len(tree) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ConfigError(f"{path}: {twice!r} is given twice in one object, remove one")
        return tree

    try:
        tree = json.loads(text, parse_float=Decimal, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON, correct it: {error.msg}") from None
    return _table(path, tree), _json_lines(text)


def _json_lines(text: str) -> Lines:
    """JSON is read as YAML for its lines; where that fails (tabs) values are placed by file alone."""
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        return {}
    return dict(_yaml_lines(node))


def _read_yaml(path: Path, text: str) -> tuple[Tree, Lines]:
    import yaml

    class Loader(yaml.SafeLoader):
        """Numbers with a point become `Decimal`; that of the base class loses digits."""

    def decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
        return Decimal(loader.construct_scalar(node).replace("_", ""))

    Loader.add_constructor("tag:yaml.org,2002:float", decimal)
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        lines = dict(_yaml_lines(node, path))
        tree = loader.construct_document(node) if node is not None else {}
    except (yaml.YAMLError, ArithmeticError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path} is not valid YAML, correct it: {problem}") from None
    finally:
        loader.dispose()
    return _table(path, tree), lines


def _yaml_lines(
    node: yaml.Node | None, file: Path | None = None, path: KeyPath = ()
) -> Iterator[tuple[KeyPath, int]]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        for key, inner in node.value:
            line = key.start_mark.line + 1
            if file is not None and keys.count(key.value) > 1:
                raise ConfigError(f"{file}:{line}: {key.value!r} is given twice, remove one")
            yield (*path, key.value), line
            yield from _yaml_lines(inner, file, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, inner in enumerate(node.value):
            yield (*path, str(index)), inner.start_mark.line + 1
            yield from _yaml_lines(inner, file, (*path, str(index)))


def _table(path: Path, tree: Any) -> Tree:
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: the whole file must be one table of sections; see `tickerd init`")
    return tree
