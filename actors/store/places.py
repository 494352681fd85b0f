"""Where backups go: a folder, or what a URL names (s3://, gs://, az://, sftp://…, by fsspec).

A name is relative, with `/` between its parts; what stands under a name is there whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

from actors.errors import StoreError, UsageError
from actors.store.layout import sync_folder, write_durably

RESULT = TypeVar("RESULT")


class Place(Protocol):
    """Keeps files under names."""

    def put(self, name: str, source: Path) -> None:
        """Keep a copy of a file; raises StoreError when it cannot be kept."""

    def get(self, name: str, target: Path) -> None:
        """Write what is kept to a file; raises StoreError when there is nothing, or it cannot be read."""

    def write(self, name: str, data: bytes) -> None:
        """Keep these bytes, in the place of what was there."""

    def read(self, name: str) -> bytes | None:
        """The bytes; None when there are none."""


def place_of(where: str) -> Place:
    """The place that a path or a URL names.

    Raises:
        UsageError: The URL needs a library that is not installed, or is of no known kind.
    """
    return RemotePlace(where) if "://" in where else FolderPlace(Path(where))


class FolderPlace:
    """A plain folder; what was put there survives the power."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    @contextmanager
    def _named(self, name: str) -> Iterator[Path]:
        try:
            yield self._folder / name
        except OSError as error:
            raise StoreError(
                f"the backup's {name} in {self._folder} cannot be reached: {error.strerror}"
            ) from error

    def put(self, name: str, source: Path) -> None:
        with self._named(name) as path:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(path.name + ".tmp")
            shutil.copyfile(source, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)

    def get(self, name: str, target: Path) -> None:
        with self._named(name) as path:
            shutil.copyfile(path, target)

    def write(self, name: str, data: bytes) -> None:
        with self._named(name) as path:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, data)

    def read(self, name: str) -> bytes | None:
        with self._named(name) as path:
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None


class RemotePlace:
    """What fsspec can write to; its credentials come from where that store's own tools take them."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise UsageError(
                "backups to a URL need fsspec: install tickerd[backup], or give a folder"
            ) from error
        self._url = url
        try:
            self._fs, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(f"{url} cannot be used: {error}") from error

    def __str__(self) -> str:
        return self._url

    def _do(self, name: str, action: Callable[[str], RESULT]) -> RESULT:
        try:
            return action(str(PurePosixPath(self._root) / name))
        except FileNotFoundError:
            raise
        except Exception as error:  # each store's library raises its own
            raise StoreError(f"the backup's {name} at {self._url} cannot be reached: {error!r}") from error

    def _parent(self, path: str) -> None:
        self._fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)

    def put(self, name: str, source: Path) -> None:
        def action(path: str) -> None:
            self._parent(path)
            self._fs.put_file(str(source), path)

        self._do(name, action)

    def get(self, name: str, target: Path) -> None:
        def action(path: str) -> None:
            self._fs.get_file(path, str(target))

        try:
            self._do(name, action)
        except FileNotFoundError as error:
            raise StoreError(f"the backup at {self._url} lacks {name}; restore another generation") from error

    def write(self, name: str, data: bytes) -> None:
        def action(path: str) -> None:
            self._parent(path)
            self._fs.pipe_file(path, data)

        self._do(name, action)

    def read(self, name: str) -> bytes | None:
        def action(path: str) -> Any:
            self._fs.invalidate_cache()
            return self._fs.cat_file(path)

        try:
            return bytes(self._do(name, action))
        except FileNotFoundError:
            return None
