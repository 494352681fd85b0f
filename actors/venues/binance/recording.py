"""Raw recordings of the combined stream as market data: the feed's own channel, fed from a file.

One message a line: local receipt time in nanoseconds, a space, the JSON as received. A line without a stream
is the REST snapshot of the book. Receipt times count: the clocks of venue and recorder may differ.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from actors.errors import BadDataFile
from actors.messages.base import Message
from actors.messages.market import FeedStatus, MarketData
from actors.venues.binance.channel import Channel, FeedCounts
from actors.venues.binance.wire import DEPTH_SNAPSHOT, Frame

_FRAME = msgspec.json.Decoder(Frame)


class _Sink:
    """Takes what the channel makes of a line."""

    def __init__(self) -> None:
        self.messages: list[MarketData] = []

    def offer(self, message: Message) -> None:
        """Keep market data; what a feed says of its line has no meaning here."""
        if isinstance(message, MarketData) and not isinstance(message, FeedStatus):
            self.messages.append(message)


def read_recording(path: Path, instrument: str) -> Iterator[tuple[int, MarketData]]:
    """Receipt time and message, in order.

    Raises:
        BadDataFile: Not such a recording; names the line.
    """
    sink, received = _Sink(), 0

    def now() -> int:
        return received

    channel = Channel(
        instrument=instrument,
        intake=sink,
        clock=now,
        counts=FeedCounts(),
        on_book_wanted=lambda _: None,  # the file holds its snapshot
    )
    routes: dict[str, Callable[[msgspec.Raw], None]] = {
        "trade": channel.on_trade,
        "bookTicker": channel.on_quote,
        "depth": channel.on_depth,
    }
    for number, (received, text) in enumerate(_lines(path), 1):
        try:
            frame = _FRAME.decode(text)
            if frame.stream:
                route = routes.get(frame.stream.partition("@")[2].partition("@")[0])
                if route is not None:
                    route(frame.data)
            else:
                channel.on_snapshot(DEPTH_SNAPSHOT.decode(text))
        except msgspec.DecodeError as error:
            raise BadDataFile(f"{path}: line {number} is no stream message ({error}); remove it") from error
        for message in sink.messages:
            yield received, message
        sink.messages.clear()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                time, _, text = line.partition(b" ")
                if not time.isdigit():
                    raise BadDataFile(
                        f"{path}: line {number} does not begin with a receipt time in nanoseconds"
                    )
                yield int(time), text
    except OSError as error:
        raise BadDataFile(
            f"{path}: {error.strerror or error}; check the path in the configuration"
        ) from error
