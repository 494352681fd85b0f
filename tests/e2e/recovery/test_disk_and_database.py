"""Disk and database out of order under a real daemon: a clear reason, nothing lost, on when it is over."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from actors.store.database import database_path
from tests.e2e.recovery.waiting import trades_on
from tests.e2e.rig import (
    ACCOUNT,
    DEEP,
    MAKER,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    exported,
    replayed,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow

SMALL = "tape.segment_mb=1"
OFTEN = "store.checkpoint_seconds=0.2"


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with an_exchange(tmp_path) as running:
        yield running


def a_config(folder: Path, exchange: Exchange) -> Path:
    return write_config(folder, exchange, ACCOUNT, MAKER, DEEP)


def limit_files(daemon: Daemon, size: int) -> None:
    """From now on no file of the process may grow beyond this."""
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def said(daemon: Daemon, *words: str) -> None:
    wait_for(lambda: all(word in daemon.log() for word in words), f"{words}; log: {daemon.log_file}")


def finish(state: Path, exchange: Exchange, daemon: Daemon, *, after_death: bool = False) -> None:
    """Trades on, stops, and everything agrees with the venue."""
    daemon.wait_reconciled()
    trades_on(daemon)
    assert daemon.stop() == 0, daemon.log()
    assert_books_equal_truth(exported(state), exchange.truth(), after_death=after_death)


def test_a_disk_that_fills_up_ends_the_process_and_the_next_waits_for_room(
    tmp_path: Path, exchange: Exchange
) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    with a_daemon(config, state, SMALL) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(2, "maker")
        limit_files(daemon, 150_000)  # reached within seconds
        assert daemon.wait_end() == 1
        assert "cannot write the tape" in daemon.log()
        assert "make room or repair the disk, then start again" in daemon.log()
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, {resource.RLIM_INFINITY}))"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(limit)
    with a_daemon(config, state, SMALL, PYTHONPATH=str(site)) as daemon:
        said(daemon, "waiting for the disk", "cannot take 1 MB of tape")
        assert daemon.process.poll() is None
        limit_files(daemon, resource.RLIM_INFINITY)
        finish(state, exchange, daemon, after_death=True)
    replayed(state, "--parts", "1-2")


def checkpoints(state: Path) -> int:
    """How many the database holds; 0 while there is none."""
    try:
        with closing(sqlite3.connect(f"{database_path(state).as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM checkpoints").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder on a mount that cannot be written."""
    folder.mkdir(parents=True)
    try:
        for command in (
            ["mount", "--bind", str(folder), str(folder)],
            ["mount", "-o", "remount,bind,ro", str(folder)],
        ):
            subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        subprocess.run(["umount", folder], check=False, capture_output=True)
        pytest.skip("mounts can be made by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)


def test_a_read_only_folder_is_waited_for(tmp_path: Path, exchange: Exchange) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    tape = state / "tape"
    with read_only(tape), a_daemon(config, state, SMALL) as daemon:
        said(daemon, "waiting for the disk", "Read-only file system")
        subprocess.run(["mount", "-o", "remount,bind,rw", tape], check=True)
        finish(state, exchange, daemon)


def test_a_locked_database_holds_new_exposure_when_the_checkpoint_gets_old_and_lets_go_again(
    tmp_path: Path, exchange: Exchange
) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    with a_daemon(config, state, OFTEN) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        with closing(sqlite3.connect(database_path(state), isolation_level=None, timeout=10)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            wait_for(
                lambda: daemon.states().get("demo") == "reduce_only", f"reduce_only; log: {daemon.log_file}"
            )
            said(daemon, "locked by another program", "a checkpoint has waited")
            holder.execute("ROLLBACK")
        wait_for(lambda: daemon.states().get("demo") == "active", f"active; log: {daemon.log_file}")
        finish(state, exchange, daemon)


def test_a_daemon_starts_from_the_tape_alone_while_the_database_is_locked(
    tmp_path: Path, exchange: Exchange
) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    with a_daemon(config, state, OFTEN) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        daemon.kill()
    with closing(sqlite3.connect(database_path(state), isolation_level=None, timeout=10)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE meta SET value = value")
        with a_daemon(config, state, OFTEN) as daemon:
            daemon.wait_reconciled()
            said(daemon, "takes its state from the tape alone")
            holder.execute("ROLLBACK")
            holder.close()
            finish(state, exchange, daemon, after_death=True)
    replayed(state, "--parts", "1-2")


def test_a_database_deleted_while_running_is_built_again(tmp_path: Path, exchange: Exchange) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    with a_daemon(config, state, OFTEN) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        for suffix in ("", "-wal", "-shm"):
            database_path(state).with_name(f"tickerd.db{suffix}").unlink(missing_ok=True)
        said(daemon, "was deleted or replaced")
        wait_for(lambda: checkpoints(state), "checkpoints in a new database")
        finish(state, exchange, daemon)


def test_a_corrupt_database_is_kept_aside_at_the_next_start(tmp_path: Path, exchange: Exchange) -> None:
    config, state = a_config(tmp_path, exchange), tmp_path / "state"
    with a_daemon(config, state, OFTEN) as daemon:
        daemon.wait_reconciled()
        daemon.wait_fills(1, "maker")
        daemon.kill()
    database_path(state).write_bytes(b"no database at all" * 1000)
    with a_daemon(config, state, OFTEN) as daemon:
        said(daemon, "kept as tickerd.db.damaged-1")
        finish(state, exchange, daemon, after_death=True)
