"""Logging: one stream, one form, whoever logs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from actors.errors import UsageError
from daemon.logs import log_level, set_log_level, set_up_logging
from daemon.secret import Secret


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_structlog_and_the_standard_library_write_the_same_json() -> None:
    stream = io.StringIO()
    set_up_logging(format="auto", environ={}, stream=stream)
    structlog.get_logger("ours").info("order sent", account="paper")
    logging.getLogger("theirs").warning("slow %s", "reply", extra={"account": "paper"})
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["logger"], ours["account"]) == (
        "order sent", "info", "ours", "paper",
    )  # fmt: skip
    assert (theirs["event"], theirs["level"], theirs["logger"], theirs["account"]) == (
        "slow reply", "warning", "theirs", "paper",
    )  # fmt: skip
    assert str(ours["timestamp"]).endswith("Z")
    assert list(ours) == ["timestamp", "level", "event", "logger", "account"]


def test_an_error_carries_its_traceback_on_one_line() -> None:
    stream = io.StringIO()
    set_up_logging(format="json", environ={}, stream=stream)
    try:
        raise ValueError("why")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    [line] = lines(stream)
    assert "ValueError: why" in str(line["exception"])


def test_a_secret_never_reaches_the_log() -> None:
    forms: list[Literal["text", "json"]] = ["text", "json"]
    for form in forms:
        stream = io.StringIO()
        set_up_logging(format=form, environ={}, stream=stream)
        structlog.get_logger("ours").info("signing", key=Secret("hunter2"))
        logging.getLogger("theirs").error("key %s", Secret("hunter2"))
        assert "hunter2" not in stream.getvalue()
        assert stream.getvalue().count("***") == 2


def test_text_has_no_colours_off_a_terminal() -> None:
    stream = io.StringIO()
    set_up_logging(format="text", environ={}, stream=stream)
    structlog.get_logger("ours").info("order sent", account="paper")
    assert "order sent" in stream.getvalue()
    assert "account=paper" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_level_can_be_changed_while_running() -> None:
    stream = io.StringIO()
    set_up_logging(level="warning", format="json", environ={}, stream=stream)
    log = structlog.get_logger("ours")
    log.info("unseen")
    set_log_level("debug")
    log.debug("seen")
    assert [line["event"] for line in lines(stream)] == ["seen"]
    assert log_level() == "debug"
    with pytest.raises(UsageError, match="use one of debug, info, warning, error"):
        set_log_level("loud")
