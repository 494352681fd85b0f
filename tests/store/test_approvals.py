"""Approvals, limits and the kill file in the database: one row each, and every step of them in the audit."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.base import Message
from actors.messages.control import (
    KillFileSeen,
    LimitChanged,
    Scope,
    SetLimit,
)
from actors.store.database import broken_audit, database_path, open_database
from actors.store.projections import STATEMENTS, Projector

STEPS: list[tuple[Message, list[Message]]] = [
    (
        SetLimit(ts_event=0, scope=Scope(account="main"), command_id="c1", by="uid=0", limit="x", value="2"),
        [ApprovalAsked(ts_event=0, approval_id="a1", what="loosen x", asked_by="uid=0")],
    ),
    (
        KillFileSeen(ts_event=0, is_there=True),
        [ApprovalAsked(ts_event=0, approval_id="a2", what="clear", asked_by="uid=0")],
    ),
    (
        KillFileSeen(ts_event=0, is_there=False),
        [
            ApprovalSettled(ts_event=0, approval_id="a1", is_granted=True, by="uid=1", text="done"),
            LimitChanged(
                ts_event=0, scope=Scope(account="main"), limit="x", former="1", value="2", reason="approved"
            ),
            ApprovalSettled(ts_event=0, approval_id="a2", is_granted=False, by="uid=1", text="refused"),
        ],
    ),
]


def test_an_approval_is_one_row_and_its_whole_story_in_the_audit(tmp_path: Path) -> None:
    with closing(open_database(database_path(tmp_path))) as connection:
        for _ in range(2):  # the same steps may be applied again
            projector = Projector()
            connection.execute("DELETE FROM audit")
            for seq, (message, sent) in enumerate(STEPS, 1):
                for row in projector.rows(seq, seq * 10, message, sent):
                    connection.execute(STATEMENTS[row.statement], row.values)
        approvals = connection.execute("SELECT * FROM approvals").fetchall()
        audit = connection.execute("SELECT kind, by, text FROM audit ORDER BY seq, n").fetchall()
        assert broken_audit(connection) is None
    assert approvals == [
        ("a1", "loosen x", "approved", "uid=0", "uid=1", 10, 1),
        ("a2", "clear", "refused", "uid=0", "uid=1", 20, 2),
    ]
    assert audit == [
        ("SetLimit", "uid=0", "limit=x, value=2"),
        ("ApprovalAsked", "uid=0", "loosen x"),
        ("KillFileSeen", "file", "is there"),
        ("ApprovalAsked", "uid=0", "clear"),
        ("KillFileSeen", "file", "is gone"),
        ("ApprovalSettled", "uid=1", "approved: done"),
        ("LimitChanged", "core", "x is 2, was 1: approved"),
        ("ApprovalSettled", "uid=1", "refused: refused"),
    ]
