"""The control socket: JSON-RPC for this machine's operator, who must be the daemon's own user or root."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import struct
from pathlib import Path
from typing import Any, Protocol

import structlog

from actors.errors import TradingError
from actors.messages.control import CommandDone, OperatorCommand
from daemon import logs
from daemon.control_commands import COMMANDS, Names, Parameters, command_of, in_scope, parameters_of
from daemon.control_path import SOCKET_NAME, reachable
from daemon.control_protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LINE_BYTES_MAX,
    Request,
    RpcError,
    answer_line,
    error_of,
    read_line,
    result_of,
)

log = structlog.get_logger(__name__)

CONNECTIONS_MAX = 32
SEND_SECONDS = 5.0
"""A client that does not read its answer for so long is cut off."""
FILLS_MAX = 10_000

_PEER = struct.Struct("3i")


class ControlPort(Protocol):
    """What the control socket asks of the running daemon; rows are plain values, money may stay `Decimal`."""

    def names(self) -> Names:
        """Accounts, strategies and instruments an operator can name."""

    def now_ns(self) -> int:
        """The trading clock."""

    def status(self) -> dict[str, Any]:
        """Process, accounts with their states, what stands in the way."""

    def positions(self) -> list[dict[str, Any]]:
        """Rows with `account`, `strategy`, `instrument` and figures."""

    def orders(self) -> list[dict[str, Any]]:
        """Orders in core state: rows with `account`, `strategy`, `instrument`, `client_order_id`, …"""

    async def fills(self, limit: int) -> list[dict[str, Any]]:
        """The newest fills, oldest first; rows as above."""

    def differences(self) -> list[dict[str, Any]]:
        """Where our books and the venues' statements part, and what was done: rows with `account`, `id`, …"""

    def unclaimed(self) -> list[dict[str, Any]]:
        """Orders at the venues that are not in our books and could be assigned."""

    def approvals(self) -> list[dict[str, Any]]:
        """What waits for a second command."""

    def limits(self) -> list[dict[str, Any]]:
        """Limits in force: rows with `account` and `strategy`."""

    def metrics(self) -> dict[str, Any]:
        """`Telemetry.snapshot`."""

    async def submit(self, command: OperatorCommand) -> CommandDone:
        """Give a command to the core; returns once it was taken and is durable."""

    async def checkpoint(self) -> dict[str, Any]:
        """Take a checkpoint now; says at which `seq`."""

    async def stop(self, *, by: str, cancel_orders: bool | None) -> CommandDone:
        """Begin a clean stop; returns once the core has taken it. None: as configured."""


class ControlServer:
    """Serves `control.sock` in the state folder until closed."""

    name = "control"

    def __init__(self, *, folder: Path, port: ControlPort) -> None:
        self._folder = folder
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closed = asyncio.Event()

    async def run(self) -> None:
        """Serve until `close`."""
        if self._server is None:
            await self.start()
        await self._closed.wait()

    async def start(self) -> None:
        """Listen. Whoever holds the state folder's lock owns the socket: one left behind is replaced."""
        with reachable(self._folder) as path:
            listener = _bound(path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_BYTES_MAX)

    async def close(self) -> None:
        """Stop listening and cut the connections; commands already given to the core run on."""
        self._closed.set()
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        await server.wait_closed()
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by its own task"
        uid = _peer_uid(writer)
        if uid not in (os.geteuid(), 0) or len(self._connections) >= CONNECTIONS_MAX:
            log.warning("control connection refused", uid=uid, connections=len(self._connections))
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._answer_lines(reader, writer, f"uid={uid}")
        except (OSError, TimeoutError):
            writer.transport.abort()  # the client has gone, or does not read
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_lines(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, by: str
    ) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                too_long = RpcError(INVALID_REQUEST, f"a line may have at most {LINE_BYTES_MAX} bytes")
                writer.write(answer_line(error_of(None, too_long)))
                await writer.drain()
                return
            if not line:
                return
            answer = await self.answer(line, by)
            if answer is not None:
                writer.write(answer)
                async with asyncio.timeout(SEND_SECONDS):
                    await writer.drain()

    async def answer(self, line: bytes, by: str) -> bytes | None:
        """The line that answers a line; None when only notifications came."""
        try:
            requests, is_batch = read_line(line)
        except RpcError as error:
            return answer_line(error_of(None, error))
        answers = [each for request in requests if (each := await self._answer_one(request, by)) is not None]
        if not answers:
            return None
        return answer_line(answers if is_batch else answers[0])

    async def _answer_one(self, request: Request | RpcError, by: str) -> dict[str, Any] | None:
        if isinstance(request, RpcError):
            return error_of(None, request)
        try:
            answer = result_of(request.id, await self._call(request.method, request.params, by))
        except RpcError as error:
            answer = error_of(request.id, error)
        except TradingError as error:
            answer = error_of(request.id, RpcError(INTERNAL_ERROR, str(error)))
        return answer if request.wants_answer else None

    async def _call(self, method: str, params: dict[str, Any], by: str) -> Any:
        given = parameters_of(method, params)
        port = self._port
        match method:
            case "status":
                return port.status()
            case "metrics":
                return port.metrics()
            case "approvals":
                return port.approvals()
            case "unclaimed":
                return port.unclaimed()
            case "differences":
                return in_scope(port.differences(), given, port.names())
            case "limits":
                return in_scope(port.limits(), given, port.names())
            case "positions":
                return in_scope(port.positions(), given, port.names())
            case "orders":
                return in_scope(port.orders(), given, port.names())
            case "fills":
                if not 0 < given.limit <= FILLS_MAX:
                    raise RpcError(INVALID_PARAMS, f"limit must be between 1 and {FILLS_MAX}")
                return in_scope(await port.fills(given.limit), given, port.names())
            case "checkpoint":
                return await port.checkpoint()
            case "log-level":
                return _set_log_level(given.level, by)
            case "stop":
                return _done(await port.stop(by=by, cancel_orders=given.cancel_orders))
            case _:
                assert method in COMMANDS, f"{method} takes parameters and does nothing"
                return _done(await port.submit(self._command(method, given, by)))

    def _command(self, method: str, given: Parameters, by: str) -> OperatorCommand:
        command_id = secrets.token_hex(8)
        now = self._port.now_ns()
        return command_of(method, given, self._port.names(), now_ns=now, command_id=command_id, by=by)


def _set_log_level(level: str | None, by: str) -> dict[str, str]:
    if level is not None:
        if level not in logs.LEVELS:
            raise RpcError(
                INVALID_PARAMS, f"there is no log level {level!r}: use one of {', '.join(logs.LEVELS)}"
            )
        log.warning("log level changed", level=level, by=by)
        logs.set_log_level(level)
    return {"level": logs.log_level()}


def _done(done: CommandDone) -> dict[str, Any]:
    return {"accepted": done.accepted, "text": done.text, "command_id": done.command_id}


def _bound(path: Path) -> socket.socket:
    """A listener that from its first moment belongs to its user alone."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        # The file takes the mode of the unbound socket: there is no moment at which others could connect.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        assert path.stat().st_mode & 0o777 == 0o600, "the control socket is open to others"
    except BaseException:
        listener.close()
        raise
    return listener


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size
    )
    return int(_PEER.unpack(credentials)[1])
