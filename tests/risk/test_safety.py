"""Kill switch, approvals, stored limits: what only an operator undoes, and only with a second word."""

from __future__ import annotations

import msgspec
import pytest

from actors.core.sequencer import CoreSnapshot
from actors.errors import InvariantBroken
from actors.messages.account import AccountReconciled, DifferenceFound
from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.base import Message
from actors.messages.control import (
    Approve,
    ClearHalt,
    CommandDone,
    Halt,
    KillFileSeen,
    LimitChanged,
    Pause,
    ReduceOnly,
    Resume,
    Scope,
    SetLimit,
    Started,
    StateChanged,
    Stop,
)
from actors.risk.limits import RiskLimits, StrategyLimits
from actors.risk.stored_limits import BadLimit, LimitBook, is_looser, texts_of, value_of
from tests.risk.build import BTC, D, Rig, command, limits

ENCODE = msgspec.msgpack.Encoder().encode
MAIN = Scope(account="main")
S = Scope(account="main", strategy="s")


def states(messages: list[Message]) -> list[tuple[str, str]]:
    return [(str(m.scope), m.state) for m in messages if isinstance(m, StateChanged)]


def test_a_stop_that_the_oms_refused_stops_nothing() -> None:
    rig = Rig()
    stop = command(Stop, cancel_orders=True)
    rig.feed(stop)
    assert rig.verdict() == "STATE_STARTING"
    rig.feed(CommandDone(ts_event=0, command_id="another", accepted=False, text="no"))
    assert rig.verdict() == "STATE_STARTING"
    sent = rig.feed(CommandDone(ts_event=0, command_id=stop.command_id, accepted=False, text="no"))
    assert states(sent) == [("all", "active")]
    assert rig.verdict() == "approved"


def test_every_state_is_told_again_to_a_new_process_life() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="loss"), command(Pause, Scope(account="main", strategy="s")))
    assert states(rig.feed(Started(ts_event=0, epoch=2))) == [
        ("all", "halted"),
        ("account=main", "halted"),
        ("account=second", "halted"),
        ("account=main strategy=s", "halted"),
    ]


def test_a_pause_under_a_halt_is_shown_as_halted_and_appears_when_that_is_cleared() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="loss"))
    done = rig.only(CommandDone, command(Pause, MAIN))
    assert done.text == "account=main is paused; it is halted now: halted by uid=1000: loss"
    assert states(rig.clear()) == [("all", "active"), ("account=main", "paused")]


def test_an_account_in_use_says_what_its_new_books_wait_for() -> None:
    rig = Rig(is_active=False)
    found = DifferenceFound(
        ts_event=0, account="main", kind="opening", subject="main", ours="", venue="order T"
    )
    rig.feed(Started(ts_event=0, epoch=1), found)
    state, reason = rig.risk.state_of(MAIN)
    assert (state, "tickerd ctl reconcile show" in reason) == ("reconciling", True)
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.risk.state_of(MAIN)[0] == "active"


# kill switch


def the_file(is_there: bool = True) -> KillFileSeen:
    return KillFileSeen(ts_event=0, is_there=is_there)


def test_the_kill_file_halts_everything_and_its_going_clears_nothing() -> None:
    rig = Rig()
    sent = rig.feed(the_file())
    assert states(sent) == [("all", "halted")]
    rig.feed(the_file(False))
    assert rig.verdict() == "STATE_HALTED"
    rig.clear()
    assert rig.verdict() == "approved"


@pytest.mark.parametrize("scope", [Scope(), MAIN])
def test_no_halt_is_cleared_while_the_kill_file_is_there(scope: Scope) -> None:
    rig = Rig()
    rig.feed(command(Halt, scope, reason="test"), the_file())
    done = rig.only(CommandDone, command(ClearHalt, scope))
    assert not done.accepted
    assert "KILL is in the state folder: remove it" in done.text


def test_a_kill_file_takes_back_what_was_asked_before_it_came() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="test"), command(ClearHalt))
    (settled,) = [m for m in rig.feed(the_file()) if isinstance(m, ApprovalSettled)]
    assert (settled.approval_id, settled.is_granted, settled.by) == ("a1", False, "file")
    rig.feed(the_file(False), command(Approve, approval_id="a1", is_granted=True))
    assert rig.verdict() == "STATE_HALTED"
    rig.clear()
    assert rig.verdict() == "approved"


def test_the_kill_file_is_remembered_over_a_restart() -> None:
    rig = Rig()
    rig.feed(the_file())
    again = Rig(is_active=False)
    again.sequencer.restore(msgspec.msgpack.decode(ENCODE(rig.sequencer.snapshot()), type=CoreSnapshot))
    again.feed(Started(ts_event=0, epoch=2), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert again.verdict() == "STATE_HALTED"
    assert not again.only(CommandDone, command(ClearHalt)).accepted


# approvals


def test_clearing_a_halt_asks_once_however_often_it_is_said() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="odd"))
    sent = rig.feed(command(ClearHalt))
    (asked,) = [m for m in sent if isinstance(m, ApprovalAsked)]
    assert (asked.approval_id, asked.asked_by) == ("a1", "uid=1000")
    assert asked.what == "clear the halt of all (halted by uid=1000: odd)"
    assert [type(m) for m in rig.feed(command(ClearHalt))] == [CommandDone]
    (settled,) = [m for m in rig.approve() if isinstance(m, ApprovalSettled)]
    assert (settled.approval_id, settled.is_granted, settled.by) == ("a1", True, "uid=1000")
    assert rig.risk.consent.approvals.pending == {}


def test_a_refused_approval_changes_nothing() -> None:
    rig = Rig()
    rig.feed(command(Halt, reason="odd"), command(ClearHalt))
    (settled,) = [m for m in rig.approve(is_granted=False) if isinstance(m, ApprovalSettled)]
    assert not settled.is_granted
    assert rig.verdict() == "STATE_HALTED"


@pytest.mark.parametrize("stopped", [Halt, Pause, ReduceOnly])
def test_who_stops_again_takes_back_what_was_asked_before(stopped: type[Halt | Pause | ReduceOnly]) -> None:
    reason = {"reason": "again"} if stopped is Halt else {}
    rig = Rig()
    rig.feed(command(Halt, MAIN, reason="odd"), command(ClearHalt, MAIN))
    rig.feed(command(stopped, MAIN, **reason))
    done = rig.only(CommandDone, command(Approve, approval_id="a1", is_granted=True))
    assert (done.accepted, rig.verdict()) == (False, "STATE_HALTED")


def test_an_approval_nobody_asked_for_is_refused_with_what_is_pending() -> None:
    rig = Rig()
    assert rig.only(CommandDone, command(Approve, approval_id="a9", is_granted=True)).text == (
        "no approval 'a9' is pending: pending are none"
    )
    rig.feed(command(Halt, reason="odd"), command(ClearHalt))
    done = rig.only(CommandDone, command(Approve, approval_id="a9", is_granted=True))
    assert (done.accepted, done.text) == (False, "no approval 'a9' is pending: pending are a1")


def test_what_an_operator_paused_is_resumed_without_a_second_command() -> None:
    rig = Rig()
    rig.feed(command(Pause))
    assert states(rig.feed(command(Resume))) == [("all", "active")]


def test_another_actor_is_answered_when_the_second_command_comes() -> None:
    rig = Rig()
    rig.feed(ApprovalAsked(ts_event=0, approval_id="resolve-T1", what="settle T1", asked_by="uid=1000"))
    settled = [m for m in rig.approve() if isinstance(m, ApprovalSettled)]
    assert [(m.approval_id, m.is_granted) for m in settled] == [("resolve-T1", True)]


def test_an_account_trades_live_for_the_first_time_only_when_that_is_confirmed() -> None:
    rig = Rig(live_id="4711")
    assert rig.verdict() == "STATE_PAUSED"
    assert rig.verdict(account="second", strategy="far") == "approved"
    (pending,) = rig.risk.consent.approvals.pending.values()
    assert pending.what == "account main trades live for the first time, as 4711"
    assert not rig.only(CommandDone, command(Resume, MAIN)).accepted
    rig.feed(Started(ts_event=0, epoch=2), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert list(rig.risk.consent.approvals.pending) == ["a1"], "asked once, over restarts"
    rig.approve()
    assert rig.verdict() == "approved"
    rig.feed(Started(ts_event=0, epoch=3), AccountReconciled(ts_event=0, account="main", asked_seq=0))
    assert rig.verdict() == "approved"


# limits


def set_limit(limit: str, value: str, scope: Scope = MAIN) -> SetLimit:
    return command(SetLimit, scope, limit=limit, value=value)


def test_a_tighter_limit_holds_at_once_and_a_looser_one_when_it_is_confirmed() -> None:
    rig = Rig(limits(order_quantity_max=D(5)))
    sent = rig.feed(set_limit("order_quantity_max", "2"))
    (change,) = [m for m in sent if isinstance(m, LimitChanged)]
    assert (change.former, change.value, change.reason) == ("5", "2", "set by uid=1000")
    assert (rig.verdict("buy", "2"), rig.verdict("buy", "2.001")) == (
        "approved",
        "ORDER_QUANTITY_EXCEEDS_MAX",
    )
    done = rig.only(CommandDone, set_limit("order_quantity_max", "3"))
    assert done.text == (
        "loosen accounts.main.limits.order_quantity_max from 2 to 3 waits: "
        "confirm with `tickerd ctl approve a1`"
    )
    assert rig.verdict("buy", "2.001") == "ORDER_QUANTITY_EXCEEDS_MAX"
    rig.approve()
    assert (rig.verdict("buy", "3"), rig.verdict("buy", "3.001")) == (
        "approved",
        "ORDER_QUANTITY_EXCEEDS_MAX",
    )


def test_a_limit_that_was_off_is_asked_about_as_soon_as_it_is_set() -> None:
    rig = Rig(limits(order_quantity_max=None))
    assert rig.verdict("buy", "50") == "approved"
    rig.feed(set_limit("order_quantity_max", "2"))
    assert (rig.verdict("buy", "2"), rig.verdict("buy", "2.001")) == (
        "approved",
        "ORDER_QUANTITY_EXCEEDS_MAX",
    )


def test_a_limit_taken_out_of_the_configuration_stays_in_force_until_that_is_confirmed() -> None:
    rig, _ = restarted(Rig(limits(order_quantity_max=D(5))), limits(order_quantity_max=None))
    assert rig.verdict("buy", "5.001") == "ORDER_QUANTITY_EXCEEDS_MAX"


def test_another_value_replaces_the_one_that_waits() -> None:
    rig = Rig(limits(order_quantity_max=D(5)))
    rig.feed(set_limit("order_quantity_max", "6"), set_limit("order_quantity_max", "7"))
    assert list(rig.risk.consent.approvals.pending) == ["a2"]
    rig.feed(set_limit("order_quantity_max", "4"))
    assert rig.risk.consent.approvals.pending == {}
    assert rig.risk.consent.limits.account("main").order_quantity_max == 4


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("order_quantity", "2", "there is no limit 'order_quantity' here"),
        ("order_quantity_max", "many", "'many' is no value for order_quantity_max"),
        ("order_quantity_max", "-1", "must be greater than 0"),
        ("order_quantity_max", "NaN", "must be greater than 0"),
        ("drawdown_max", "20", "is a fraction below 1"),
        ("daily_loss_action", "panic", "write one of reduce_only, pause, flatten, halt"),
        ("market_margin", "off", "'off' is no value for market_margin"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(limit: str, value: str, words: str) -> None:
    done = Rig().only(CommandDone, set_limit(limit, value))
    assert not done.accepted
    assert words in done.text


@pytest.mark.parametrize("scope", [Scope(), Scope(instrument=BTC), Scope(account="nobody")])
def test_a_limit_belongs_to_one_account_or_strategy(scope: Scope) -> None:
    assert "name it" in Rig().only(CommandDone, set_limit("daily_loss_max", "1", scope)).text


def restarted(before: Rig, given: RiskLimits, own: StrategyLimits | None = None) -> tuple[Rig, list[Message]]:
    """The same store, started with another configuration."""
    rig = Rig(given, own=own, is_active=False)
    rig.sequencer.restore(msgspec.msgpack.decode(ENCODE(before.sequencer.snapshot()), type=CoreSnapshot))
    sent = rig.feed(Started(ts_event=0, epoch=2))
    rig.feed(AccountReconciled(ts_event=0, account="main", asked_seq=0))
    return rig, sent


def test_a_configuration_tightens_at_a_start_and_loosens_only_when_confirmed() -> None:
    rig, sent = restarted(
        Rig(limits(order_quantity_max=D(5), position_max=D(100))),
        limits(order_quantity_max=D(6), position_max=D(50)),
    )
    changed = [m.limit for m in sent if isinstance(m, LimitChanged) and m.scope == MAIN]
    asked = [m.what for m in sent if isinstance(m, ApprovalAsked) and "accounts.main" in m.what]
    assert changed == ["position_max"]
    assert asked == ["loosen accounts.main.limits.order_quantity_max from 5 to 6"]
    assert rig.verdict("buy", "5.001") == "ORDER_QUANTITY_EXCEEDS_MAX"
    rig.approve()
    assert rig.verdict("buy", "6") == "approved"


def test_the_same_configuration_is_asked_about_once_and_one_taken_back_no_more() -> None:
    tight, loose = limits(order_quantity_max=D(5)), limits(order_quantity_max=None)
    rig, _ = restarted(Rig(tight), loose)
    pending = list(rig.risk.consent.approvals.pending)
    rig, sent = restarted(rig, loose)
    assert [m for m in sent if isinstance(m, ApprovalAsked)] == []
    assert list(rig.risk.consent.approvals.pending) == pending
    rig, sent = restarted(rig, tight)
    assert rig.risk.consent.approvals.pending == {}
    assert {m.is_granted for m in sent if isinstance(m, ApprovalSettled)} == {False}
    assert rig.verdict("buy", "5.001") == "ORDER_QUANTITY_EXCEEDS_MAX"


def test_what_an_operator_tightened_stays_while_the_configuration_says_the_same() -> None:
    given = limits(order_quantity_max=D(5))
    before = Rig(given)
    before.feed(set_limit("order_quantity_max", "2"))
    rig, sent = restarted(before, given)
    assert [m for m in sent if isinstance(m, ApprovalAsked | LimitChanged)] == []
    assert rig.verdict("buy", "2.001") == "ORDER_QUANTITY_EXCEEDS_MAX"


def test_limits_of_strategies_are_kept_like_those_of_accounts() -> None:
    before = Rig(own=StrategyLimits(daily_loss_max=D(5)))
    rig, sent = restarted(before, limits(), StrategyLimits(daily_loss_max=D(9)))
    assert [m.what for m in sent if isinstance(m, ApprovalAsked)] == [
        "loosen strategies.s.limits.daily_loss_max from 5 to 9"
    ]
    own = rig.risk.consent.limits.strategy("main", "s")
    assert own is not None
    assert own.daily_loss_max == 5


def test_stored_limits_that_do_not_match_their_hash_are_refused() -> None:
    book = LimitBook({MAIN: limits(order_quantity_max=D(5))})
    ((scope, stored),) = book.snapshot()
    forged = msgspec.structs.replace(stored, in_force={**stored.in_force, "order_quantity_max": "500"})
    with pytest.raises(InvariantBroken, match="do not match their hash"):
        book.restore([(scope, forged)])


def test_a_limit_that_an_older_version_did_not_know_is_taken_from_the_configuration() -> None:
    book = LimitBook({MAIN: limits(daily_loss_max=D(5))})
    ((scope, stored),) = book.snapshot()
    older = {name: text for name, text in stored.in_force.items() if name != "daily_loss_max"}
    from actors.risk.stored_limits import digest_of

    book.restore([(scope, msgspec.structs.replace(stored, in_force=older, digest=digest_of(older)))])
    assert book.account("main").daily_loss_max == 5


@pytest.mark.parametrize(
    ("limit", "tight", "loose"),
    [
        ("order_quantity_max", "1", "1.1"),
        ("order_notional_max", "1", "off"),
        ("price_collar", "0.05", "0.1"),
        ("market_margin", "0.01", "0.005"),
        ("order_rate_max", "10", "11"),
        ("order_rate_seconds", "20", "10"),
        ("allowed_instruments", "A@x", "A@x,B@x"),
        ("allowed_instruments", "A@x", "off"),
        ("allowed_instruments", "A@x", "B@x"),
        ("daily_loss_action", "halt", "pause"),
        ("drawdown_max", "0.1", "0.2"),
    ],
)
def test_every_limit_has_a_looser_side(limit: str, tight: str, loose: str) -> None:
    assert is_looser(RiskLimits, limit, loose, tight)
    assert not is_looser(RiskLimits, limit, tight, tight)
    if (tight, loose) != ("A@x", "B@x"):
        assert not is_looser(RiskLimits, limit, tight, loose)


def test_every_limit_reads_back_from_its_words() -> None:
    given = RiskLimits(order_quantity_max=D("20000"), allowed_instruments=("A@x", "B@x"), drawdown_max=0.25)
    for limit, text in texts_of(given).items():
        assert value_of(RiskLimits, limit, text) == getattr(given, limit)
    with pytest.raises(BadLimit):
        value_of(StrategyLimits, "drawdown_max", "0.1")
