"""Logging: structlog and the standard library in one stream on stderr, as text or as JSON."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from actors.errors import UsageError

LEVELS = ("debug", "info", "warning", "error")
# Chatty at their own `info`; ours decides what an operator reads.
_QUIETER = {"aiohttp.access": logging.WARNING, "websockets": logging.WARNING, "asyncio": logging.WARNING}


def set_up_logging(
    *,
    level: str = "info",
    format: Literal["auto", "text", "json"] = "auto",
    environ: Mapping[str, str],
    stream: TextIO | None = None,
) -> None:
    """Send everything that is logged to `stream` (stderr), replacing what was set up before.

    Args:
        format: `auto` is text on a terminal, JSON elsewhere.
    """
    out = sys.stderr if stream is None else stream
    as_text = format == "text" or (format == "auto" and out.isatty())
    colours = as_text and out.isatty() and not environ.get("NO_COLOR")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_text:
        last.append(
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
        )
    else:
        last += [structlog.processors.format_exc_info, _ordered, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last, logger=None)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    for name, quieter in _QUIETER.items():
        logging.getLogger(name).setLevel(quieter)
    set_log_level(level)


def _ordered(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """When, how bad, what and where first; then what was added, as it was given."""
    first = {key: line.pop(key) for key in ("timestamp", "level", "event", "logger") if key in line}
    return first | dict(line)


def set_log_level(level: str) -> None:
    """Change the level while running.

    Raises:
        UsageError: No such level.
    """
    if level not in LEVELS:
        raise UsageError(f"there is no log level {level!r}: use one of {', '.join(LEVELS)}")
    logging.getLogger().setLevel(level.upper())


def log_level() -> str:
    """The level in force."""
    return logging.getLevelName(logging.getLogger().level).lower()
