"""The core alone: dispatch, and dispatch with frames."""

from __future__ import annotations

from collections.abc import Iterator

from actors.core.actor import CoreActor
from actors.core.frames import FrameWriter
from actors.core.sequencer import Sequencer
from actors.messages.market import Quote
from actors.model.ids import ClientOrderIds
from tests.benchmarks.harness import Effort, Row, median_seconds, quotes


class Idle(CoreActor):
    """An actor that does nothing with a quote."""

    name = "idle"

    def on_quote(self, quote: Quote) -> None:
        """Nothing."""


def a_sequencer() -> Sequencer:
    return Sequencer(actors=[Idle()], ids=ClientOrderIds(store_id="0000", epoch=1))


def rows(effort: Effort) -> Iterator[Row]:
    """Dispatch rates."""
    count = effort.of(500_000)
    data = quotes(count)

    def dispatch() -> None:
        run = a_sequencer().run
        for quote in data:
            run(quote, quote.ts_event)

    def dispatch_and_frame() -> None:
        sequencer, writer = a_sequencer(), FrameWriter()
        run, record = sequencer.run, writer.record
        for quote in data:
            run(quote, quote.ts_event)
            record(sequencer.seq, sequencer.now, quote, sequencer.sent)
            if len(writer.buffer) > 65_536:
                writer.buffer.clear()

    yield Row(
        what="bare dispatch of a quote to one handler", value=count / median_seconds(dispatch), unit="/s"
    )
    yield Row(
        what="the same, encoded into frames with checksum and chain",
        value=count / median_seconds(dispatch_and_frame),
        unit="/s",
        detail="no file",
    )
