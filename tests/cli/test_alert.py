"""`tickerd alert` and its exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.cli.exit_codes import ExitCode
from tests.cli.conftest import Ran

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def write_config(folder: Path, *programs: tuple[str, str, str]) -> Path:
    """Channels (name, program, further settings)."""
    tables = []
    for name, source, more in programs:
        command = json.dumps([sys.executable, "-c", source, str(folder / name)])
        tables.append(f"[alerts.exec.{name}]\ncommand = {command}\n{more}")
    path = folder / "tickerd.toml"
    path.write_text("\n".join(tables))
    return path


@pytest.mark.slow
def test_every_channel_is_tried_and_one_that_fails_decides_the_exit_code(
    tickerd: Callable[..., Ran], tmp_path: Path
) -> None:
    config = write_config(
        tmp_path,
        ("good", APPEND, 'severity_min = "critical"\nquiet_hours = "00:00-23:59"\n'),
        ("bad", "raise SystemExit('no line')", ""),
    )
    ran = tickerd("alert", "test", "--config", config, "--json")
    assert ran.code == ExitCode.FAILED
    assert ran.json["channels"]["good"] is None
    assert "no line" in ran.json["channels"]["bad"]
    assert json.loads((tmp_path / "good").read_text())["kind"] == "test"
    ran = tickerd("alert", "test", "--config", config, "--channel", "good")
    assert (ran.code, ran.out) == (ExitCode.DONE, "good: delivered\n")


@pytest.mark.slow
def test_an_alert_of_ones_own_goes_where_its_severity_is_wanted(
    tickerd: Callable[..., Ran], tmp_path: Path
) -> None:
    config = write_config(
        tmp_path, ("all", APPEND, 'severity_min = "info"\n'), ("few", APPEND, 'severity_min = "critical"\n')
    )
    words = ("--kind", "unit_failed", "--subject", "tickerd.service", "--text", "it failed")
    ran = tickerd("alert", "send", "--severity", "warning", *words, "--config", config)
    assert ran.code == ExitCode.DONE
    told = json.loads((tmp_path / "all").read_text())
    assert (told["kind"], told["subject"], told["text"]) == ("unit_failed", "tickerd.service", "it failed")
    assert not (tmp_path / "few").exists()


def test_wrong_names_and_no_channels_are_one_sentence(tickerd: Callable[..., Ran], tmp_path: Path) -> None:
    config = write_config(tmp_path, ("siren", APPEND, ""))
    for code, words, why in (
        (ExitCode.WRONG_USAGE, ("test", "--channel", "sirn"), "did you mean 'siren'?"),
        (ExitCode.WRONG_USAGE, ("send", "--text", "x", "--kind", "unit_fail"), "did you mean 'unit_failed'?"),
    ):
        ran = tickerd("alert", *words, "--config", config)
        assert (ran.code, why in ran.err) == (code, True)
    ran = tickerd("alert", "test", "--config", write_config(tmp_path))
    assert (ran.code, "no alert channel is configured" in ran.err) == (ExitCode.WRONG_CONFIG, True)
