"""The other end of the control socket: one call, one answer."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from actors.errors import TradingError, UsageError
from daemon.control_path import SOCKET_NAME, reachable
from daemon.control_protocol import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError, read_answer, request_line


class NoDaemon(TradingError):
    """Nobody answers on the control socket."""


def call(folder: Path, method: str, params: dict[str, Any], *, timeout_seconds: float) -> Any:
    """Ask the daemon that holds this state folder.

    Raises:
        NoDaemon: None runs there, or it went away before it answered.
        UsageError: The daemon knows no such command, parameter or name.
        TradingError: It could not do what was asked.
        TimeoutError: No answer in time; a command may still take effect.
    """
    deadline = time.monotonic() + timeout_seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        try:
            with reachable(folder) as path:
                connection.connect(str(path))
            connection.sendall(request_line(method, params))
            line = _read_line(connection, deadline)
        except TimeoutError:
            raise TimeoutError(
                f"the daemon has not answered within {timeout_seconds:g} s: {method} may still take effect, "
                "look with `tickerd ctl status` or wait longer with --timeout"
            ) from None
        except OSError as error:
            raise _not_there(folder, error) from None
    try:
        return read_answer(line)
    except RpcError as error:
        if error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            raise UsageError(str(error)) from None
        raise


def _read_line(connection: socket.socket, deadline: float) -> bytes:
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(65_536)
        if not part:
            raise ConnectionResetError
        parts.append(part)
    return b"".join(parts)


def _not_there(folder: Path, error: OSError) -> TradingError:
    match error:
        case PermissionError():
            return NoDaemon(f"{folder / SOCKET_NAME} belongs to another user: become that user, or root")
        case ConnectionResetError() | BrokenPipeError():
            return NoDaemon(f"the daemon on {folder} closed the connection without an answer: see its log")
        case _:
            return NoDaemon(
                f"no daemon runs on the state folder {folder}: start one with `tickerd run`, or name another "
                "folder with --state"
            )
