"""A start brings back what was: code changed, gone or not repeatable, an actor failed, another version."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.core.frames import Head
from actors.errors import TradingError
from actors.messages.control import Halt, Scope, StateChanged, TimeReached
from actors.messages.orders import OrderDenied, OrderOutcomeUnknown, OrderRecovered, SubmitOrder
from actors.store.layout import list_parts, tape_folder
from actors.store.recovery import load
from daemon.code_changes import OtherVersion
from daemon.startup import wait_for_clock
from tests.startup_rig import BTC, BUYER, ETH, T0, Life, a_config, mine, replayed

UNREPEATABLE = """
from decimal import Decimal
from typing import ClassVar
from actors import Quote, Strategy

class Mine(Strategy):
    calls: ClassVar[dict[str, int]] = {"n": 0}

    def on_quote(self, quote: Quote) -> None:
        # What outlives a restart of the core makes every run another.
        self.calls["n"] += 1
        if self.calls["n"] % 3 == 0:
            price = self.ctx.round_price(quote.bid_price, rounding="down")
            self.ctx.limit("buy", Decimal(self.calls["n"]) / 1000, price)
"""


def test_killed_in_the_middle_the_next_life_knows_every_order(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    first = Life(config)
    first.connect()
    first.quotes(7)
    first.quotes(2, answer=False)
    before = first.order_states()
    assert list(before.values()) == ["accepted", "accepted", "pending_submit"]
    first.crash()
    second = Life(config)
    assert list(second.order_states()) == list(before)
    assert list(second.order_states().values()) == ["accepted", "accepted", "unknown"]
    assert [unknown.reason for unknown in second.of(OrderOutcomeUnknown)] == ["RESTARTED"]
    assert second.state_of("main")[0] == "starting"
    second.stop()
    assert replayed(tmp_path / "state").identical


def test_changed_code_is_run_from_its_recorded_messages_and_then_begins_anew(tmp_path: Path) -> None:
    first = Life(a_config(tmp_path / "state", mine=mine(tmp_path)))
    first.connect()
    first.quotes(10)
    first.fill(first.of(SubmitOrder)[0].client_order_id)
    before, risk = first.order_states(), msgspec.msgpack.encode(first.core.ledger.snapshot())
    first.crash()
    changed = BUYER.replace("quotes: int = 0", "seen: list[str] = []").replace(
        "self.state.quotes += 1", "return"
    )
    changed += "\n    def on_start(self) -> None:\n        self.ctx.set_timer('hello', after='1s')\n"
    second = Life(a_config(tmp_path / "state", mine=mine(tmp_path, changed)))
    assert second.order_states() == before
    assert msgspec.msgpack.encode(second.core.ledger.snapshot()) == risk
    assert second.of(Halt) == []
    assert second.state_of("main")[0] == "starting"
    second.connect(held="0.001")
    assert second.state_of("main")[0] == "active"
    assert len(second.core.sequencer.timers) > 0
    runner = second.core.strategies.snapshot().runners["mine"]
    assert runner.is_started
    assert [key for key, _ in runner.timers] == ["hello"]
    second.crash()
    third = Life(a_config(tmp_path / "state", mine=mine(tmp_path, changed)))
    assert third.order_states() == before


def test_changed_parameters_begin_anew_too(tmp_path: Path) -> None:
    section = mine(tmp_path)
    first = Life(a_config(tmp_path / "state", mine=section))
    first.connect()
    first.quotes(4)
    first.crash()
    faster = msgspec.structs.replace(section, parameters={"every": 1})
    second = Life(a_config(tmp_path / "state", mine=faster))
    assert second.core.strategies.snapshot().runners["mine"].is_started is False
    second.connect()
    second.quotes(2)
    assert len(second.of(SubmitOrder)) == 2
    second.stop()
    assert replayed(tmp_path / "state").identical


def test_begun_anew_after_a_clean_stop_and_killed_soon_after_it_starts_again(tmp_path: Path) -> None:
    section = mine(tmp_path)
    first = Life(a_config(tmp_path / "state", mine=section))
    first.connect()
    first.quotes(4)
    first.stop()
    faster = msgspec.structs.replace(section, parameters={"every": 1})
    second = Life(a_config(tmp_path / "state", mine=faster))
    second.connect()
    second.quotes(2)
    before = second.order_states()
    second.crash()
    third = Life(a_config(tmp_path / "state", mine=faster))
    assert list(third.order_states()) == list(before)
    third.stop()
    assert replayed(tmp_path / "state").identical


def test_a_strategy_gone_with_its_code_leaves_its_position_halted(tmp_path: Path) -> None:
    first = Life(a_config(tmp_path / "state", mine=mine(tmp_path)))
    first.connect()
    first.quotes(4)
    first.fill(first.of(SubmitOrder)[0].client_order_id)
    first.crash()
    (tmp_path / "mine.py").unlink()
    folder = tmp_path / "other"
    folder.mkdir()
    second = Life(a_config(tmp_path / "state", renamed=mine(folder)))
    second.connect(held="0.001")
    assert second.state_of("main", "mine") == ("halted", "holds a position, not configured")
    assert second.state_of("main")[0] == "active"
    assert second.state_of("main", "renamed")[0] == "active"
    second.quotes(3)
    assert len(second.of(SubmitOrder)) == 1


def test_what_the_same_code_does_not_repeat_stands_as_recorded_and_halts_its_account(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    config = a_config(
        tmp_path / "state",
        mine=mine(tmp_path, UNREPEATABLE),
        calm=mine(other, account="other", instrument=ETH),
    )
    first = Life(config)
    first.connect()
    first.quotes(4)
    first.quotes(3, instrument=ETH)
    first.quotes(4, answer=False)
    before = {order.terms.client_order_id: order.terms for order in first.core.oms.orders()}
    assert len(before) == 3
    first.crash()
    second = Life(config)
    assert {order.terms.client_order_id: order.terms for order in second.core.oms.orders()} == before
    assert sorted(second.order_states().values()) == ["accepted", "accepted", "unknown"]
    state, reason = second.state_of("main")
    assert state == "halted"
    assert "recorded" in reason
    assert "made again" in reason
    assert second.state_of("other")[0] == "starting"
    second.connect()
    assert second.state_of("main")[0] == "halted"
    assert second.state_of("other")[0] == "active"
    second.quotes(6)
    assert not second.of(SubmitOrder)
    assert second.of(StateChanged)
    second.stop()
    result = replayed(tmp_path / "state")
    assert result.identical
    assert result.note is not None
    assert "as recorded" in result.note


def test_an_actor_that_failed_costs_the_account_it_failed_on_a_halt(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    first = Life(config)
    first.connect()
    first.quotes(4)
    before = first.order_states()
    first.fail(TimeReached(ts_event=first.now), "main")
    second = Life(config)
    assert second.order_states() == before
    state, reason = second.state_of("main")
    assert state == "halted"
    assert f"ledger failed on seq {second.recovered.last_seq} (ArithmeticError); it was skipped" in reason
    assert second.state_of("other")[0] == "starting"
    second.connect()
    assert (second.state_of("main")[0], second.state_of("other")[0]) == ("halted", "active")
    second.crash()
    third = Life(config)
    assert third.state_of("main")[0] == "halted"  # latched, not decided a second time
    assert not any(isinstance(message, Halt) for message in third.opened.first_inputs)
    third.stop()
    assert replayed(tmp_path / "state").identical


def test_a_failure_that_names_no_account_halts_all(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    first = Life(config)
    first.connect()
    first.fail(TimeReached(ts_event=first.now), None)
    second = Life(config)
    assert {second.state_of(name)[0] for name in config.accounts} == {"halted"}


def test_an_order_only_on_the_record_is_unknown_and_holds_its_instrument(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    life = Life(config)
    life.connect()
    life.quotes(3)
    (submit,) = life.of(SubmitOrder)
    terms = msgspec.structs.replace(submit.terms, client_order_id="TAAAAAAAA0000009")
    sent = life.feed(OrderRecovered(ts_event=life.now, terms=terms, sent_ms=life.now // 1_000_000))
    (unknown,) = [message for message in sent if isinstance(message, OrderOutcomeUnknown)]
    assert unknown.client_order_id == terms.client_order_id
    life.quotes(3)
    (denied,) = life.of(OrderDenied)
    assert denied.code == "ORDER_OUTCOME_UNKNOWN"
    assert life.core.risk.state_of(Scope(account="main", instrument=BTC))[0] == "reduce_only"
    life.stop()
    assert replayed(tmp_path / "state").identical


def newest_head(state: Path) -> Head:
    return list_parts(tape_folder(state))[-1].head


def test_another_version_takes_over_only_after_a_clean_stop(tmp_path: Path, monkeypatch: Any) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    first = Life(config)
    first.connect()
    first.quotes(4)
    first.crash()
    former = version("tickerd")
    monkeypatch.setattr("daemon.startup.version", lambda name: "99.0")
    with pytest.raises(
        OtherVersion, match=rf"written by tickerd {former}, .*stop it, then start tickerd 99\.0"
    ) as found:
        Life(config)
    assert found.value.exit_code == 7
    monkeypatch.undo()
    second = Life(config)
    second.connect()
    second.stop()
    before = second.order_states()
    monkeypatch.setattr("daemon.startup.version", lambda name: "99.0")
    assert newest_head(tmp_path / "state").versions["tickerd"] == former
    third = Life(config)
    assert third.order_states() == before
    third.crash()


def test_a_clean_stop_without_its_last_state_still_needs_the_old_version(
    tmp_path: Path, monkeypatch: Any
) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    first = Life(config)
    first.connect()
    first.stop(with_checkpoint=False)
    monkeypatch.setattr("daemon.startup.version", lambda name: "99.0")
    with pytest.raises(OtherVersion, match="stop it, then start"):
        Life(config)


def test_a_head_of_another_shape_counts_as_another_versions(tmp_path: Path, monkeypatch: Any) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    monkeypatch.setattr("daemon.startup.tape_configuration", lambda *of: {"settings": {}})
    first = Life(config)
    monkeypatch.undo()
    first.quotes(4)
    first.crash()
    with pytest.raises(OtherVersion, match="another build of tickerd"):
        Life(config)
    shutil.rmtree(tmp_path / "state")
    monkeypatch.setattr("daemon.startup.tape_configuration", lambda *of: {"settings": {}})
    second = Life(config)
    monkeypatch.undo()
    second.quotes(4)
    second.stop()
    third = Life(config)
    assert third.recovered.last_seq == second.tape.last_seq
    third.stop()


def test_timers_that_fell_due_while_no_process_ran_find_every_account_starting(tmp_path: Path) -> None:
    source = (
        BUYER
        + """
    def on_start(self) -> None:
        self.ctx.set_timer("trade", after="1s")

    def on_timer(self, timer) -> None:
        self.ctx.market("buy", Decimal("0.001"))
"""
    )
    config = a_config(tmp_path / "state", mine=mine(tmp_path, source))
    first = Life(config)
    first.connect()
    first.quotes(1)
    first.crash()
    second = Life(config, now=T0 + 3600 * 1_000_000_000)
    second.quotes(1)
    second.feed(TimeReached(ts_event=second.now))
    assert not second.of(SubmitOrder)
    second.connect()
    (submit,) = second.of(SubmitOrder)
    assert submit.client_order_id[5:9] != first.core.sequencer.ids.next()[5:9]  # of the new epoch


def test_a_clock_behind_the_tape_is_waited_for_and_one_far_behind_is_refused(tmp_path: Path) -> None:
    life = Life(a_config(tmp_path / "state"))
    life.stop()
    found = load(tmp_path / "state")
    found.lock.release()
    clock = iter((found.last_ts - 1_000_000,))
    wait_for_clock(found, lambda: next(clock))  # a millisecond passes
    wait_for_clock(found, lambda: found.last_ts + 10**18)
    with pytest.raises(TradingError, match="3600 s behind the newest record on the tape: set it"):
        wait_for_clock(found, lambda: found.last_ts - 3600 * 1_000_000_000)
