"""Copies of a configuration's data without what follows a point in time, put in the originals' place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from daemon.config import Config, DataFile
from daemon.research.history import History


def cut_config(config: Config, end: int, folder: Path) -> Config:
    """The configuration with every file that a strategy's parameter names cut off at `end`.

    The run itself needs no copies, as it is given the end; a strategy that reads a file by itself does.
    """
    named = [file for file in config.backtest.data if _is_named(config, file)]
    if not named:
        return config
    folder.mkdir(parents=True)
    places = {Path(file.path).absolute(): str(_cut(config, file, end, folder)) for file in named}
    strategies = {
        name: msgspec.structs.replace(section, parameters=_placed(section.parameters, places))
        for name, section in config.strategies.items()
    }
    return msgspec.structs.replace(config, strategies=strategies)


def _is_named(config: Config, file: DataFile) -> bool:
    values = [value for section in config.strategies.values() for value in _texts(section.parameters)]
    return any(Path(value).absolute() == Path(file.path).absolute() for value in values)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for each in inner for text in _texts(each)]


def _placed(value: Any, places: dict[Path, str]) -> Any:
    if isinstance(value, str):
        return places.get(Path(value).absolute(), value)
    if isinstance(value, dict):
        return {key: _placed(inner, places) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_placed(inner, places) for inner in value]
    return value


def _cut(config: Config, file: DataFile, end: int, folder: Path) -> Path:
    """The rows before the end in the file's own form, where that is a table; else as a table of ours."""
    import polars

    one = msgspec.structs.replace(config.backtest, data=(file,))
    history = History(msgspec.structs.replace(config, backtest=one))
    count = sum(1 for _ in history.messages(None, end))
    source = Path(file.path)
    place = folder / source.name
    if source.suffix in (".parquet", ".pq"):
        polars.read_parquet(source).head(count).write_parquet(place)
    else:
        with source.open("rb") as rows, place.open("wb") as copy:
            has_header = _has_header(source)
            for _, line in zip(range(count + has_header), rows, strict=False):
                copy.write(line)
    return place


def _has_header(source: Path) -> bool:
    with source.open("rb") as rows:
        first = rows.readline().split(b",")[0].strip()
    return not first.replace(b".", b"").isdigit()
