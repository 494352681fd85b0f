"""Off-loop work in a backtest: done at once, and answered after the latency that the configuration declares.

Reads   OffLoopRequest   from strategies
        StrategyTimer    its own: an answer is known
Writes  OffLoopResult    to strategies
State   answers under way
Fails   what the function raises is its answer
"""

from __future__ import annotations

from actors.core.actor import CoreActor
from actors.messages.control import OffLoopRequest, OffLoopResult, StrategyTimer
from daemon.off_loop import call
from daemon.research.audit import outside_allowed


class InlineWork(CoreActor):
    """Runs what live runs in a process of its own."""

    name = "off_loop"

    def __init__(self, *, latency_ns: int) -> None:
        self._latency_ns = latency_ns
        self._answers: dict[str, OffLoopResult] = {}

    def on_request(self, request: OffLoopRequest) -> None:
        """Do it now; the answer is known later."""
        value: bytes | None = None
        error: str | None = None
        try:
            with outside_allowed():
                value = call(request.function, request.arguments)
        except Exception as failure:  # whatever the user's function raises is its answer
            error = type(failure).__name__
        due = self.now + self._latency_ns
        key = str(request.request_id)
        self._answers[key] = OffLoopResult(
            ts_event=due,
            request_id=request.request_id,
            strategy=request.strategy,
            value=value,
            error=error,
        )
        self.set_timer(due, StrategyTimer(ts_event=due, strategy=request.strategy, key=key, every_ns=0))

    def on_due(self, due: StrategyTimer) -> None:
        """Hand the answer over."""
        self.send(self._answers.pop(due.key))
