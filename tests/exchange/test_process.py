"""The exchange as a process: says when it is ready, serves, and ends when told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from websockets.sync.client import connect

from daemon.exchange.truth import read_truth


@pytest.mark.slow
def test_the_process_serves_and_stops_cleanly_on_sigterm(tmp_path: Path, repo_root: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    command = [
        sys.executable, "-m", "daemon", "exchange", "--synthetic", "--seed", "3", "--symbols", "BTCUSDT",
        "--profile", "fast", "--truth", str(truth), "--account", "me:my-key:my-secret:USDT=1000",
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=repo_root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert sorted(ready) == ["admin_port", "port", "ready"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ready['port']}/api/v3/exchangeInfo") as response:
            symbols = [entry["symbol"] for entry in json.load(response)["symbols"]]
        assert symbols == ["BTCUSDT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ready['admin_port']}/truth") as response:
            assert json.load(response)["accounts"]["me"]["balances"] == {"USDT": "1000"}
        with connect(f"ws://127.0.0.1:{ready['port']}/ws/btcusdt@bookTicker") as socket:
            updates = [json.loads(socket.recv(timeout=10))["u"] for _ in range(3)]
        assert updates == sorted(updates)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
    assert read_truth(truth).accounts["me"].balances


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--symbols", "NOPE"], "is no symbol"),
        (["--account", "me"], "name:key:secret"),
        (["--rate", "0"], "--rate is 0"),
        (["--data", "nowhere.gz"], "name an existing capture"),
    ],
)
def test_wrong_arguments_are_one_sentence(repo_root: Path, arguments: list[str], text: str) -> None:
    command = [sys.executable, "-m", "daemon", "exchange", *arguments]
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert text in done.stderr
    assert "Traceback" not in done.stderr
