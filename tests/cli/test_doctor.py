"""`tickerd doctor`: facts about this machine, against real sockets and folders."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from actors.store.folder import StateLock
from daemon.cli import doctor_checks
from daemon.config import VenueSection
from tests.test_control import Daemon


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No configuration of somebody else is found."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(report: Any) -> dict[str, str]:
    return {each["subject"]: each["result"] for each in json.loads(report)["findings"]}


def test_a_healthy_folder_is_found_healthy(tickerd: Callable[..., Any]) -> None:
    ran = tickerd("doctor", "--offline", "--json", "--set", "tape.disk_free_min_gb=0", "--set", "http.port=0")
    found = results(ran.out)
    for subject in ("python", "packages", "state folder", "disk space", "daemon"):
        assert found[subject] == "ok", ran.out
    assert found["configuration"] == "warn"
    assert (ran.code, json.loads(ran.out)["ok"]) == (0, True)
    assert not Path("state").exists(), "looking leaves nothing behind"


def test_a_wrong_configuration_is_a_finding(tickerd: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "tickerd.toml").write_text("[htp]\n")
    ran = tickerd("doctor", "--offline")
    assert ran.code == 1
    assert "did you mean 'http'?" in ran.out


def test_a_missing_secret_and_a_broken_strategy_are_findings(
    tickerd: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "tickerd.toml").write_text(
        '[venues.b]\n[accounts.a]\nvenue="b"\nmode="testnet"\nbase_currency="USDT"\n'
        'api_key="DOCTOR_NO_KEY"\napi_secret="DOCTOR_NO_SECRET"\n'
        '[strategies.s]\nuse="gone.py:S"\naccount="a"\ninstruments=["X@b"]\n'
    )
    ran = tickerd("doctor", "--offline", "--json")
    found = results(ran.out)
    assert (ran.code, found["secret DOCTOR_NO_KEY"], found["strategies"]) == (1, "fail", "fail")


def test_a_taken_port_and_a_full_disk_are_findings(tickerd: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = tickerd(
            "doctor",
            "--offline",
            "--json",
            "--set",
            f"http.port={port}",
            "--set",
            "tape.disk_free_min_gb=1e9",
        )
    found = results(ran.out)
    assert (ran.code, found[f"port 127.0.0.1:{port}"], found["disk space"]) == (1, "fail", "fail")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_a_finding(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert doctor_checks.state_writable(tmp_path / "state").result == "fail"
    tmp_path.chmod(0o700)


def test_a_state_folder_that_is_a_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    found = doctor_checks.state_writable(tmp_path / "state")
    assert (found.result, "cannot be written" in found.text) == ("fail", True)


async def test_a_running_daemon_keeps_its_port(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    daemon = Daemon(tmp_path)
    await daemon.server.start()
    with socket.create_server(("127.0.0.1", 0)) as its_own:
        port = its_own.getsockname()[1]
        ran = await asyncio.to_thread(
            tickerd, "doctor", "--offline", "--json", "--state", tmp_path, "--set", f"http.port={port}"
        )
    await daemon.server.close()
    findings = {each["subject"]: each["text"] for each in json.loads(ran.out)["findings"]}
    assert findings["daemon"] == "a daemon runs on this state folder"
    assert not [subject for subject in findings if subject.startswith("port")]


def test_a_lock_without_an_answer_is_a_finding_and_looking_takes_no_lock(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    found = doctor_checks.running_daemon(tmp_path)
    lock.release()
    assert (found.result, "holds the state folder's lock" in found.text) == ("fail", True)
    assert doctor_checks.running_daemon(tmp_path).result == "ok"


async def test_a_venue_is_asked_for_its_time(tmp_path: Path) -> None:
    off_by_ms = 0.0

    async def its_time(request: web.Request) -> web.Response:
        return web.json_response({"serverTime": int(time.time() * 1000 + off_by_ms)})

    app = web.Application()
    app.router.add_get("/api/v3/time", its_time)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    venue = VenueSection(rest_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    found = await asyncio.to_thread(doctor_checks.venue_answers, "b", venue)
    off_by_ms = -60_000.0
    late = await asyncio.to_thread(doctor_checks.venue_answers, "b", venue)
    await runner.cleanup()
    assert (found.subject, found.result) == ("venue b", "ok")
    assert (late.result, "set this machine's clock" in late.text) == ("warn", True)


def test_only_an_unreachable_venue_ends_with_5(tickerd: Callable[..., Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    (tmp_path / "tickerd.toml").write_text(
        f'[http]\nport=0\n[tape]\ndisk_free_min_gb=0\n[venues.b]\nrest_url="{url}"\n'
    )
    ran = tickerd("doctor", "--json")
    assert (ran.code, results(ran.out)["venue b"]) == (5, "fail")
