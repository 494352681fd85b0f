"""What trading depends on: no new exposure while it is out of order, and only it lifts that again."""

from __future__ import annotations

from actors.messages.account import AccountReconciled
from actors.messages.control import CommandDone, HealthReported, Resume, Scope, Started
from tests.risk.build import Rig, command


def test_a_clock_out_of_order_stops_new_exposure_until_it_is_right_again() -> None:
    rig = Rig().hold("1")
    rig.feed(HealthReported(ts_event=0, subject="clock", is_good=False, reason="off by 2 s"))
    assert (rig.verdict(), rig.verdict("sell", "1")) == ("STATE_REDUCE_ONLY", "approved")
    rig.feed(HealthReported(ts_event=0, subject="disk", is_good=False, reason="full"))
    rig.feed(HealthReported(ts_event=0, subject="clock", is_good=True, reason="right again"))
    assert rig.verdict() == "STATE_REDUCE_ONLY"
    rig.feed(HealthReported(ts_event=0, subject="disk", is_good=True, reason="room again"))
    assert rig.verdict() == "approved"


def test_a_resume_does_not_lift_what_the_process_lacks() -> None:
    rig = Rig()
    rig.feed(HealthReported(ts_event=0, subject="disk", is_good=False, reason="full"))
    assert not rig.only(CommandDone, command(Resume, Scope())).accepted
    assert rig.verdict() == "STATE_REDUCE_ONLY"


def test_a_new_process_life_reports_anew() -> None:
    rig = Rig()
    rig.feed(HealthReported(ts_event=0, subject="disk", is_good=False, reason="full"))
    rig.feed(Started(ts_event=0, epoch=2))
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "approved"
