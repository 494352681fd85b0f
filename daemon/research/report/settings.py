"""A run's configuration as text, and where two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ABSENT = "–"


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value under its dotted name; empty tables and lists are values of their own."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            name = f'"{key}"' if "." in str(key) or "@" in str(key) else str(key)
            yield from flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple) and value and all(isinstance(each, Mapping) for each in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{path}[{number}]")
    else:
        yield path, shown(value)


def shown(value: Any) -> str:
    """A value as TOML would have it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return "{}"
    return str(value)


def settings_text(config: Mapping[str, Any]) -> str:
    """One line for each value."""
    return "\n".join(f"{name} = {text}" for name, text in flat(config))


def differences(configs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Names whose values are not the same everywhere, with the value of each."""
    plain = [dict(flat(config)) for config in configs]
    names = dict.fromkeys(name for each in plain for name in each)
    # a table that is empty in one and not in another is told by what stands in it
    tables = {name.rpartition(".")[0] for name in names}
    names = {name: None for name in names if name not in tables}
    rows = [(name, [each.get(name, ABSENT) for each in plain]) for name in names]
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]
