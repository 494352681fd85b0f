"""The root of everything that crosses a mailbox."""

from __future__ import annotations

import msgspec


class Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag=True,
    array_like=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """A typed fact, wish or datum; immutable, and on disk an array headed by its class name.

    What never changes is in no cycle, so the garbage collector need not look at it.
    """

    ts_event: int
    """When it happened at its source, nanoseconds UTC."""


def account_of(message: Message) -> str | None:
    """The account that a message names itself or in its terms, scope, command or answer; None without one."""
    parts = (getattr(message, name, None) for name in ("terms", "scope", "command", "answer"))
    for part in (message, *parts):
        account = getattr(part, "account", None)
        if isinstance(account, str) and account:
            return account
    return None


class Value(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A part of messages and snapshots: immutable, without a tag of its own."""
