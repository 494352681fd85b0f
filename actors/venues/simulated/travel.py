"""How long an account's commands are under way to the venue, and its answers back."""

from __future__ import annotations

from actors.messages.base import Message
from actors.messages.orders import CancelOrder
from actors.venues.simulated.delays import Chances, Delay
from actors.venues.simulated.settings import SimulatedVenueSettings

_NS_PER_MS = 1_000_000


class Travel:
    """The ways of one account; answers never overtake each other, commands of different orders may."""

    __slots__ = (
        "_back", "_back_ns", "_cancel", "_chances", "_constant_ns", "_data", "_out_ns", "_submit",
        "answers_at_once", "last_answer",
    )  # fmt: skip

    def __init__(self, account: str, settings: SimulatedVenueSettings) -> None:
        self._out_ns = round(settings.latency_ms * _NS_PER_MS)
        self._back_ns = round(settings.report_latency_ms * _NS_PER_MS)
        self._submit, self._cancel = settings.submit_delay, settings.cancel_delay
        self._data, self._back = settings.market_data_delay, settings.report_delay
        self._chances = Chances(settings.seed, account)
        delays = (self._submit, self._cancel, self._data)
        self._constant_ns: int | None = None
        """Of every command, where they all take the same time."""
        if all(delay == Delay() for delay in delays):
            self._constant_ns = self._out_ns
        self.answers_at_once = not self._back_ns and self._back == Delay()
        self.last_answer = 0
        """When the newest answer under way arrives."""

    def out_ns(self, command: Message) -> int:
        """From the decision to the venue; old market data make it longer, as the venue has gone on since."""
        if self._constant_ns is not None:
            return self._constant_ns
        own = self._cancel if isinstance(command, CancelOrder) else self._submit
        return self._out_ns + self._draw(own) + self._draw(self._data)

    def answer_due(self, now: int) -> int:
        """When an answer given now arrives."""
        self.last_answer = max(now + self._back_ns + self._draw(self._back), self.last_answer)
        return self.last_answer

    def _draw(self, delay: Delay) -> int:
        return delay.at(0.5 if delay.is_constant else self._chances.next())

    @property
    def drawn(self) -> int:
        """How many chances have been drawn."""
        return self._chances.drawn

    def restore(self, drawn: int, last_answer: int) -> None:
        """Take a checkpoint's state."""
        self._chances.drawn, self.last_answer = drawn, last_answer
