"""The process for slow work ends with the daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO_ROOT

PARENT = """
import os, time
from daemon.worker import a_worker

worker = a_worker()
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
