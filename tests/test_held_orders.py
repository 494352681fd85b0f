"""An order that waits for the venue's word on margin, through the whole core, a crash and a replay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.messages.margin import MarginAnswered, MarginFigures, QueryMargin
from actors.messages.orders import OrderCancelled, OrderDenied, SubmitOrder
from actors.risk.limits import RiskLimits
from daemon.config import Config, VenueSection
from tests.startup_rig import Life, a_config, mine, replayed

D = Decimal


def a_checked_config(tmp_path: Path) -> Config:
    config = a_config(tmp_path / "state", mine=mine(tmp_path))
    main = msgspec.structs.replace(config.accounts["main"], limits=RiskLimits(margin_check=True))
    section = msgspec.convert({"kind": "ib"}, VenueSection)
    return msgspec.structs.replace(
        config, venues={**config.venues, "binance": section}, accounts={**config.accounts, "main": main}
    )


def answer(life: Life, order_id: str, initial: str = "50") -> None:
    """The venue's word comes; what it lets through is accepted."""
    figures = MarginFigures(
        initial_change=D(initial), maintenance_change=D(initial), initial_after=D(initial),
        maintenance_after=D(initial), equity_after=D(1_000),
    )  # fmt: skip
    word = MarginAnswered(ts_event=life.now, account="main", client_order_id=order_id, figures=figures)
    for message in life.feed(word, after=0.01):
        if isinstance(message, SubmitOrder):
            life.accept(message.client_order_id)


def asked(life: Life) -> list[str]:
    return [query.terms.client_order_id for query in life.of(QueryMargin)]


def a_life_with_a_held_order(config: Config) -> tuple[Life, str]:
    life = Life(config)
    life.connect()
    life.quotes(3)
    (held,) = asked(life)
    assert life.of(SubmitOrder) == []
    assert life.order_states() == {}
    return life, held


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_a_crash_while_it_waits_denies_it_and_a_new_wish_is_asked_about_anew(
    tmp_path: Path, has_checkpoint: bool
) -> None:
    config = a_checked_config(tmp_path)
    life, held = a_life_with_a_held_order(config)
    if has_checkpoint:
        life.checkpoint()
    life.crash()
    again = Life(config)
    assert [(each.client_order_id, each.code) for each in again.of(OrderDenied)] == [(held, "STATE_STARTING")]
    answer(again, held)
    again.connect()
    answer(again, held)
    assert again.of(SubmitOrder) == []
    again.quotes(3)
    (new,) = asked(again)
    answer(again, new)
    assert [submit.client_order_id for submit in again.of(SubmitOrder)] == [new]
    assert again.order_states() == {new: "accepted"}
    again.stop()
    assert replayed(tmp_path / "state").identical


def test_a_crash_right_after_the_answer_leaves_the_order_to_the_venue_and_asks_nothing(
    tmp_path: Path,
) -> None:
    config = a_checked_config(tmp_path)
    life, held = a_life_with_a_held_order(config)
    answer(life, held)
    life.crash()
    again = Life(config)
    assert again.order_states() == {held: "accepted"}
    assert asked(again) == []
    assert again.of(OrderDenied) == []
    again.stop()
    assert replayed(tmp_path / "state").identical


def test_a_stop_while_it_waits_leaves_nothing(tmp_path: Path) -> None:
    life, held = a_life_with_a_held_order(a_checked_config(tmp_path))
    life.stop()
    assert [each.client_order_id for each in life.of(OrderDenied)] == [held]
    assert life.of(SubmitOrder) == []
    assert life.of(OrderCancelled) == []
    assert replayed(tmp_path / "state").identical
