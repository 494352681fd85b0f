"""The process for slow work ends with the daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO_ROOT

PARENT = """
import os, time
from daemon.worker import Worker

worker = Worker()
print(worker.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.timeout(30)
def test_a_worker_whose_daemon_was_killed_ends() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=REPO_ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) != parent.pid
        parent.kill()
        assert parent.stdout.read() == b"", "the end of what the worker, too, could write to"


BUSY = """
import os, signal, time
from daemon.worker import Worker

worker = Worker()
pid = worker.submit(os.getpid).result()
signal.signal(signal.SIGINT, lambda *_: None)
os.killpg(0, signal.SIGINT)
assert worker.submit(os.getpid).result() == pid
worker.submit(time.sleep, 600)
worker.end()
"""


@pytest.mark.slow
@pytest.mark.timeout(30)
def test_a_busy_worker_neither_hears_of_ctrl_c_nor_keeps_its_daemon_from_ending() -> None:
    command = [sys.executable, "-c", BUSY]
    ran = subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True, start_new_session=True)
    assert (ran.returncode, ran.stderr) == (0, "")
