"""The state folder at its first start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO_ROOT

RECORDED = """
import sys
from pathlib import Path
from actors.core import effects

told = []
effects.effect = told.append
from actors.store.folder import StateLock

StateLock(Path(sys.argv[1])).release()
print(" ".join(told))
"""


def made(state: Path) -> list[str]:
    """What is done to make and lock a folder, in order."""
    done = subprocess.run(
        [sys.executable, "-c", RECORDED, str(state)],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_names_of_new_folders_are_durable_before_anything_is_in_them(tmp_path: Path) -> None:
    state = tmp_path / "desk" / "state"
    assert made(state) == [
        "state.make", "folder.sync", "folder.sync", "lock.make", "lock.truncate", "lock.write",
    ]  # fmt: skip
    assert "folder.sync" not in made(state), "only at the first start"
