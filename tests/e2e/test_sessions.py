"""Five lives of one store on one exchange: however each ended, the books are the exchange's and replay."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from daemon.exchange.truth import Truth
from tests.e2e.holdings import held_after
from tests.e2e.rig import (
    OPENING,
    Daemon,
    Exchange,
    a_daemon,
    an_exchange,
    assert_books_equal_truth,
    exported,
    nonzero,
    one_object,
    replayed,
    tickerd,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.slow


@dataclass
class Moment:
    """What was there right after a life had ended."""

    code: int
    summary: dict[str, Any]
    books: dict[str, Any]
    truth: Truth


@dataclass
class History:
    """What five lives have left behind."""

    state: Path
    ends: list[Moment] = field(default_factory=list)
    held_before: list[dict[str, Any]] = field(default_factory=list)
    held_after: list[dict[str, Any]] = field(default_factory=list)
    states_after: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    known_after: dict[str, str] = field(default_factory=dict)
    killed: dict[str, Any] = field(default_factory=dict)
    forced_code: int | None = None

    def note_end(self, daemon: Daemon, code: int, exchange: Exchange) -> None:
        self.ends.append(Moment(code, daemon.summary, exported(self.state), exchange.truth()))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("sessions")
    with an_exchange(folder) as exchange:
        config = write_config(folder, exchange)
        found = History(folder / "state")
        for live in (_stop_cleanly, _keep_orders, _be_killed, _be_forced, _stop_at_last):
            with a_daemon(config, found.state) as daemon:
                daemon.wait_reconciled()
                live(daemon, exchange, found)
        yield found


def _stop_cleanly(daemon: Daemon, exchange: Exchange, found: History) -> None:
    daemon.wait_fills(1, "sma", "maker")
    daemon.ask("pause", all=True)
    daemon.ask("cancel-all", all=True)
    wait_for(lambda: daemon.ask("orders") == [], "no open orders")
    found.held_before = _holdings(daemon)
    found.note_end(daemon, daemon.stop(), exchange)


def _keep_orders(daemon: Daemon, exchange: Exchange, found: History) -> None:
    found.states_after = daemon.states()
    found.held_after = _holdings(daemon)
    daemon.ask("resume", all=True)
    daemon.wait_fills(1, "maker")
    wait_for(lambda: _orders_of(daemon, "deep"), "a resting order")
    assert daemon.ask("stop", cancel_orders=False)["accepted"]
    assert daemon.wait_end() == 0
    found.kept = exchange.open_orders()


def _be_killed(daemon: Daemon, exchange: Exchange, found: History) -> None:
    found.known_after = _orders_of(daemon, "deep")
    daemon.ask("cancel-all", strategy="deep")
    daemon.wait_fills(5, "maker")
    daemon.kill()
    found.killed = exported(found.state)


def _be_forced(daemon: Daemon, exchange: Exchange, found: History) -> None:
    daemon.wait_fills(1, "maker")
    wait_for(lambda: _orders_of(daemon, "deep"), "a resting order")
    exchange.fault("stall", target="ws_api", milliseconds=5_000)
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: '"stopping"' in daemon.log(), "the first signal to be heard")
    daemon.process.send_signal(signal.SIGINT)
    found.forced_code = daemon.wait_end()


def _stop_at_last(daemon: Daemon, exchange: Exchange, found: History) -> None:
    daemon.wait_fills(1, "sma", "maker")
    found.note_end(daemon, daemon.stop(), exchange)


def _holdings(daemon: Daemon) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key != "mark_price"} for row in daemon.ask("positions")]


def _orders_of(daemon: Daemon, strategy: str) -> dict[str, str]:
    rows = daemon.ask("orders", strategy=strategy)
    return {row["client_order_id"]: row["venue_order_id"] for row in rows if row["venue_order_id"]}


def test_sigterm_ends_a_session_cleanly_with_a_summary(history: History) -> None:
    first = history.ends[0]
    assert first.code == 0
    assert list(first.summary) == ["session", "state", "inputs", "orders", "fills", "pnl", "tick_to_order_us"]
    assert first.summary["fills"] == len(first.truth.account("demo").trades)
    assert first.summary["orders"] >= len(first.truth.account("demo").orders)


def test_a_session_trades_with_every_strategy(history: History) -> None:
    assert {row["strategy"] for row in history.ends[0].books["fills"]} == {"sma", "maker"}
    assert {row["strategy"] for row in history.ends[0].books["orders"]} == {"sma", "maker", "deep"}


def test_the_books_equal_the_exchange_to_the_last_unit(history: History) -> None:
    assert_books_equal_truth(history.ends[0].books, history.ends[0].truth)


def test_a_clean_stop_leaves_no_order_at_the_exchange(history: History) -> None:
    assert {each.status for each in history.ends[0].truth.account("demo").orders.values()} <= {
        "filled",
        "cancelled",
    }


def test_a_restart_goes_on_with_positions_and_states(history: History) -> None:
    assert history.held_before
    assert history.held_after == history.held_before
    assert history.states_after == {"demo": "paused"}


def test_kept_orders_survive_a_restart_and_stay_under_control(history: History) -> None:
    deep = history.known_after
    assert len(deep) == 1
    assert deep.items() <= history.kept.items()
    truth = history.ends[-1].truth.account("demo")
    assert [truth.orders[venue_id].status for venue_id in deep.values()] == ["cancelled"]


def test_an_export_right_after_a_kill_shows_one_moment_of_the_tape(history: History) -> None:
    books = history.killed
    assert nonzero(books["accounts"]["demo"]) == held_after(OPENING, books)
    assert books["trial_balance"] == "0"
    known = {each.trade_id for each in history.ends[-1].truth.account("demo").trades}
    assert {row["trade_id"] for row in books["fills"]} <= known


def test_a_second_signal_forces_the_end(history: History) -> None:
    assert history.forced_code == 1


def test_after_every_kind_of_end_the_books_still_equal_the_exchange(history: History) -> None:
    assert history.ends[-1].code == 0
    assert_books_equal_truth(history.ends[-1].books, history.ends[-1].truth, after_death=True)


def test_every_session_replays_identically(history: History) -> None:
    listed = one_object(tickerd("replay", "--list", "--json", "--state", str(history.state)))["sessions"]
    assert [row["parts"] for row in listed] == [1, 1, 2, 1], "a kill ends no session"
    assert all(row["stopped_cleanly"] for row in listed)
    for row in listed:
        assert replayed(history.state, row["session"])["inputs"] > 0


def test_all_lives_replay_as_one_run_under_another_hash_seed(history: History) -> None:
    one, other = (replayed(history.state, "--parts", "1-5", PYTHONHASHSEED=seed) for seed in ("0", "4711"))
    assert one == other
    assert one["parts"] == [1, 2, 3, 4, 5]
    sent = [row for row in history.ends[-1].books["orders"] if row["status"] != "denied"]
    assert one["orders"] == len(sent)
