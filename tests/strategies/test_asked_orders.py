"""What a strategy's source asks for is read, and what only the run can know is not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.messages.orders import SpecialTerms
from actors.strategies.asked_orders import Asked, orders_asked
from actors.strategies.loading import load_strategy

HEAD = (
    "from actors import Bar, Strategy\n\n\nclass Mine(Strategy):\n    def on_bar(self, bar: Bar) -> None:\n"
)


def asked(folder: Path, *lines: str) -> list[Asked]:
    path = folder / "mine.py"
    path.write_text(HEAD + "".join(f"        {line}\n" for line in lines))
    return orders_asked(load_strategy(f"{path}:Mine"), {"patience": "day", "group": None})


@pytest.mark.parametrize(
    ("call", "order_type", "in_force", "special"),
    [
        ("self.ctx.market('buy', 1)", "market", "gtc", None),
        ("ctx = self.ctx; ctx.limit('buy', 1, 2, time_in_force='ioc')", "limit", "ioc", None),
        ("self.ctx.limit('buy', 1, 2, time_in_force=self.patience)", "limit", "day", None),
        ("self.ctx.limit('buy', 1, 2, time_in_force=bar.instrument)", "limit", "gtc", None),
        ("self.ctx.limit('buy', 1, 2, good_till=bar.ts_event)", "limit", "gtd", SpecialTerms(good_till=1)),
        ("self.ctx.stop('buy', 1, 2, oca=bar.instrument)", "stop", "gtc", SpecialTerms(oca_group="group")),
        ("self.ctx.stop('buy', 1, 2, oca=self.group)", "stop", "gtc", None),
        ("self.ctx.trailing_stop('buy', 1, distance=2)", "trailing_stop", "gtc", None),
        (
            "self.ctx.trailing_stop('buy', 1, distance=2, limit_offset=bar.low)",
            "trailing_stop_limit",
            "gtc",
            None,
        ),
        ("self.ctx.bracket('buy', 1, 2, take_profit=3)", "limit", "gtc", SpecialTerms(more_follow=True)),
    ],
)
def test_a_call_is_read_as_far_as_it_is_written(
    tmp_path: Path, call: str, order_type: str, in_force: str, special: SpecialTerms | None
) -> None:
    (found,) = asked(tmp_path, call)
    terms = found.terms
    assert (terms.order_type, terms.time_in_force, terms.special) == (order_type, in_force, special)
    assert found.place.endswith("mine.py:6")


def test_what_places_no_order_and_what_contradicts_itself_is_no_call(tmp_path: Path) -> None:
    assert asked(tmp_path, "self.ctx.long()", "self.book.limit(3)", "self.ctx.cancel('x')") == []
    assert asked(tmp_path, "self.ctx.limit('buy', 1, 2, on='open', time_in_force='ioc')") == []
