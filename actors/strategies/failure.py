"""What is said of a strategy that raised."""

from __future__ import annotations

import sys
from traceback import format_exception, walk_tb
from typing import TYPE_CHECKING

from actors.messages.control import StrategyFailed
from actors.strategies.recorded import RecordedFailure

if TYPE_CHECKING:
    from actors.strategies.spec import StrategySpec


def failure_of(spec: StrategySpec, handler: str, error: Exception, now: int) -> tuple[StrategyFailed, str]:
    """The event, and the whole traceback for the log.

    The place named is the last line of the strategy's own file that ran. It comes without the folder:
    where a strategy is installed is no part of what happened, and a replay elsewhere must say the same.
    """
    if isinstance(error, RecordedFailure):
        return error.failed, f"{error.failed.error} as recorded"
    own = getattr(sys.modules.get(spec.strategy.__module__), "__file__", None)
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    in_strategy = [place for place in frames if place[0] == own]
    file, line = (in_strategy or frames or [("unknown", 0)])[-1]
    failed = StrategyFailed(
        ts_event=now,
        account=spec.account,
        strategy=spec.name,
        handler=handler,
        error=type(error).__name__,
        file=file.replace("\\", "/").rpartition("/")[2],
        line=line,
    )
    return failed, "".join(format_exception(error))
