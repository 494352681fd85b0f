"""The command line as a whole: verbs, their help, errors and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.errors import (
    BadFrame,
    ConfigError,
    ReplayDiffers,
    StateLocked,
    StoreError,
    TapeError,
    UsageError,
    VenueUnreachable,
)
from daemon.__main__ import main, overview, parser_of
from daemon.cli.completion import words_by_verb
from daemon.cli.exit_codes import exit_code_of
from daemon.cli.verbs import ALIASES, VERBS

# What `--help` must not wait for: each of these takes longer to import than all of ours.
HEAVY = {
    "aiohttp",
    "asyncio",
    "structlog",
    "polars",
    "prometheus_client",
    "msgspec",
    "websockets",
    "yaml",
    "rich",
}


def tickerd(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_shows_an_example_of_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"tickerd {verb}" in shown.partition("example:")[2]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_takes_its_example(verb: str) -> None:
    parser, module = parser_of(verb)
    words = str(getattr(module, "EXAMPLE")).partition(f"tickerd {verb} ")[2]  # noqa: B009
    parser.parse_args(words.partition(" && ")[0].rstrip(")").split())


@pytest.mark.slow
def test_help_of_no_verb_waits_for_a_heavy_import(tmp_path: Path) -> None:
    script = f"""
import sys
from daemon.__main__ import parser_of
for verb in {sorted(VERBS)}:
    parser_of(verb)[0].format_help()
    found = {HEAVY!r} & set(sys.modules)
    assert not found, (verb, found)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_overview_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == overview() + "\n"
    for verb, (_, text) in VERBS.items():
        assert verb in overview()
        assert text in overview()


def test_without_a_verb_the_overview_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: tickerd VERB" in capsys.readouterr().out


def test_a_misspelt_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chekc"]) == 2
    assert capsys.readouterr().err == "tickerd: there is no verb 'chekc': did you mean `tickerd check`?\n"


def test_an_alias_is_its_verb() -> None:
    assert set(ALIASES.values()) <= set(VERBS)
    assert not set(ALIASES) & set(VERBS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 78),
        (UsageError("x"), 2),
        (VenueUnreachable("x"), 5),
        (StateLocked("x"), 7),
        (BadFrame("a", 1, None, "x"), 7),
        (TapeError("x"), 1),
        (StoreError("x"), 1),
        (ReplayDiffers("x"), 3),
        (TimeoutError("x"), 6),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


@pytest.mark.slow
def test_a_real_process_keeps_to_the_conventions(tmp_path: Path) -> None:
    ran = tickerd("check", "--json", cwd=tmp_path)
    assert (ran.returncode, ran.stdout.count("\n")) == (78, 1)
    assert ran.stderr.startswith("tickerd check: there is no tickerd.toml here")
    assert tickerd("--version", cwd=tmp_path).stdout.startswith("tickerd 0.")


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m daemon init "{tmp_path}/bot" --json | true'],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb_and_its_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*VERBS, *ALIASES, "--offline", "clear-halt", "--keep-orders"):
        assert word in script, word
    assert "--config" in words_by_verb()["check"]


@pytest.mark.slow
def test_the_bash_script_completes(tmp_path: Path) -> None:
    script = """
set -euo pipefail
source <("$0" -m daemon completion bash)
COMP_WORDS=(tickerd ctl fl) COMP_CWORD=2
_tickerd
echo "${COMPREPLY[@]}"
COMP_WORDS=(tickerd doc) COMP_CWORD=1
_tickerd
echo "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["bash", "-c", script, sys.executable], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout == "flatten\ndoctor\n", done.stderr
