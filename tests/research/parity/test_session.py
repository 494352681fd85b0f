"""A session whose configuration was changed on the way: each stretch of it is one to compare."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from actors.errors import UsageError
from actors.messages.orders import NotSent, SubmitOrder
from actors.store.replay import sessions
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config_sources import overridden
from daemon.graph import BarSources
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.parity import parity
from daemon.research.parity.session import open_session
from daemon.research.parity.simulate import simulate
from daemon.startup import load_classes
from tests.research.parity.recording import ACCOUNT, a_config, a_market
from tests.startup_rig import BTC, SECOND, T0, Life

MODEL = SimulatedVenueSettings(latency_ms=2.0, taker_fee=Decimal("0.0007"))


def two_lives(state: Path, *changes: str) -> Path:
    """Two process lives under two configurations, without a clean stop between them."""
    config = a_config(state, mode="paper", simulated=MODEL)
    market = list(a_market(30))
    half = len(market) // 2
    for part, changed in ((market[:half], ()), (market[half:], changes)):
        life = Life(
            overridden(config, list(changed)),
            part[0].ts_event - SECOND,
            sources=BarSources(trades=frozenset({BTC})),
        )
        for message in part:
            life.now = max(message.ts_event, life.now)
            life.feed(message)
        if part[-1] is not market[-1]:
            life.crash()
    life.stop(with_checkpoint=False)
    return state


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_lives(tmp_path_factory.mktemp("changed"), "strategies.cross.parameters.slow=6")


def label_of(state: Path) -> str:
    (session,) = sessions(state)
    return session.label


def test_a_session_with_two_configurations_asks_which(state: Path) -> None:
    label = label_of(state)
    with pytest.raises(
        UsageError, match=rf"configuration or strategies changed .*: choose {label}:1 from .*, {label}:2 from"
    ):
        open_session(state)
    with pytest.raises(UsageError, match=f"choose {label}:1"):
        open_session(state, f"{label}:3")
    with pytest.raises(UsageError, match=f"no session '{label}:x' on this tape"):
        open_session(state, f"{label}:x")


def test_each_stretch_is_compared_under_its_own_configuration(state: Path) -> None:
    label = label_of(state)
    one, two = (open_session(state, f"{label}:{number}") for number in (1, 2))
    assert (one.label, two.label) == (f"{label}:1", f"{label}:2")
    assert [each.config.strategies["cross"].parameters["slow"] for each in (one, two)] == [4, 6]
    first, second = (list(each.inputs()) for each in (one, two))
    assert first[-1].seq + 1 == second[0].seq
    assert one.ts_ended <= two.ts_started
    for session in (one, two):
        assert sum(len(order.fills) for order in recorded_book(session).orders.values()) > 5
        account = parity(session, load_classes(session.config)).accounts[ACCOUNT]
        assert account.effects["queue"] == account.effects["fees"] == 0
        assert sum(account.effects.values(), Decimal(0)) == account.difference


def test_what_decides_no_order_may_change_within_a_session(tmp_path: Path) -> None:
    state = two_lives(tmp_path, "http.port=9999", "daemon.log_level=debug", "backtest.equity_interval=1m")
    session = open_session(state)
    assert session.label == label_of(state)
    account = parity(session, load_classes(session.config)).accounts[ACCOUNT]
    assert account.same_orders == account.recorded.orders > 50


def test_an_order_whose_step_the_crash_left_off_the_tape_is_at_the_paper_venue(tmp_path: Path) -> None:
    """The venue is in the core, which runs the input again: nothing was kept from leaving."""
    config, sources = a_config(tmp_path, mode="paper", simulated=MODEL), BarSources(trades=frozenset({BTC}))
    market = iter(list(a_market(10)))
    life = Life(config, T0, sources=sources)
    sequencer = life.core.sequencer
    lost: list[str] = []
    for message in market:
        life.now = max(message.ts_event, life.now)
        sequencer.run(message, life.now)
        sent, sequencer.sent = sequencer.sent, []
        lost = [each.client_order_id for each in sent if isinstance(each, SubmitOrder)]
        life.tape.append(sequencer.seq, life.now, message, [] if lost else sent)
        if lost:
            break
    life.crash()
    life = Life(config, life.now + SECOND // 10, sources=sources)
    for message in market:
        life.now = max(message.ts_event, life.now)
        life.feed(message)
    life.stop(with_checkpoint=False)
    session = open_session(tmp_path)
    assert not [taken for taken in session.inputs() if isinstance(taken.message, NotSent)]
    record = recorded_book(session).orders
    assert lost
    assert all(record[name].status in ("filled", "cancelled") for name in lost)
    made = simulate(session, load_classes(config)).book.orders
    assert {key: (each.status, each.filled) for key, each in made.items()} == {
        key: (each.status, each.filled) for key, each in record.items()
    }
