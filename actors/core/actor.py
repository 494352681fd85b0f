"""Core actors: plain objects with message handlers, and how their handlers become routes.

A handler is a method `on_<something>` that takes one message and returns nothing; the annotation of its
message is its subscription (a union subscribes to each member). It may `send`; what it sends is delivered
after it has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Union, get_args, get_origin, get_type_hints

import msgspec

from actors.messages.base import Message
from actors.messages.control import Timer

if TYPE_CHECKING:
    from actors.core.market import MarketBoard
    from actors.core.sequencer import Sequencer

Handler = Callable[[Any], None]


def of_sequencer(name: str, doc: str, actor: str = "") -> Any:
    """A figure of the sequencer, read without a call into Python: handlers ask for these all the time."""
    return property(attrgetter(f"{actor}_sequencer.{name}"), doc=doc)


class CoreActor:
    """Base of every actor of the core. Subclasses give `name`, handlers, `snapshot` and `restore`."""

    name: str
    state_type: ClassVar[Any]
    """The struct that `snapshot` returns and `restore` takes."""
    former_states: ClassVar[tuple[Any, ...]] = ()
    """What `state_type` was in the version before, if it was another; `upgrade` makes today's of it."""

    send: Callable[[Message], None]
    """Put a message into the mailboxes of its subscribers, once the running handler has returned."""
    cancel_timer: Callable[[int], bool]
    """Forget a timer; False when it has already run."""
    market: MarketBoard
    """Newest market state; read only."""
    _sequencer: Sequencer

    def bind(self, sequencer: Sequencer) -> None:
        """Called once by the sequencer before any message."""
        self._sequencer = sequencer
        self.send = sequencer.queue.append
        self.cancel_timer = sequencer.timers.cancel
        self.market = sequencer.market

    now: int = of_sequencer("now", "Time of the input (or timer) being worked on, nanoseconds UTC.")
    seq: int = of_sequencer("seq", "Number of the input being worked on.")

    def set_timer(self, due: int, message: Timer) -> int:
        """Have `message` handed back to this actor at `due`; returns the id that cancels it."""
        return self._sequencer.timers.set(due, self.name, message)

    def new_order_id(self) -> str:
        """A client order id that was never used before."""
        return self._sequencer.ids.next()

    def market_handlers(self, kind: type[Message], instrument: str) -> Sequence[Handler]:
        """Who gets market data of this kind and instrument; by default the one handler for the kind."""
        handler = subscriptions(type(self)).get(kind)
        return (getattr(self, handler),) if handler else ()

    def snapshot(self) -> Any:
        """The whole state as one struct of `state_type`."""
        raise TypeError(f"{type(self).__name__} has no snapshot")

    def restore(self, state: Any) -> None:
        """Take the state that `snapshot` gave."""
        raise TypeError(f"{type(self).__name__} has no restore")

    def upgrade(self, former: Any) -> Any:
        """Today's state from one of `former_states`."""
        raise TypeError(f"{type(self).__name__} has no upgrade from {type(former).__name__}")

    def decode_state(self, encoded: bytes | msgspec.Raw) -> Any:
        """A state as snapshots hold it, of this version or of the one before.

        Raises:
            ValidationError: It is of neither.
        """
        try:
            return msgspec.msgpack.decode(encoded, type=self.state_type)
        except msgspec.ValidationError:
            for kind in self.former_states:
                try:
                    return self.upgrade(msgspec.msgpack.decode(encoded, type=kind))
                except msgspec.ValidationError:
                    continue
            raise


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


_SUBSCRIPTIONS: dict[type[CoreActor], dict[type[Message], str]] = {}


def subscriptions(actor: type[CoreActor]) -> dict[type[Message], str]:
    """Message type → name of the handler that takes it, read once from the annotations.

    Raises:
        TypeError: A handler without a message annotation, or two handlers for one type.
    """
    known = _SUBSCRIPTIONS.get(actor)
    if known is not None:
        return known
    found: dict[type[Message], str] = {}
    for name in dir(actor):
        if not name.startswith("on_"):
            continue
        hints = get_type_hints(getattr(actor, name))
        hints.pop("return", None)
        kinds = _members(next(iter(hints.values()))) if len(hints) == 1 else ()
        if not kinds or not all(isinstance(kind, type) and issubclass(kind, Message) for kind in kinds):
            raise TypeError(f"{actor.__name__}.{name} must take exactly one annotated message")
        for kind in kinds:
            if kind in found:
                raise TypeError(
                    f"{actor.__name__} has two handlers for {kind.__name__}: {found[kind]}, {name}"
                )
            found[kind] = name
    return _SUBSCRIPTIONS.setdefault(actor, found)
