"""A start looks at the disk first, and waits for what may pass."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

from daemon.disk import disk_fault, wait_for_disk

MEGABYTE = 1_000_000

LIMITED = """
import resource, sys
from pathlib import Path
from daemon.disk import disk_fault
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
print(disk_fault(Path(sys.argv[1]), 100_000))
"""


def test_a_disk_that_takes_a_segment_is_no_fault_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    assert disk_fault(tmp_path / "new" / "state", MEGABYTE) is None
    assert list((tmp_path / "new" / "state").iterdir()) == []


def test_no_room_for_a_segment_is_said(tmp_path: Path, repo_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=repo_root,
        check=True,
    )
    assert os.strerror(errno.EFBIG) in done.stdout
    assert list(tmp_path.iterdir()) == []


async def test_a_start_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    heard: list[str] = []

    def make_room(fault: str) -> None:
        heard.append(fault)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    try:
        await wait_for_disk(tmp_path, 100_000, on_wait=make_room)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(heard) == 1
