"""What can go wrong, as one tree.

TradingError
├── ConfigError            configuration wrong or unknown key: refuse to start (exit 78)
├── UsageError             wrong use of a command (exit 2)
├── VenueUnreachable       link down: reconnect with capped, jittered back-off; orders stay in flight
├── OutcomeUnknown         sent, no answer: ask the venue, never send again
├── BadMarketData          NaN, crossed book, time going back: drop, count, mark the instrument stale
├── BadDataFile            a data file that cannot be read as what it is said to be
├── InvalidSeries          numbers that no figure can be made of: not finite, out of order, of unequal length
├── TapeError              the tape cannot be written or read: send nothing more (exit 1 or 7)
│   └── BadFrame           a frame behind the durable mark is damaged; names segment, offset and seq
├── StoreError             the database cannot be written: alarm, retry
├── StateLocked            another process holds the state folder (exit 7)
├── ReplayDiffers          a replay did not repeat its record; names the first place (exit 3)
└── InvariantBroken        our state can no longer be trusted: nothing of that step is sent
"""

from __future__ import annotations


class TradingError(Exception):
    """Root of all expected failures; its text is one sentence that names the next step."""


class ConfigError(TradingError):
    """Configuration wrong or unknown key."""


class UsageError(TradingError):
    """Wrong use of a command or of the Strategy API."""


class VenueUnreachable(TradingError):
    """The link to a venue is down."""


class OutcomeUnknown(TradingError):
    """A command was sent and no certain answer came."""


class BadMarketData(TradingError):
    """Market data that cannot be true."""


class BadDataFile(TradingError):
    """A data file that cannot be read as what it is said to be."""


class InvalidSeries(TradingError):
    """Numbers that no figure can be made of: not finite, out of order, of unequal length."""


class TapeError(TradingError):
    """The tape cannot be written or read."""


class BadFrame(TapeError):
    """A frame behind the durable mark is damaged."""

    def __init__(self, segment: str, offset: int, seq: int | None, why: str) -> None:
        place = f"segment {segment}, offset {offset}" + (f", after seq {seq}" if seq is not None else "")
        super().__init__(f"bad frame at {place}: {why}")
        self.segment, self.offset, self.seq, self.why = segment, offset, seq, why

    def __reduce__(self) -> tuple[type[BadFrame], tuple[str, int, int | None, str]]:
        return type(self), (self.segment, self.offset, self.seq, self.why)


class StoreError(TradingError):
    """The database cannot be written."""


class StateLocked(TradingError):
    """Another process holds the state folder."""


class ReplayDiffers(TradingError):
    """A replay did not repeat its record."""


class InvariantBroken(TradingError):
    """Our state can no longer be trusted."""
