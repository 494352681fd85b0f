"""What is said of a strategy that raised."""

from __future__ import annotations

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
    frames = list(walk_tb(error.__traceback__))
    # By the module's name: a file may have been given by another path than its module knows.
    in_strategy = [at for at in frames if at[0].f_globals.get("__name__") == spec.strategy.__module__]
    places = [(frame.f_code.co_filename, line) for frame, line in in_strategy or frames]
    file, line = places[-1] if places else ("unknown", 0)
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
