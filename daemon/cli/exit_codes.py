"""What the process says when it ends; scripts and systemd rely on these numbers."""

from __future__ import annotations

from enum import IntEnum

from actors.errors import (
    BadFrame,
    ConfigError,
    ReplayDiffers,
    StateLocked,
    TradingError,
    UsageError,
    VenueUnreachable,
)


class ExitCode(IntEnum):
    """Stable."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    DIFFERS = 3
    REFUSED = 4
    VENUE_UNREACHABLE = 5
    TIMED_OUT = 6
    STATE_UNUSABLE = 7
    """Locked, corrupt, or of another version."""
    WRONG_CONFIG = 78


_OF_ERROR: tuple[tuple[type[Exception], ExitCode], ...] = (
    (ConfigError, ExitCode.WRONG_CONFIG),
    (UsageError, ExitCode.WRONG_USAGE),
    (VenueUnreachable, ExitCode.VENUE_UNREACHABLE),
    (StateLocked, ExitCode.STATE_UNUSABLE),
    (BadFrame, ExitCode.STATE_UNUSABLE),
    (ReplayDiffers, ExitCode.DIFFERS),
    (TimeoutError, ExitCode.TIMED_OUT),
    (TradingError, ExitCode.FAILED),
)


def exit_code_of(error: Exception) -> ExitCode:
    """The code for an error; an error may carry its own as `exit_code`."""
    own = getattr(error, "exit_code", None)
    if own is not None:
        return ExitCode(own)
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), ExitCode.FAILED)
