"""Alerts to a program: JSON on its standard input, no shell, no secrets in its environment."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

import msgspec

from daemon.alert_channels.port import NotDelivered, as_json
from daemon.alert_routing import Alert
from daemon.alert_settings import ExecChannel

_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")
_SAID_MAX = 300


class Command:
    """Runs the program once per alert; exit code 0 means delivered."""

    def __init__(self, section: ExecChannel, environ: Mapping[str, str]) -> None:
        self._command, self._timeout_seconds = section.command, section.timeout_seconds
        self._environ = {name: environ[name] for name in _PASSED_ON if name in environ}

    async def send(self, alert: Alert) -> None:
        """Run the program to its end; one that takes too long is killed with all it has started."""
        program = self._command[0]
        with TemporaryFile() as said:
            process = await self._start(said)
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    await process.communicate(msgspec.json.encode(as_json(alert)) + b"\n")
            except TimeoutError:
                raise NotDelivered(f"{program} did not end within {self._timeout_seconds:g} s") from None
            finally:
                await _end(process)
            if process.returncode != 0:
                why = _last_words(said)
                raise NotDelivered(f"{program} ended with {process.returncode}" + (f": {why}" if why else ""))

    async def close(self) -> None:
        """Nothing stays open between alerts."""

    async def _start(self, said: IO[bytes]) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=said,
                env=self._environ,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise NotDelivered(f"{self._command[0]} cannot be run ({reason})", is_final=True) from None


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_words(said: IO[bytes]) -> str:
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - _SAID_MAX))
    return " ".join(said.read().decode("utf-8", "replace").split())
