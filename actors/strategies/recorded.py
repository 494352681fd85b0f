"""Strategies from the record: where their code is gone, changed or does not repeat itself, what they are
known to have sent takes the place of what they would send.

Everything behind the strategies then runs on exactly what it got before, so orders and books come out right
whatever became of the code. A handler hands over the recorded messages of its strategy that are next in the
step; what no handler was called for is carried on at the step's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actors.messages.base import Message
from actors.messages.control import OffLoopRequest, StrategyFailed
from actors.messages.orders import CancelRequest, OrderRequest, ReplaceRequest, Signal
from actors.model.ids import ClientOrderIds, base36
from actors.strategies.base import Strategy

if TYPE_CHECKING:
    from actors.core.sequencer import Sequencer
    from actors.strategies.runner import Runner

_HANDLERS = (
    "on_start", "on_bar", "on_quote", "on_trade", "on_book", "on_timer", "on_order", "on_fill",
    "on_trade_closed", "on_day_close", "on_result", "on_stop",
)  # fmt: skip
_FROM_STRATEGIES = (Signal, OrderRequest, CancelRequest, ReplaceRequest, OffLoopRequest, StrategyFailed)
_COUNTER_DIGITS = 7


class RecordedFailure(Exception):
    """Raised by a handler in the place of what its strategy raised when it was recorded."""

    def __init__(self, failed: StrategyFailed) -> None:
        super().__init__(failed.error)
        self.failed = failed


class RecordedIds(ClientOrderIds):
    """Order ids as the step that is run again drew them, whatever was drawn and never shown between them."""

    def __init__(self, recording: Recording, *, store_id: str, epoch: int) -> None:
        self._recording = recording
        super().__init__(store_id=store_id, epoch=epoch)

    def next(self) -> str:
        """The step's next new id; a fresh one where the record shows none."""
        state = self.snapshot()
        prefix = f"T{state.store_id}{base36(state.epoch, 4)}"
        for message in self._recording.rest():
            found = _id_of(message)
            if found.startswith(prefix) and (counter := _counter(found)) > state.counter:
                self.begin(state.epoch, counter)
                return found
        return super().next()

    def pass_by(self, client_order_id: str) -> None:
        """An id was drawn by a strategy."""
        state = self.snapshot()
        if client_order_id.startswith(f"T{state.store_id}{base36(state.epoch, 4)}"):
            self.begin(state.epoch, max(state.counter, _counter(client_order_id)))


class Recording:
    """The step being run again: what it is known to have sent, and how far that has come."""

    def __init__(self) -> None:
        self._messages: Sequence[Message] = ()
        self._sequencer: Sequencer | None = None

    def follow(self, sequencer: Sequencer) -> None:
        """Count along with what this sequencer sends, and give it its ids."""
        self._sequencer = sequencer
        state = sequencer.ids.snapshot()
        sequencer.ids = RecordedIds(self, store_id=state.store_id, epoch=state.epoch)
        sequencer.ids.restore(state)

    def begin(self, messages: Sequence[Message]) -> None:
        """The next step, which was recorded to send these."""
        self._messages = messages

    def rest(self) -> Sequence[Message]:
        """What of the record has not been sent again yet."""
        assert self._sequencer is not None, "follow() comes first"
        return self._messages[self._sequencer.sent_so_far() :]

    def give(self, runner: Runner) -> None:
        """Send what this strategy is recorded to send next.

        Raises:
            RecordedFailure: It is recorded to have raised.
        """
        given = False
        for message in self.rest():
            if not _is_from(message, runner):
                return
            if isinstance(message, StrategyFailed):
                if not given:
                    raise RecordedFailure(message)
                return
            runner.send(message)
            self._follow_up(message, runner)
            given = True

    def left_over(self) -> list[Message]:
        """Messages of strategies that stand next in the record though no handler was called for them."""
        found: list[Message] = []
        for message in self.rest():
            if not isinstance(message, _FROM_STRATEGIES):
                break
            self._pass_by(message)
            found.append(message)
        return found

    def _follow_up(self, message: Message, runner: Runner) -> None:
        self._pass_by(message)
        match message:
            case OrderRequest(terms=terms, children=children):
                for each in (terms, *children):
                    runner.orders.add(each, is_request=True)
            case CancelRequest(client_order_id=order_id):
                runner.orders.ask(order_id, "cancel")
            case ReplaceRequest(client_order_id=order_id, new_client_order_id=successor):
                runner.orders.ask(order_id, "replace", successor)
            case OffLoopRequest(request_id=request_id):
                runner.requests[request_id] = None
                runner.host.last_request_id = request_id

    def _pass_by(self, message: Message) -> None:
        assert self._sequencer is not None, "follow() comes first"
        ids = self._sequencer.ids
        if isinstance(ids, RecordedIds) and isinstance(message, OrderRequest | ReplaceRequest):
            ids.pass_by(_id_of(message))
            for child in getattr(message, "children", ()):
                ids.pass_by(child.client_order_id)


def recorded_strategy(base: type[Strategy], recording: Recording) -> type[Strategy]:
    """`base` with what it was recorded to do in the place of what its handlers do; keeps its `on_setup`."""

    def give(self: Strategy, *_: Any) -> None:
        recording.give(self.ctx._runner)  # it stands in for what knows its own context

    handlers: dict[str, Any] = dict.fromkeys(_HANDLERS, give)
    return type(f"Recorded{base.__name__}", (base,), {**handlers, "__module__": base.__module__})


class AbsentStrategy(Strategy):
    """Stands for code that is not there any more; any parameters will do."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__()


def _is_from(message: Message, runner: Runner) -> bool:
    match message:
        case (
            Signal(strategy=strategy) | OffLoopRequest(strategy=strategy) | StrategyFailed(strategy=strategy)
        ):
            return strategy == runner.spec.name
        case OrderRequest(terms=terms):
            return terms.strategy == runner.spec.name
        case CancelRequest(client_order_id=order_id) | ReplaceRequest(client_order_id=order_id):
            return runner.orders.get(order_id) is not None
    return False


def _id_of(message: Message) -> str:
    """The client order id that a message may be the first to show."""
    terms = getattr(message, "terms", None)
    found = getattr(terms if terms is not None else message, "client_order_id", None)
    new = getattr(message, "new_client_order_id", None)
    return str(new or found or "")


def _counter(client_order_id: str) -> int:
    return int(client_order_id[-_COUNTER_DIGITS:], 36)
