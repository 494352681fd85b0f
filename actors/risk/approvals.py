"""What raises risk waits here until a second command confirms it."""

from __future__ import annotations

import msgspec

from actors.messages.control import ClearHalt, Resume, SetLimit


class Pending(msgspec.Struct, frozen=True, array_like=True):
    """One thing that waits."""

    approval_id: str
    what: str
    asked_by: str
    asked_at: int
    command: ClearHalt | Resume | SetLimit | None = None
    """To be carried out once confirmed; None when another actor waits for the answer."""
    live_account: str | None = None
    """Account that waits for its first live orders."""


class ApprovalsState(msgspec.Struct, array_like=True):
    """Approvals as checkpoints keep them."""

    last: int = 0
    pending: list[Pending] = []
    live: list[str] = []


class Approvals:
    """Pending approvals in the order they were asked for, and what was allowed for good."""

    def __init__(self) -> None:
        self._last = 0
        self.pending: dict[str, Pending] = {}
        self.live: dict[str, None] = {}
        """Accounts, each with the venue's id, that may trade live."""

    def new_id(self) -> str:
        """Short enough to be typed."""
        self._last += 1
        return f"a{self._last}"

    def like(self, command: ClearHalt | Resume) -> Pending | None:
        """The approval that already waits for the same."""
        for each in self.pending.values():
            if type(each.command) is type(command) and each.command.scope == command.scope:
                return each
        return None

    def of_limit(self, command: SetLimit) -> Pending | None:
        """The approval that waits for another value of the same limit, or this one."""
        for each in self.pending.values():
            waiting = each.command
            if isinstance(waiting, SetLimit) and (waiting.scope, waiting.limit) == (
                command.scope,
                command.limit,
            ):
                return each
        return None

    def snapshot(self) -> ApprovalsState:
        """State for the checkpoint."""
        return ApprovalsState(self._last, list(self.pending.values()), list(self.live))

    def restore(self, state: ApprovalsState) -> None:
        """Take a checkpoint's state."""
        self._last = state.last
        self.pending = {each.approval_id: each for each in state.pending}
        self.live = dict.fromkeys(state.live)
