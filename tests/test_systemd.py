"""The unit file, judged by systemd itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.__main__ import parser_of
from daemon.cli.exit_codes import ExitCode
from daemon.cli.verbs import VERBS

EXPOSURE_MAX = 15
"""Tenths: 1.5 of 10, which systemd calls OK; 1.2 is reached."""


@pytest.fixture(scope="module")
def unit(repo_root: Path) -> Path:
    return repo_root / "systemd" / "tickerd.service"


def settings(unit: Path) -> dict[str, list[str]]:
    """Every setting of [Service] with all its values."""
    found: dict[str, list[str]] = {}
    section = unit.read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    for line in section.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def analyze(*words: object) -> str:
    binary = shutil.which("systemd-analyze")
    if binary is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([binary, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def installed(unit: Path, folder: Path) -> Path:
    """The unit as it would be with tickerd's command present, which systemd wants to see."""
    copy = folder / unit.name
    copy.write_text(unit.read_text("utf-8").replace("/opt/tickerd/bin/tickerd", sys.executable))
    return copy


@pytest.mark.slow
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    assert analyze("verify", "--man=no", installed(unit, tmp_path)) == ""


@pytest.mark.slow
def test_the_unit_leaves_little_exposed(unit: Path, tmp_path: Path) -> None:
    text = analyze(
        "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", installed(unit, tmp_path)
    )
    assert "Overall exposure level" in text


def test_what_only_a_person_can_mend_is_not_restarted(unit: Path) -> None:
    found = settings(unit)
    assert found["Restart"] == ["on-failure"]
    codes = {int(code) for code in found["RestartPreventExitStatus"][0].split()}
    assert codes == {ExitCode.WRONG_CONFIG, ExitCode.WRONG_USAGE, ExitCode.REFUSED}


def test_it_is_watched_and_stopped_with_patience(unit: Path) -> None:
    found = settings(unit)
    assert found["Type"] == ["notify"]
    assert int(found["WatchdogSec"][0]) > 0
    assert int(found["TimeoutStopSec"][0]) >= 60


def test_its_address_families_are_those_the_daemon_uses(unit: Path) -> None:
    assert settings(unit)["RestrictAddressFamilies"] == ["AF_UNIX AF_INET AF_INET6"]


def test_its_command_is_one_we_understand(unit: Path) -> None:
    [command] = settings(unit)["ExecStart"]
    _, verb, *words = command.split()
    assert verb in VERBS
    parser, _ = parser_of(verb)
    args = parser.parse_args(words)
    assert args.state == f"/var/lib/{settings(unit)['StateDirectory'][0]}"


def test_secrets_come_as_credentials_and_not_in_the_environment(unit: Path) -> None:
    found = settings(unit)
    assert found["LoadCredential"] == ["BINANCE_API_KEY", "BINANCE_API_SECRET"]
    assert not {"Environment", "EnvironmentFile", "PassEnvironment"} & set(found)
