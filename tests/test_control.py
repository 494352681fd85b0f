"""The control socket: real connections, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import uvloop

from actors.errors import StoreError, TradingError, UsageError
from actors.messages.control import CommandDone, OperatorCommand
from daemon.control import CONNECTIONS_MAX, ControlServer
from daemon.control_client import NoDaemon, call
from daemon.control_commands import Names
from daemon.control_protocol import LINE_BYTES_MAX


class Port:
    """A daemon's answers, given without one."""

    def __init__(self) -> None:
        self.commands: list[OperatorCommand] = []
        self.stops: list[tuple[str, bool | None]] = []
        self.accepts = True
        self.gate: asyncio.Event | None = None

    def names(self) -> Names:
        return Names(("paper",), {"sma": "paper"}, {"BTCUSDT@binance": ("paper",)})

    def now_ns(self) -> int:
        return 42

    def status(self) -> dict[str, Any]:
        return {"session": "s"}

    def positions(self) -> list[dict[str, Any]]:
        return [
            {
                "account": "paper",
                "strategy": "sma",
                "instrument": "BTCUSDT@binance",
                "quantity": Decimal("0.10"),
            }
        ]

    def orders(self) -> list[dict[str, Any]]:
        return []

    async def fills(self, limit: int) -> list[dict[str, Any]]:
        return [{"account": "paper", "trade_id": str(number)} for number in range(limit)]

    def unclaimed(self) -> list[dict[str, Any]]:
        return [{"account": "paper", "venue_order_id": "28"}]

    def differences(self) -> list[dict[str, Any]]:
        return [{"id": "d1", "account": "paper", "kind": "balance", "status": "open"}]

    def approvals(self) -> list[dict[str, Any]]:
        return [{"id": "a1", "what": "clear the halt of all", "asked_by": "uid=0", "asked_at": 7}]

    def limits(self) -> list[dict[str, Any]]:
        return [
            {"account": "paper", "strategy": strategy, "limit": "daily_loss_max", "value": "10"}
            for strategy in (None, "sma")
        ]

    def metrics(self) -> dict[str, Any]:
        return {"inputs": 3}

    async def submit(self, command: OperatorCommand) -> CommandDone:
        self.commands.append(command)
        if self.gate is not None:
            await self.gate.wait()
        return CommandDone(ts_event=0, command_id=command.command_id, accepted=self.accepts, text="it is so")

    async def checkpoint(self) -> dict[str, Any]:
        raise StoreError("the disk is full: free some space")

    async def stop(self, *, by: str, cancel_orders: bool | None) -> CommandDone:
        self.stops.append((by, cancel_orders))
        return CommandDone(ts_event=0, command_id="s", accepted=True, text="stopping")


class Daemon:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = Port()
        self.server = ControlServer(folder=folder, port=self.port)

    @property
    def path(self) -> Path:
        return self.folder / "control.sock"

    async def ask(self, method: str, timeout_seconds: float = 10, **params: Any) -> Any:
        return await asyncio.to_thread(call, self.folder, method, params, timeout_seconds=timeout_seconds)

    async def talk(self, *lines: bytes) -> list[Any]:
        """Send lines, close our side, and read everything that comes back."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(b"".join(lines))
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return [json.loads(line) for line in answer.splitlines()]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tmp_path)
    await daemon.server.start()
    yield daemon
    await daemon.server.close()


async def test_reads_are_answered_with_money_as_text(daemon: Daemon) -> None:
    assert await daemon.ask("status") == {"session": "s"}
    assert (await daemon.ask("positions"))[0]["quantity"] == "0.10"
    assert await daemon.ask("orders", account="paper") == []
    assert len(await daemon.ask("fills", limit=3)) == 3
    assert await daemon.ask("metrics") == {"inputs": 3}
    assert [row["id"] for row in await daemon.ask("approvals")] == ["a1"]
    assert len(await daemon.ask("limits", account="paper")) == 2
    assert len(await daemon.ask("limits", strategy="sma")) == 1
    assert daemon.port.commands == []


async def test_a_command_is_answered_only_when_the_core_has_taken_it(daemon: Daemon) -> None:
    daemon.port.gate = asyncio.Event()
    asking = asyncio.create_task(daemon.ask("pause", strategy="sma"))
    async with asyncio.timeout(10):
        while not daemon.port.commands:
            await asyncio.wait([asking], timeout=0.01)
    assert not asking.done()
    daemon.port.gate.set()
    assert await asking == {
        "accepted": True, "text": "it is so", "command_id": daemon.port.commands[0].command_id,
    }  # fmt: skip
    [command] = daemon.port.commands
    assert (command.by, command.ts_event) == (f"uid={os.geteuid()}", 42)


async def test_every_command_gets_an_id_of_its_own(daemon: Daemon) -> None:
    await daemon.ask("pause")
    await daemon.ask("pause")
    first, second = daemon.port.commands
    assert first.command_id != second.command_id


async def test_stop_passes_on_what_becomes_of_the_orders(daemon: Daemon) -> None:
    await daemon.ask("stop")
    await daemon.ask("stop", cancel_orders=False)
    by = f"uid={os.geteuid()}"
    assert daemon.port.stops == [(by, None), (by, False)]


async def test_the_log_level_is_shown_and_a_wrong_one_refused(daemon: Daemon) -> None:
    assert set(await daemon.ask("log-level")) == {"level"}
    with pytest.raises(UsageError, match="use one of debug, info, warning, error"):
        await daemon.ask("log-level", level="loud")


async def test_a_wrong_name_is_the_callers_mistake_and_a_failure_is_ours(daemon: Daemon) -> None:
    with pytest.raises(UsageError, match="there is no strategy 'x': known are sma"):
        await daemon.ask("pause", strategy="x")
    with pytest.raises(UsageError, match="limit must be between"):
        await daemon.ask("fills", limit=0)
    with pytest.raises(TradingError, match="the disk is full") as caught:
        await daemon.ask("checkpoint")
    assert not isinstance(caught.value, UsageError)


async def test_an_answer_that_does_not_come_is_a_timeout(daemon: Daemon) -> None:
    daemon.port.gate = asyncio.Event()
    with pytest.raises(TimeoutError, match="pause may still take effect"):
        await daemon.ask("pause", timeout_seconds=0.05)


async def test_the_socket_is_its_users_alone(daemon: Daemon) -> None:
    assert stat.S_IMODE(daemon.path.stat().st_mode) == 0o600


async def test_one_connection_may_ask_often_and_in_batches(daemon: Daemon) -> None:
    answers = await daemon.talk(
        b'{"jsonrpc": "2.0", "id": "a", "method": "metrics"}\n',
        b'[{"jsonrpc": "2.0", "id": 1, "method": "status"}, {"jsonrpc": "2.0", "method": "metrics"}, 3]\n',
    )
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": {"inputs": 3}}
    assert [each.get("id") for each in answers[1]] == [1, None]
    assert answers[1][1]["error"]["code"] == -32600


async def test_a_notification_acts_and_gets_no_answer(daemon: Daemon) -> None:
    assert await daemon.talk(b'{"jsonrpc": "2.0", "method": "pause"}\n') == []
    assert len(daemon.port.commands) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"pause\n", -32700),
        (b'"\xff"\n', -32700),
        (b"[" * 60_000 + b"\n", -32700),
        (b"[]\n", -32600),
        (b"{}\n", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "status"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "status"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": [1]}\n', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "panic"}\n', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "pause", "params": {"all": "yes"}}\n', -32602),
        (b"x" * (LINE_BYTES_MAX + 10) + b"\n", -32600),
    ],
)
async def test_what_is_no_request_is_answered_with_an_error(daemon: Daemon, line: bytes, code: int) -> None:
    [answer] = await daemon.talk(line)
    assert answer["error"]["code"] == code
    assert daemon.port.commands == []


async def test_more_connections_than_allowed_are_closed_at_once(daemon: Daemon) -> None:
    held = [await asyncio.open_unix_connection(str(daemon.path)) for _ in range(CONNECTIONS_MAX)]
    reader, writer = held[-1]
    writer.write(b'{"jsonrpc": "2.0", "id": 1, "method": "metrics"}\n')
    assert b'"inputs":3' in await reader.readline()
    with pytest.raises(NoDaemon):
        await daemon.ask("metrics")
    for _, each in held:
        each.close()


async def test_a_socket_left_behind_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    daemon = Daemon(tmp_path)
    await daemon.server.start()
    assert await daemon.ask("metrics") == {"inputs": 3}
    await daemon.server.close()
    assert not daemon.path.exists()


async def test_closing_cuts_a_command_that_is_waited_for(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    await daemon.server.start()
    running = asyncio.create_task(daemon.server.run())
    daemon.port.gate = asyncio.Event()
    asking = asyncio.create_task(daemon.ask("pause"))
    async with asyncio.timeout(10):
        while not daemon.port.commands:
            await asyncio.wait([asking], timeout=0.01)
        await daemon.server.close()
        with pytest.raises(NoDaemon, match="closed the connection"):
            await asking
        await running


async def test_without_a_daemon_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoDaemon, match=r"no daemon runs on the state folder .*tickerd run"):
        call(tmp_path, "status", {}, timeout_seconds=1)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(NoDaemon, match="no daemon runs"):
        call(tmp_path, "status", {}, timeout_seconds=1)


@pytest.mark.parametrize("engine", ["asyncio", "uvloop"])
def test_a_state_folder_of_any_length_works_on_both_loops(tmp_path: Path, engine: str) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()

    async def scenario() -> None:
        daemon = Daemon(folder)
        await daemon.server.start()
        assert await daemon.ask("metrics") == {"inputs": 3}
        assert stat.S_IMODE(daemon.path.stat().st_mode) == 0o600
        await daemon.server.close()
        assert not daemon.path.exists()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if engine == "uvloop" else None) as runner:
        runner.run(scenario())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine may enter."""
    with tempfile.TemporaryDirectory(prefix="tickerd-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def talk_as_nobody(path: Path) -> tuple[int | None, bytes]:
    """Connect as another user and give a command; exit code 3 when the connection is refused."""
    script = (
        '$SIG{PIPE} = "IGNORE"; my $s = IO::Socket::UNIX->new($ARGV[0]) or exit 3; '
        '$s->print($ARGV[1], "\\n"); '
        "my $answer = <$s>; print defined $answer ? $answer : 'nothing';"
    )
    request = '{"jsonrpc": "2.0", "id": 1, "method": "pause"}'
    process = await asyncio.create_subprocess_exec(
        "perl", "-MIO::Socket::UNIX", "-e", script, str(path), request,
        user=65534, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(shutil.which("perl") is None, reason="needs a program that every user may run")
async def test_another_user_is_not_answered_even_where_the_file_lets_him_in(open_folder: Path) -> None:
    daemon = Daemon(open_folder)
    await daemon.server.start()
    assert (await talk_as_nobody(daemon.path))[0] == 3
    daemon.path.chmod(0o666)
    assert await talk_as_nobody(daemon.path) == (0, b"nothing")
    assert daemon.port.commands == []
    await daemon.server.close()
