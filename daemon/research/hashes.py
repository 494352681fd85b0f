"""What a run is made of, as three hashes: configuration, code, data."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

import actors
from actors.own_code.loading import load_function, modules_of
from actors.own_code.modules import digest_of_all
from actors.strategies.base import Strategy
from actors.strategies.loading import strategy_modules
from daemon.code_changes import own_slippage
from daemon.config import Config
from daemon.research.history import data_files
from daemon.research.runs import Hashes
from daemon.research.session_history import session_files

_READ_BYTES = 1 << 20
_OF_RESULT = ("accounts", "strategies", "instruments", "backtest", "venues")
_NOT_OF_RESULT = ("api_key", "api_secret", "account_id", "durability")
_ENGINE = ("actors", "daemon/research", "daemon/graph.py", "daemon/config.py")


def hashes_of(
    config: Config, classes: Mapping[str, type[Strategy]], start: int | None, end: int | None
) -> Hashes:
    """The hashes of a run over [start, end)."""
    return Hashes(
        config=sha256(msgspec.json.encode(result_config(config), order="deterministic")).hexdigest(),
        code=code_hash(classes.values(), own_functions(config)),
        data=data_hash([*data_files(config), *session_files(config)], start, end),
    )


def plain_config(config: Config) -> dict[str, Any]:
    """Everything as resolved; the names of secrets, never their values, are all a configuration holds."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    return plain


def result_config(config: Config) -> dict[str, Any]:
    """What of a configuration can change a result: no folders, nothing of the process around it."""
    whole = plain_config(config)
    plain = {section: whole[section] for section in _OF_RESULT}
    for account in plain["accounts"].values():
        for name in _NOT_OF_RESULT:
            account.pop(name, None)
    for strategy in plain["strategies"].values():
        strategy["use"] = Path(strategy["use"]).name
    for venue in plain["venues"].values():
        slippage = venue["simulated"]["slippage"]
        if slippage["function"] is not None:
            slippage["function"] = Path(slippage["function"]).name
    plain["backtest"]["metrics"] = [Path(metric).name for metric in plain["backtest"]["metrics"]]
    for file in plain["backtest"]["data"]:
        file["path"] = Path(file["path"]).name
    del plain["backtest"]["session"]["state"]
    plain["bar_grace_ms"], plain["seed"] = config.daemon.bar_grace_ms, config.daemon.seed
    return plain


def own_functions(config: Config) -> list[Callable[..., Any]]:
    """Functions of the user's own that fills or figures depend on."""
    metrics = (load_function(name, is_guarded=False) for name in config.backtest.metrics)
    return [*own_slippage(config), *metrics]


def code_hash(classes: Iterable[type[Strategy]], functions: Iterable[Callable[..., Any]] = ()) -> str:
    """Of the strategies and functions of the user's own with all they import, and of tickerd."""
    total = sha256(f"{engine_hash()} {versions()}\n".encode())
    own = [strategy_modules(strategy) for strategy in classes]
    own += [modules_of(function) for function in functions]
    total.update(digest_of_all(own).encode())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """What calculates."""
    names = ("tickerd", "numpy", "polars", "tzdata")
    return {**{name: version(name) for name in names}, "python": platform.python_version()}


@cache
def engine_hash() -> str:
    """Of tickerd's own modules that a backtest runs through."""
    root = Path(actors.__file__).parent.parent
    total = sha256()
    for part in _ENGINE:
        place = root / part
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            total.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
    return total.hexdigest()


def data_hash(files: Iterable[Path], start: int | None, end: int | None) -> str:
    """Of the names and bytes of all files in their order, and of the range."""
    total = sha256(f"{start} {end}\n".encode())
    for file in files:
        total.update(f"{file.name}\n".encode() + bytes.fromhex(_file_hash(file)))
    return total.hexdigest()


def _file_hash(file: Path) -> str:
    status = file.stat()
    return _hash_of(file, status.st_size, status.st_mtime_ns)


@cache
def _hash_of(file: Path, size: int, changed_ns: int) -> str:
    """Read once in a process as long as the file stays as it is: a sweep asks for each run."""
    total = sha256()
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            total.update(block)
    return total.hexdigest()
