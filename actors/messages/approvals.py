"""What waits for a second command, from the question to its end."""

from __future__ import annotations

from actors.messages.base import Message


class ApprovalAsked(Message, frozen=True, kw_only=True):
    """Event: any core actor → risk, operator. Something that raises risk waits for a second command."""

    approval_id: str
    what: str
    """One sentence."""
    asked_by: str


class ApprovalWithdrawn(Message, frozen=True, kw_only=True):
    """Event: who asked → risk. What waits for a second command has settled itself."""

    approval_id: str
    why: str
    """One sentence."""


class ApprovalSettled(Message, frozen=True, kw_only=True):
    """Event: risk → whoever asked. The second command has come, or what was asked for is void."""

    approval_id: str
    is_granted: bool
    by: str
    text: str
