"""Orders beyond the plain ones as a strategy writes them, and what it is told when they cannot exist."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from actors import Quote
from actors.errors import UsageError
from actors.messages.control import StrategyFailed
from actors.messages.orders import OrderDenied, OrderRequest, ReplaceRequest, SpecialTerms
from actors.strategies.context import Context
from tests.strategies.listener import Listener, heard
from tests.strategies.stage import BTC, SECOND, START, Stage, a_quote, a_spec, accepted

D = Decimal
LATER = START + 3_600 * SECOND


def asked(call: Callable[[Context], Any]) -> tuple[Stage, list[Any], Any]:
    """Stage, what was sent and what the call returned; what it raises is raised."""
    returned: list[Any] = []

    class Caller(Listener):
        def on_quote(self, quote: Quote) -> None:
            try:
                returned.append(call(self.ctx))
            except UsageError as error:
                returned.append(error)

    stage = Stage(a_spec(Caller))
    stage.start()
    sent = stage.run(a_quote(1, 100))
    assert not [message for message in sent if isinstance(message, StrategyFailed)]
    if isinstance(returned[0], UsageError):
        assert sent == []
        raise returned[0]
    return stage, sent, returned[0]


OF_A = SpecialTerms(oca_group="a")
CALLS: list[tuple[Callable[[Context], str], str, str, SpecialTerms]] = [
    (
        lambda ctx: ctx.trailing_stop("sell", D(1), distance=D("2.5")),
        "trailing_stop", "gtc", SpecialTerms(trail=D("2.5")),
    ),
    (
        lambda ctx: ctx.trailing_stop("sell", D(1), fraction=D("0.02"), oca="exit"),
        "trailing_stop", "gtc", SpecialTerms(trail=D("0.02"), trail_is_fraction=True, oca_group="exit"),
    ),
    (
        lambda ctx: ctx.trailing_stop("sell", D(1), distance=D(5), start=D(97)),
        "trailing_stop", "gtc", SpecialTerms(trail=D(5), trail_start=D(97)),
    ),
    (
        lambda ctx: ctx.trailing_stop("sell", D(1), distance=D(5), limit_offset="0.5", start=D(97)),
        "trailing_stop_limit", "gtc", SpecialTerms(trail=D(5), trail_start=D(97), limit_offset=D("0.5")),
    ),
    (
        lambda ctx: ctx.trailing_stop("sell", D(1), fraction=D("0.01"), limit_offset=0),
        "trailing_stop_limit", "gtc",
        SpecialTerms(trail=D("0.01"), trail_is_fraction=True, trail_start=D("98.99"), limit_offset=D(0)),
    ),
    (
        lambda ctx: ctx.trailing_stop("buy", D(1), distance=D(5), limit_offset=1),
        "trailing_stop_limit", "gtc", SpecialTerms(trail=D(5), trail_start=D("105.01"), limit_offset=D(1)),
    ),
    (
        lambda ctx: ctx.limit("buy", D(1), D(99), good_till=LATER, outside_hours=True),
        "limit", "gtd", SpecialTerms(good_till=LATER, outside_hours=True),
    ),
    (
        lambda ctx: ctx.stop("sell", D(1), D(90), good_till=LATER),
        "stop", "gtd", SpecialTerms(good_till=LATER),
    ),
    (
        lambda ctx: ctx.market("buy", D(1), adaptive="urgent"),
        "market", "gtc", SpecialTerms(adaptive="urgent"),
    ),
    (lambda ctx: ctx.market("buy", D(1), on="open", oca="a"), "market", "opg", OF_A),
    (lambda ctx: ctx.limit("buy", D(1), D(99), on="close", oca="a"), "limit", "cls", OF_A),
    (lambda ctx: ctx.stop_limit("sell", D(1), D(90), D(89), oca="a"), "stop_limit", "gtc", OF_A),
    (
        lambda ctx: ctx.limit("sell", 1, 101, oca="a", oca_kind="reduce_unblocked"),
        "limit", "gtc", SpecialTerms(oca_group="a", oca_kind="reduce_unblocked"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "order_type", "time_in_force", "special"), CALLS)
def test_a_call_becomes_terms(
    call: Callable[[Context], str], order_type: str, time_in_force: str, special: SpecialTerms
) -> None:
    _, sent, order_id = asked(call)
    (request,) = sent
    terms = request.terms
    assert (terms.client_order_id, terms.order_type, terms.time_in_force) == (
        order_id,
        order_type,
        time_in_force,
    )
    assert terms.special == special


def test_a_plain_order_carries_nothing_special() -> None:
    _, sent, _ = asked(lambda ctx: ctx.market("buy", D(1), on="close"))
    assert (sent[0].terms.time_in_force, sent[0].terms.special) == ("cls", None)
    _, sent, _ = asked(lambda ctx: ctx.limit("buy", D(1), D(99), time_in_force="day"))
    assert (sent[0].terms.time_in_force, sent[0].terms.special) == ("day", None)


def test_a_bracket_is_one_request_whose_exits_name_the_entry_and_each_other() -> None:
    stage, sent, bracket = asked(
        lambda ctx: ctx.bracket("buy", D(1), D(100), take_profit=D(110), stop_loss=D(95), tag="t")
    )
    (request,) = sent
    profit, loss = request.children
    assert (request.terms.client_order_id, profit.client_order_id, loss.client_order_id) == bracket
    assert request.terms.special == SpecialTerms(more_follow=True)
    assert profit.special == SpecialTerms(parent=bracket.entry, oca_group=bracket.entry, more_follow=True)
    assert loss.special == SpecialTerms(parent=bracket.entry, oca_group=bracket.entry)
    assert [(each.side, each.order_type, each.price or each.stop_price) for each in (profit, loss)] == [
        ("sell", "limit", D(110)), ("sell", "stop", D(95)),
    ]  # fmt: skip
    assert [order.client_order_id for order in stage.host._runners["one"].orders.of(BTC)] == list(bracket)


def test_a_bracket_may_have_one_exit_and_sell_short_at_market() -> None:
    _, sent, bracket = asked(lambda ctx: ctx.bracket("sell", D(1), stop_loss=D(105)))
    (loss,) = sent[0].children
    assert bracket.take_profit is None
    assert (sent[0].terms.order_type, loss.side) == ("market", "buy")
    assert loss.special == SpecialTerms(parent=bracket.entry)


def test_a_denied_bracket_is_told_order_by_order() -> None:
    stage, _, bracket = asked(lambda ctx: ctx.bracket("buy", D(1), take_profit=D(110), stop_loss=D(95)))
    heard(stage)
    for name in bracket:
        stage.run(
            OrderDenied(
                ts_event=START, client_order_id=name, account="paper", strategy="one", instrument=BTC,
                code="BRACKET_REFUSED", figures="",
            )
        )  # fmt: skip
    assert heard(stage) == ["OrderDenied"] * 3
    assert stage.host._runners["one"].orders.of(BTC) == ()


def test_a_trail_is_replaced_and_stays_when_it_is_not_named() -> None:
    class Changer(Listener):
        def on_quote(self, quote: Quote) -> None:
            orders = self.ctx.open_orders()
            if not orders:
                self.ctx.trailing_stop("sell", D(1), distance=D(2))
            elif quote.mid_price > 101:
                self.ctx.replace(orders[0].client_order_id, trail=D(3))
            else:
                self.ctx.replace(orders[0].client_order_id, quantity=D(2))

    for mid, trail in ((105, D(3)), (100, D(2))):
        stage = Stage(a_spec(Changer))
        stage.start()
        (request,) = stage.run(a_quote(1, 100))
        assert isinstance(request, OrderRequest)
        stage.run(accepted(request))
        (change,) = stage.run(a_quote(2, mid))
        assert isinstance(change, ReplaceRequest)
        assert change.trail == trail


def test_the_offset_of_a_trails_limit_is_not_changed_in_place_and_the_call_says_so() -> None:
    class Changer(Listener):
        def on_quote(self, quote: Quote) -> None:
            order = self.ctx.trailing_stop("sell", D(1), distance=D(2), limit_offset=D(1), start=D(90))
            with pytest.raises(
                UsageError, match="cannot be changed in place: cancel the order, and place a new"
            ):
                self.ctx.replace(order, limit_offset=D(2))

    stage = Stage(a_spec(Changer))
    stage.start()
    (request,) = stage.run(a_quote(1, 100))
    assert isinstance(request, OrderRequest)


def test_whole_numbers_and_texts_are_exact() -> None:
    class Writer(Listener):
        def on_quote(self, quote: Quote) -> None:
            self.ctx.market("buy", 10)
            self.ctx.limit("buy", "0.5", 99)
            self.ctx.bracket("buy", 1, "99.5", take_profit=101, stop_loss="98")

    stage = Stage(a_spec(Writer))
    stage.start()
    market, limit, bracket = (each for each in stage.run(a_quote(1, 100)) if isinstance(each, OrderRequest))
    assert (market.terms.quantity, limit.terms.quantity, limit.terms.price) == (D(10), D("0.5"), D(99))
    assert type(market.terms.quantity) is type(limit.terms.price) is D
    assert bracket.terms.price == D("99.5")


def inexact() -> Any:
    return 0.5


REFUSED: list[tuple[Callable[[Context], Any], str]] = [
    (lambda ctx: ctx.trailing_stop("sell", D(1)), "either distance="),
    (lambda ctx: ctx.trailing_stop("sell", D(1), distance=D(1), fraction=D("0.1")), "either distance="),
    (lambda ctx: ctx.trailing_stop("sell", D(1), distance=2.5), "is not exact"),  # type: ignore[arg-type]
    (lambda ctx: ctx.market("buy", 1.5), "is a float, which is not exact"),  # type: ignore[arg-type]
    (lambda ctx: ctx.market("buy", True), "True is a bool"),
    (lambda ctx: ctx.limit("buy", 1, "cheap"), "price 'cheap' is no number: write it as '0.5'"),
    (lambda ctx: ctx.limit("buy", 1, "inf"), "is no number"),
    (lambda ctx: ctx.trailing_stop("sell", D(1), distance=D("0.001")), "TRAIL_NOT_ON_TICK"),
    (lambda ctx: ctx.trailing_stop("sell", 1, distance=1, limit_offset="0.001"), "TRAIL_NOT_ON_TICK"),
    (lambda ctx: ctx.trailing_stop("sell", 1, distance=1, limit_offset=inexact()), "is not exact"),
    (lambda ctx: ctx.trailing_stop("sell", 1, distance=1, limit_offset=-1), "TRAIL_INVALID"),
    (lambda ctx: ctx.trailing_stop("sell", D("0.0001"), distance=D(1)), "QUANTITY_NOT_ON_LOT"),
    (lambda ctx: ctx.trailing_stop("sell", D(1), fraction=D(2)), "TRAIL_INVALID"),
    (lambda ctx: ctx.trailing_stop("sell", D(1), distance=D(1), time_in_force="ioc"), "TERMS_CONTRADICT"),
    (lambda ctx: ctx.limit("buy", D(1), D(99), on="open", time_in_force="ioc"), "ends with its auction"),
    (lambda ctx: ctx.limit("buy", D(1), D(99), on="open", good_till=LATER), "ends with its auction"),
    (lambda ctx: ctx.limit("buy", D(1), D(99), time_in_force="day", good_till=LATER), "exclude each other"),
    (lambda ctx: ctx.limit("buy", D(1), D(99), good_till=START), "GOOD_TILL_PAST"),
    (lambda ctx: ctx.market("buy", D(1), on="close", outside_hours=True), "TERMS_CONTRADICT"),
    (lambda ctx: ctx.bracket("buy", D(1), D(100)), "needs take_profit="),
    (lambda ctx: ctx.bracket("buy", D(1), D(100), stop_loss=D(100)), "stop_loss below price"),
    (lambda ctx: ctx.bracket("sell", D(1), D(100), take_profit=D(101)), "take_profit below price"),
    (lambda ctx: ctx.bracket("buy", D(1), take_profit=D(90), stop_loss=D(95)), "stop_loss below take_profit"),
    (lambda ctx: ctx.bracket("buy", D(1), D(100), stop_loss=D("95.001")), "PRICE_NOT_ON_TICK"),
]


@pytest.mark.parametrize(("call", "text"), REFUSED)
def test_what_cannot_exist_is_refused_at_the_call_in_one_sentence(
    call: Callable[[Context], Any], text: str
) -> None:
    with pytest.raises(UsageError) as refused:
        asked(call)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
