"""Secrets: found in three places, shown in none."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.secret import Secret, check_secret_name, resolve_secret


def test_a_secret_shows_itself_in_no_text() -> None:
    secret = Secret("hunter2")
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}", "%s" % secret):  # noqa: UP031
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"


def test_the_environment_wins_over_the_file_and_the_file_over_the_credential(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text("from credential\n")
    (tmp_path / "key.txt").write_text("from file\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert resolve_secret("KEY", environ).reveal() == "from credential"
    environ["KEY_FILE"] = str(tmp_path / "key.txt")
    assert resolve_secret("KEY", environ).reveal() == "from file"
    environ["KEY"] = "from environment"
    found = resolve_secret("KEY", environ)
    assert (found.reveal(), found.origin) == ("from environment", "environment KEY")


def test_a_missing_secret_says_where_to_put_it() -> None:
    with pytest.raises(ConfigError, match="set the environment variable KEY, or KEY_FILE"):
        resolve_secret("KEY", {})


def test_an_empty_or_unreadable_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        resolve_secret("KEY", {"KEY_FILE": str(tmp_path / "empty")})
    with pytest.raises(ConfigError, match="no such file"):
        resolve_secret("KEY", {"KEY_FILE": str(tmp_path / "gone")})


def test_a_name_is_told_from_a_secret() -> None:
    check_secret_name("BINANCE_API_KEY")
    for text in ("x" * 64, "a/b", "../etc", "", "-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(ConfigError, match="name"):
            check_secret_name(text)
