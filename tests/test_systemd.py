"""The unit files, judged by systemd itself."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.__main__ import parser_of
from daemon.alert_settings import KINDS
from daemon.cli.exit_codes import ExitCode
from daemon.cli.verbs import VERBS

EXPOSURE_MAX = 15
"""Tenths: 1.5 of 10, which systemd calls OK; 1.2 is reached."""


@pytest.fixture(scope="module")
def unit(repo_root: Path) -> Path:
    return repo_root / "systemd" / "tickerd.service"


UNITS = ("tickerd.service", "tickerd-deadman.service", "tickerd-failed@.service")


@pytest.fixture(params=UNITS)
def each_unit(repo_root: Path, request: pytest.FixtureRequest) -> Path:
    return repo_root / "systemd" / str(request.param)


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
    """The units as they would be with tickerd's command present, which systemd wants to see."""
    for file in unit.parent.glob("*.service"):
        text = file.read_text("utf-8").replace("/opt/tickerd/bin/tickerd", sys.executable)
        (folder / file.name).write_text(text)
    return folder / unit.name.replace("@", "@tickerd.service")


@pytest.mark.slow
def test_systemd_understands_every_line(each_unit: Path, tmp_path: Path) -> None:
    assert analyze("verify", "--man=no", installed(each_unit, tmp_path)) == ""


@pytest.mark.slow
def test_a_unit_leaves_little_exposed(each_unit: Path, tmp_path: Path) -> None:
    copy = installed(each_unit, tmp_path)
    text = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", copy)
    assert "Overall exposure level" in text


@pytest.mark.parametrize(
    ("name", "restart"), [("tickerd.service", "on-failure"), ("tickerd-deadman.service", "always")]
)
def test_what_only_a_person_can_mend_is_not_restarted(repo_root: Path, name: str, restart: str) -> None:
    found = settings(repo_root / "systemd" / name)
    assert found["Restart"] == [restart]
    codes = {int(code) for code in found["RestartPreventExitStatus"][0].split()}
    assert codes == {ExitCode.WRONG_CONFIG, ExitCode.WRONG_USAGE, ExitCode.REFUSED}


def test_it_is_watched_and_stopped_with_patience(unit: Path) -> None:
    found = settings(unit)
    assert found["Type"] == ["notify"]
    assert int(found["WatchdogSec"][0]) > 0
    assert int(found["TimeoutStopSec"][0]) >= 60


def test_its_address_families_are_those_the_daemon_uses(each_unit: Path) -> None:
    assert settings(each_unit)["RestrictAddressFamilies"] == ["AF_UNIX AF_INET AF_INET6"]


def test_its_command_is_one_we_understand(each_unit: Path) -> None:
    found = settings(each_unit)
    [command] = found["ExecStart"]
    _, verb, *words = shlex.split(command)
    assert verb in VERBS
    parser, _ = parser_of(verb)
    args = parser.parse_args(words)
    assert str(args.config) == "/etc/tickerd/tickerd.toml"
    if "StateDirectory" in found:
        assert args.state == f"/var/lib/{found['StateDirectory'][0]}"


def test_a_failure_is_told_by_a_unit_that_is_there(repo_root: Path) -> None:
    for name in UNITS[:2]:
        text = (repo_root / "systemd" / name).read_text("utf-8")
        assert "\nOnFailure=tickerd-failed@%n.service\n" in text
    [command] = settings(repo_root / "systemd" / UNITS[2])["ExecStart"]
    parser, _ = parser_of("alert")
    args = parser.parse_args(shlex.split(command)[2:])
    assert (args.action, args.severity, args.kind in KINDS) == ("send", "critical", True)


def test_the_dead_man_may_signal_the_daemon_because_it_is_the_same_user(repo_root: Path) -> None:
    for setting in ("User", "DynamicUser", "StateDirectory", "PrivateUsers"):
        assert len({tuple(settings(repo_root / "systemd" / name)[setting]) for name in UNITS[:2]}) == 1


def test_secrets_come_as_credentials_and_not_in_the_environment(each_unit: Path) -> None:
    found = settings(each_unit)
    alerts = ["ALERT_WEBHOOK_URL", "ALERT_SMTP_PASSWORD"]
    venue = [] if each_unit.name == UNITS[2] else ["BINANCE_API_KEY", "BINANCE_API_SECRET"]
    assert found["LoadCredential"] == venue + alerts
    assert not {"Environment", "EnvironmentFile", "PassEnvironment"} & set(found)
