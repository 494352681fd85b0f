"""What `tickerd doctor` looks at. Each check finds one fact and says what to do about it."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from actors.errors import ConfigError, TradingError
from actors.store.folder import LOCK
from daemon.cli.check import secrets_of, strategy_errors
from daemon.cli.common import load
from daemon.config import Config, VenueSection
from daemon.control_client import NoDaemon, call

PING_SECONDS = 5.0
CLOCK_OFFSET_MAX_SECONDS = 0.5
OPEN_FILES_MIN = 1024
_TIME_ERROR = 5


class Finding(NamedTuple):
    """One fact."""

    subject: str
    result: Literal["ok", "warn", "fail"]
    text: str


def examine(args: Namespace) -> list[Finding]:
    """Every finding; what needs the configuration is left out when it is wrong."""
    findings = [python_version(), packages(), open_files(), clock_synchronised()]
    try:
        loaded = load(args, needs_file=False)
    except ConfigError as error:
        return [*findings, Finding("configuration", "fail", str(error))]
    if loaded.path is None:
        text = "there is no tickerd.toml here: give --config FILE, or write one with `tickerd init`"
        findings.append(Finding("configuration", "warn", text))
    else:
        findings.append(Finding("configuration", "ok", str(loaded.path)))
    return findings + list(_about(loaded.config, offline=args.offline))


def _about(config: Config, *, offline: bool) -> Iterator[Finding]:
    for secret in secrets_of(config):
        found = Finding(f"secret {secret.name}", "ok", secret.origin or "missing, and not needed for paper")
        yield Finding(found.subject, "fail", secret.problem) if secret.problem else found
    for error in strategy_errors(config):
        yield Finding("strategies", "fail", error)
    state = Path(config.daemon.state)
    yield state_writable(state)
    yield disk_space(state, config.tape.disk_free_min_gb)
    is_running = running_daemon(state)
    yield is_running
    if config.http.port > 0 and not is_running.text.startswith("a daemon"):
        yield port_free(config.http.host, config.http.port)
    for name, venue in config.venues.items():
        if not offline and venue.kind == "binance":
            yield venue_answers(name, venue)
        elif not offline and venue.kind == "ib" and not is_running.text.startswith("a daemon"):
            from daemon.cli.doctor_ib import tws_answers

            yield from tws_answers(name, config)


def python_version() -> Finding:
    text = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} ({sys.executable})"
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(
            "python", "fail", f"{text}: tickerd runs on 3.11 to 3.13, make its environment with one"
        )
    return Finding("python", "ok", text)


def packages() -> Finding:
    """Whether everything tickerd says it needs is installed."""
    try:
        needed = metadata.requires("tickerd") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", "fail", "tickerd is not installed here: run `pip install .` in its folder")
    names = [re.split(r"[^A-Za-z0-9_.-]", line)[0] for line in needed if "extra ==" not in line]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return Finding("packages", "fail", f"missing: {', '.join(missing)}; install them into {sys.prefix}")
    return Finding("packages", "ok", f"all {len(names)} installed")


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES_MIN:
        return Finding("open files", "warn", f"at most {soft}: raise it with `ulimit -n` or LimitNOFILE=")
    return Finding("open files", "ok", f"at most {soft}")


def clock_synchronised() -> Finding:
    """What the kernel says about its clock; signed requests with a wrong time are refused by venues."""
    timex = (ctypes.c_long * 64)()  # larger than struct timex; modes = 0 only reads
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    if state < 0:
        return Finding(
            "clock", "warn", f"the kernel does not tell ({os.strerror(ctypes.get_errno()).lower()})"
        )
    if state == _TIME_ERROR:
        return Finding(
            "clock", "warn", "not synchronised: start a time service such as chrony or systemd-timesyncd"
        )
    return Finding("clock", "ok", "synchronised")


def state_writable(state: Path) -> Finding:
    """Whether files can be made there, without leaving one."""
    folder = state
    while not folder.exists():
        folder = folder.absolute().parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = (error.strerror or "it fails").lower()
        text = f"{folder} cannot be written ({why}): change its owner, or name another folder with --state"
        return Finding("state folder", "fail", text)
    return Finding("state folder", "ok", f"{state}{'' if state.exists() else ' (will be made)'}")


def disk_space(state: Path, free_min_gb: float) -> Finding:
    folder = state
    while not folder.exists():
        folder = folder.absolute().parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    text = f"{free_gb:.1f} GB free"
    if free_gb < free_min_gb:
        return Finding("disk space", "fail", f"{text}, new orders need {free_min_gb:g} GB: free some space")
    if free_gb < 5 * free_min_gb:
        return Finding(
            "disk space", "warn", f"{text}, new orders stop at {free_min_gb:g} GB: free some space"
        )
    return Finding("disk space", "ok", text)


def running_daemon(state: Path) -> Finding:
    try:
        call(state, "status", {}, timeout_seconds=2.0)
    except NoDaemon as error:
        if is_held(state):
            return Finding("daemon", "fail", f"a process holds the state folder's lock, but {error}")
        return Finding("daemon", "ok", "none runs on this state folder")
    except (TradingError, TimeoutError) as error:
        return Finding("daemon", "fail", f"one holds the control socket and does not answer: {error}")
    return Finding("daemon", "ok", "a daemon runs on this state folder")


def is_held(state: Path) -> bool:
    """Whether a process holds the lock; only looks, since taking it could stop a daemon from starting."""
    try:
        inode = (state / LOCK).stat().st_ino
        locks = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return False
    return any(" FLOCK " in line and line.split()[-3].rpartition(":")[2] == str(inode) for line in locks)


def port_free(host: str, port: int) -> Finding:
    subject = f"port {host}:{port}"
    try:
        with socket.create_server((host, port)):
            return Finding(subject, "ok", "free")
    except OSError as error:
        why = "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error)).lower()
        return Finding(subject, "fail", f"{why}: set http.port to a free one, 0 for any, or -1 for none")


def venue_answers(name: str, venue: VenueSection) -> Finding:
    """Ask the venue for its time: shows that it is there, how far away, and how wrong our clock is."""
    subject, url = f"venue {name}", f"{venue.rest_url.rstrip('/')}/api/v3/time"
    began, began_ms = time.monotonic(), time.time() * 1000
    try:
        with urllib.request.urlopen(url, timeout=PING_SECONDS) as answer:
            venue_ms = float(msgspec.json.decode(answer.read())["serverTime"])
    except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError, urllib.error.URLError) as error:
        why = getattr(error, "reason", error)
        return Finding(subject, "fail", f"{url} gives no time ({why}): check rest_url and the network")
    took_ms = (time.monotonic() - began) * 1000
    offset_ms = venue_ms - (began_ms + took_ms / 2)
    text = f"answers in {took_ms:.0f} ms, its clock minus ours is {offset_ms:+.0f} ms"
    if abs(offset_ms) > CLOCK_OFFSET_MAX_SECONDS * 1000:
        return Finding(subject, "warn", f"{text}: set this machine's clock")
    return Finding(subject, "ok", text)
