"""systemd's protocol against a real datagram socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from daemon.notify import Notifier, watchdog_seconds


def a_listener(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.settimeout(5)
    return listener


def test_each_message_is_one_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with a_listener(path) as listener:
        notifier = Notifier({"NOTIFY_SOCKET": path})
        notifier.ready("trading")
        notifier.watchdog()
        notifier.status("two\nlines")
        notifier.extend_start(1.5)
        notifier.stopping()
        notifier.close()
        assert [listener.recv(4096).decode() for _ in range(5)] == [
            "READY=1\nSTATUS=trading", "WATCHDOG=1", "STATUS=two lines", "EXTEND_TIMEOUT_USEC=1500000",
            "STOPPING=1\nSTATUS=stopping",
        ]  # fmt: skip


def test_an_abstract_socket_is_reached() -> None:
    name = f"tickerd-test-{os.getpid()}"
    with a_listener(f"\0{name}") as listener:
        notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
        notifier.watchdog()
        notifier.close()
        assert listener.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}])
def test_without_a_socket_nothing_is_said(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    assert not notifier.is_heard
    notifier.ready("trading")
    notifier.close()


def test_a_listener_that_has_gone_disturbs_nobody(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    notifier.watchdog()
    notifier.close()
    notifier.watchdog()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_ours_only_when_it_says_so(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(environ, pid=42) == seconds
