"""Copies of a configuration's data without what follows a point in time, put in the originals' place."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal, cast

import msgspec

from actors.strategies.parameters import declared_fields
from actors.venues.files.reading import FEATHER
from daemon.config import Config, DataFile
from daemon.graph import StrategyClasses
from daemon.research.history import History


def cut_config(config: Config, classes: StrategyClasses, end: int, folder: Path) -> Config:
    """The configuration with every file that a strategy's parameter names cut off at `end`.

    A parameter names it in the configuration or in its class. The run itself needs no copies, as it is given
    the end; a strategy that reads a file by itself does.
    """
    parameters = {
        name: _all_parameters(classes[name], section.parameters)
        for name, section in config.strategies.items()
    }
    texts = {Path(text).absolute() for values in parameters.values() for text in _texts(values)}
    named = [file for file in config.backtest.data if Path(file.path).absolute() in texts]
    if not named:
        return config
    folder.mkdir(parents=True)
    places = {Path(file.path).absolute(): str(_cut(config, file, end, folder)) for file in named}
    strategies = {
        name: msgspec.structs.replace(
            section, parameters=section.parameters | _moved(parameters[name], places)
        )
        for name, section in config.strategies.items()
    }
    return msgspec.structs.replace(config, strategies=strategies)


class Copies:
    """Data files without what follows a point in time, made when somebody asks for one."""

    def __init__(self, config: Config, end: int, folder: Path) -> None:
        self._config, self._end, self._folder = config, end, folder
        self._files = {Path(file.path).absolute(): file for file in config.backtest.data}
        self._made: dict[Path, Path] = {}

    def of(self, path: Path) -> Path | None:
        """The copy; None where it is no data file."""
        file = self._files.get(path)
        if file is not None and path not in self._made:
            place = self._folder / str(len(self._made))
            place.mkdir(parents=True)
            self._made[path] = _cut(self._config, file, self._end, place)
        return self._made.get(path)


def _all_parameters(strategy: type, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        name: getattr(strategy, name) for name in declared_fields(strategy) if hasattr(strategy, name)
    }
    return {**defaults, **given}


def _moved(parameters: dict[str, Any], places: dict[Path, str]) -> dict[str, Any]:
    """Those that name a file which has a copy, with the copy's name."""
    placed = {name: _placed(value, places) for name, value in parameters.items()}
    return {name: value for name, value in placed.items() if _texts(value) != _texts(parameters[name])}


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
    elif source.suffix in FEATHER:
        polars.read_ipc(source).head(count).write_ipc(place)
    else:
        with _opened(source, "rb") as rows, _opened(place, "wb") as copy:
            has_header = _has_header(source)
            for _, line in zip(range(count + has_header), rows, strict=False):
                copy.write(line)
    return place


def _opened(path: Path, mode: Literal["rb", "wb"]) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode))


def _has_header(source: Path) -> bool:
    with _opened(source, "rb") as rows:
        first = rows.readline().split(b",")[0].strip()
    return not first.replace(b".", b"").isdigit()
