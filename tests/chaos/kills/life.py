"""One life of a real daemon under the killer's eye, told from its log."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.errors import TradingError
from daemon.control_client import call
from tests.conftest import REPO_ROOT
from tests.e2e.rig import environment

LOOK_SECONDS = 0.004
START_SECONDS_MAX = 60.0


class Ended(Exception):
    """The daemon has ended by itself."""


class Life:
    """A started `tickerd run`, or another program that ends up being one."""

    def __init__(
        self, program: Sequence[str], config: Path, state: Path, log: Path, *settings: str, **more: str
    ) -> None:
        self.state, self._log = state, log
        self._offset, self._half = 0, b""
        self.steps: dict[str, float] = {}
        """Step of the start → milliseconds since the process began."""
        self.notes: list[str] = []
        """What recovery had to say."""
        options = [part for each in ("http.port=-1", *settings) for part in ("--set", each)]
        command = [sys.executable, *program, "run", str(config), "--state", str(state), *options]
        self.began = time.monotonic()
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                command, cwd=REPO_ROOT, env=environment(**more), stdout=subprocess.DEVNULL, stderr=sink
            )

    def read_log(self) -> None:
        """Take what has been logged since the last look."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._half = (self._half + data).split(b"\n")
        for raw in lines:
            if not raw.startswith(b"{"):
                continue
            line: dict[str, Any] = json.loads(raw)
            if line.get("event") == "start":
                self.steps.setdefault(line["step"], line["total_ms"])
            elif line.get("event") == "recovery":
                self.notes.append(line["note"])

    @property
    def is_active(self) -> bool:
        return "active" in self.steps

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def wait_until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        """Look at the log until something holds.

        Raises:
            Ended: The process has ended meanwhile.
            TimeoutError: It took too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            self.read_log()
            if holds():
                return
            if self.process.poll() is not None:
                self.read_log()
                if holds():
                    return
                raise Ended(f"exit code {self.process.returncode} while waiting for {what}: {self.tail()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:g} s: {what}; {self.tail()}")
            time.sleep(LOOK_SECONDS)

    def wait_active(self) -> None:
        """Until the account may trade."""
        self.wait_until(lambda: self.is_active, START_SECONDS_MAX, "an active account")

    def wait_age(self, seconds: float) -> None:
        """Until the process is so old, unless it ends before."""
        while (left := self.began + seconds - time.monotonic()) > 0 and self.process.poll() is None:
            time.sleep(min(left, LOOK_SECONDS))

    def tail(self) -> str:
        """The last of its log."""
        return self._log.read_text(errors="replace")[-1_500:]

    def kill(self) -> None:
        """SIGKILL, and not a moment to say anything."""
        self.process.kill()
        self.process.wait()
        self.read_log()

    def stop(self, seconds: float = 40.0) -> int:
        """SIGTERM, as systemd does; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.kill()

    def ask(self, method: str, **params: Any) -> Any:
        """One call over the control socket; None while nobody answers."""
        try:
            return call(self.state, method, params, timeout_seconds=15.0)
        except (TradingError, OSError):
            return None

    def wait_trading(self, seconds: float) -> None:
        """Until the account is active as the operator sees it.

        Raises:
            Ended, TimeoutError: It does not come to that.
        """

        def is_trading() -> bool:
            status = self.ask("status")
            return bool(status) and status["accounts"][0]["state"] == "active"

        self.wait_until(is_trading, seconds, "an active account after the faults")

    def wait_settled(self, seconds: float) -> None:
        """Until the account trades and no order's outcome is unknown.

        Raises:
            TimeoutError: It does not come to that.
        """
        deadline = time.monotonic() + seconds
        while True:
            status, orders = self.ask("status"), self.ask("orders")
            if status and orders is not None:
                unknown = [row["client_order_id"] for row in orders if row["state"] == "unknown"]
                if status["accounts"][0]["state"] == "active" and not unknown:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not settled within {seconds:g} s: {status} {orders}; {self.tail()}")
            time.sleep(0.2)
