"""Every struct that crosses a mailbox, by subject; `AnyMessage` is the union that a frame decodes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

from actors.messages import (
    account,
    approvals,
    assigning,
    clearing,
    control,
    corrections,
    margin,
    market,
    orders,
    venue,
)
from actors.messages.base import Message, Value

__all__ = [
    "MESSAGES",
    "Message",
    "Value",
    "account",
    "any_message",
    "approvals",
    "assigning",
    "clearing",
    "control",
    "corrections",
    "margin",
    "market",
    "orders",
    "venue",
]


def _concrete(base: type[Message]) -> Iterator[type[Message]]:
    for child in base.__subclasses__():
        grandchildren = child.__subclasses__()
        if grandchildren:
            yield from _concrete(child)
        else:
            yield child


MESSAGES: tuple[type[Message], ...] = tuple(sorted(_concrete(Message), key=lambda message: message.__name__))
"""All concrete messages, by name; the schema fingerprint and the decoder are made from it."""


def any_message() -> Any:
    """The tagged union of every message, for a decoder."""
    return Union[MESSAGES]  # noqa: UP007  (a tuple can only be spelled this way)
