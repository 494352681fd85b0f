"""Frames that were given in the place of files: written where no user looks, told by their own names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

from actors.errors import BadDataFile


class FrameFiles:
    """A folder that is gone with its owner."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._folder: Path | None = None

    def path_for(self, instrument: str, place: int) -> Path:
        """Where the frame of an instrument goes; `place` is its number among several."""
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="tickerd-data-"))
            finalize(self, rmtree, self._folder, ignore_errors=True)
        path = self._folder / f"{instrument.partition('@')[0]}-{place}.parquet"
        which = f"frame {place + 1}" if place else "the frame"
        self._names[str(path)] = f"{which} of {instrument}"
        return path

    @contextmanager
    def by_their_names(self) -> Iterator[None]:
        """Let errors name the frames.

        Raises:
            BadDataFile: What was raised within.
        """
        try:
            yield
        except BadDataFile as error:
            raise BadDataFile(self.told(str(error))) from None

    def told(self, text: str) -> str:
        """A text with frames in the place of their files."""
        for path, name in self._names.items():
            text = text.replace(path, name)
        return text
