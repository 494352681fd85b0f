"""From wishes to orders, and from settled orders to the next ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.core.sequencer import CoreSnapshot
from actors.errors import ConfigError
from actors.messages.base import Message
from actors.messages.control import Flatten, Scope, StateChanged
from actors.messages.orders import (
    CommandRefused,
    OrderDenied,
    OrderExpired,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderRequest,
    OrderTerms,
)
from tests.portfolio.build import (
    BTC,
    ETH,
    D,
    Rig,
    a_fill,
    a_quote,
    a_signal,
    an_instrument,
    cancelled,
    denied,
    some_terms,
)

ENCODE = msgspec.msgpack.Encoder().encode


def active(scope: Scope | None = None) -> StateChanged:
    return StateChanged(ts_event=0, scope=scope or Scope(account="main"), state="active", reason="")


def test_a_signal_becomes_a_market_order_for_what_is_missing() -> None:
    rig = Rig().hold("4")
    intent = rig.only(OrderIntent, a_signal())
    assert (intent.terms.side, intent.terms.quantity, intent.terms.order_type) == ("buy", D(6), "market")
    assert (intent.terms.account, intent.terms.strategy, intent.mid_price) == ("main", "s", 100.0)
    assert not intent.terms.reduce_only


def test_strategies_are_sized_by_their_own_position() -> None:
    rig = Rig().hold("10", strategy="other")
    assert rig.wish(a_signal()) == "buy 10"


def test_a_signal_whose_order_is_under_way_asks_for_nothing_more() -> None:
    rig = Rig()
    terms = rig.asked(a_signal())
    assert rig.wish(a_signal()) == ""
    rig.feed(a_fill(terms, D(4), D(6)))
    assert rig.wish(a_signal()) == ""
    rig.feed(rig.booking(D(4), terms.client_order_id, D(4)))
    assert rig.wish(a_signal()) == ""
    rig.fill(terms, "6")
    assert rig.wish(a_signal()) == ""


def test_flat_closes_exactly_what_can_be_traded() -> None:
    assert Rig().hold("7.5").wish(a_signal("flat")) == "sell 7.5"
    assert Rig().hold("7.5004").wish(a_signal("flat")) == "sell 7.5"
    assert Rig().hold("0.0004").wish(a_signal("flat")) == ""
    assert Rig().hold("-3").wish(a_signal("flat")) == "buy 3"
    assert Rig().wish(a_signal("flat")) == ""


def test_a_reversal_closes_first_and_opens_when_that_is_booked() -> None:
    rig = Rig().hold("10")
    closing = rig.asked(a_signal("short"))
    assert (closing.side, closing.quantity) == ("sell", D(10))
    assert rig.wish(a_signal("short")) == ""
    assert rig.wish(a_fill(closing, D(10), D(0))) == ""
    assert rig.wish(rig.booking(D(-10), closing.client_order_id, D(10))) == "sell 10"


def test_a_reversal_whose_closing_half_was_denied_does_not_go_on() -> None:
    rig = Rig().hold("10")
    closing = rig.asked(a_signal("short"))
    assert rig.wish(denied(closing)) == ""
    assert rig.wish(active()) == "sell 10"


def test_an_order_on_the_other_side_is_cancelled_and_waited_for() -> None:
    rig = Rig()
    buying = rig.asked(a_signal())
    assert rig.wish(a_signal("flat")) == "cancel"
    assert rig.wish(a_signal("flat")) == ""
    rig.fill(buying, "3")
    assert rig.wish(cancelled(buying, "3")) == "sell 3"


def test_a_cancelled_order_whose_last_fill_is_not_booked_is_waited_for() -> None:
    rig = Rig()
    buying = rig.asked(a_signal())
    rig.feed(a_signal("flat"), a_fill(buying, D(3), D(7)))
    assert rig.wish(cancelled(buying, "3")) == ""
    assert rig.wish(rig.booking(D(3), buying.client_order_id, D(3))) == "sell 3"


def test_an_order_that_filled_before_its_cancel_is_turned_back() -> None:
    rig = Rig()
    buying = rig.asked(a_signal())
    rig.feed(a_signal("flat"))
    refused = CommandRefused(**of(buying), command="cancel", code="X", text="")
    assert rig.wish(refused) == ""
    assert [type(m) for m in rig.fill(buying)] == [OrderIntent]


def test_a_refused_cancel_may_be_asked_for_again() -> None:
    rig = Rig()
    buying = rig.asked(a_signal())
    rig.feed(a_signal("flat"), CommandRefused(**of(buying), command="cancel", code="X", text=""))
    assert rig.wish(a_signal("flat")) == "cancel"


def test_an_unknown_order_counts_until_it_is_settled() -> None:
    rig = Rig()
    buying = rig.asked(a_signal())
    rig.feed(OrderOutcomeUnknown(**of(buying), command="submit", reason="timeout"))
    assert rig.wish(a_signal(), active()) == ""
    assert rig.wish(cancelled(buying)) == ""
    assert rig.wish(active()) == "buy 10"


@pytest.mark.parametrize("kind", [OrderRejected, OrderExpired])
def test_what_the_venue_refused_is_not_asked_for_again_by_itself(kind: type[Any]) -> None:
    rig = Rig(instrument=an_instrument(quantity_max=D(4)))
    first = rig.asked(a_signal())
    end: dict[str, Any] = (
        {"code": "X", "text": ""} if kind is OrderRejected else {"filled_quantity": D(0), "reason": ""}
    )
    assert rig.wish(kind(**of(first), **end)) == ""
    assert rig.wish(a_signal()) == "buy 4"


def test_more_than_one_order_may_hold_comes_in_several() -> None:
    rig = Rig(instrument=an_instrument(quantity_max=D(4)))
    terms, sizes = rig.asked(a_signal()), []
    while True:
        sizes.append(terms.quantity)
        sent = rig.fill(terms)
        if not sent:
            break
        (intent,) = sent
        assert isinstance(intent, OrderIntent)
        terms = intent.terms
    assert sizes == [D(4), D(4), D(2)]


def of(terms: OrderTerms) -> dict[str, Any]:
    return {
        "ts_event": 0,
        "client_order_id": terms.client_order_id,
        "account": terms.account,
        "strategy": terms.strategy,
        "instrument": terms.instrument,
    }


@pytest.mark.parametrize(
    ("limits", "amount", "expected"),
    [
        ({"quantity_min": D(10)}, "10", "buy 10"),
        ({"quantity_min": D(10)}, "9.999", "QUANTITY_BELOW_MIN"),
        ({"notional_min": D(1000)}, "10", "buy 10"),
        ({"notional_min": D(1000)}, "9.999", "NOTIONAL_BELOW_MIN"),
        ({"lot_size": D(10)}, "19.9", "buy 10"),
        ({"lot_size": D(10)}, "9.9", "SIZE_BELOW_LOT"),
    ],
)
def test_minimum_and_lot(limits: dict[str, Any], amount: str, expected: str) -> None:
    assert Rig("fixed_quantity", amount, an_instrument(**limits)).wish(a_signal()) == expected


def test_a_size_that_comes_to_no_lot_is_denied() -> None:
    assert Rig("fixed_notional", "0.05").wish(a_signal()) == "SIZE_BELOW_LOT"


def test_a_reversal_does_not_stumble_over_less_than_a_lot() -> None:
    assert Rig().hold("0.0004").wish(a_signal("short")) == "sell 10"


def test_a_weight_below_one_lot_closes_what_is_held() -> None:
    rig = Rig("target_weight", "0.5").balance("USDT", "1000").hold("5")
    assert rig.wish(a_signal(target_weight=0.00001)) == "sell 5"


def test_a_rebalance_too_small_to_trade_is_left_alone() -> None:
    rig = Rig("target_weight", "0.5", an_instrument(notional_min=D(10))).balance("USDT", "1000")
    rig.hold("4.95")
    assert rig.wish(a_signal()) == ""
    assert rig.wish(a_quote(80.0), a_signal()) == "buy 1.3"


def test_a_share_of_equity_counts_everything_the_account_holds() -> None:
    rig = Rig("target_weight", "0.5").balance("USDT", "600").balance("BTC", "4")
    assert rig.wish(a_signal()) == "buy 5"


@pytest.mark.parametrize(
    ("method", "code"), [("fixed_notional", "PRICE_MISSING"), ("target_weight", "PRICE_MISSING")]
)
def test_without_a_price_a_signal_is_denied_and_sized_once_its_account_is_active(
    method: Any, code: str
) -> None:
    rig = Rig(method, "1", mid=None).balance("USDT", "1000")
    assert rig.wish(a_signal()) == code
    assert rig.wish(active()) == ""
    rig.feed(a_quote(10.0))
    assert rig.wish(active()) == ("buy 0.1" if method == "fixed_notional" else "buy 100")


def test_the_same_signal_again_keeps_the_quantity_that_is_held() -> None:
    rig = Rig("fixed_notional", "1000")
    rig.fill(rig.asked(a_signal()))
    assert rig.wish(a_quote(50.0), a_signal()) == ""
    assert rig.wish(a_signal(strength=0.75)) == "buy 5"


def test_a_signal_after_its_position_is_gone_is_sized_anew() -> None:
    rig = Rig("fixed_notional", "1000")
    rig.fill(rig.asked(a_signal()))
    rig.fill(rig.asked(a_signal("flat")))
    assert rig.wish(a_quote(50.0), a_signal()) == "buy 20"


def test_a_denied_signal_is_sized_again_when_its_scope_becomes_active() -> None:
    rig = Rig()
    assert rig.wish(denied(rig.asked(a_signal()))) == ""
    assert rig.wish(active(Scope(account="second"))) == ""
    assert rig.wish(active(Scope(account="main", instrument=ETH))) == ""
    paused = StateChanged(ts_event=0, scope=Scope(account="main"), state="paused", reason="")
    assert rig.wish(paused) == ""
    assert rig.wish(active()) == "buy 10"
    assert rig.wish(active()) == ""


def test_flatten_forgets_the_signals_it_covers() -> None:
    rig = Rig()
    rig.fill(rig.asked(a_signal()))
    rig.feed(Flatten(ts_event=0, scope=Scope(account="main"), command_id="c", by="me"))
    rig.feed(rig.booking(D(-10), "closing", D(10)))
    assert rig.wish(active()) == ""
    assert rig.wish(a_signal()) == "buy 10"


def test_an_order_of_the_strategy_itself_supersedes_its_signal_once_it_fills() -> None:
    rig = Rig()
    rig.fill(rig.asked(a_signal()))
    own = some_terms("sell", "10", "105")
    rig.feed(OrderRequest(ts_event=0, terms=own))
    assert rig.wish(active()) == ""
    rig.fill(own)
    assert rig.wish(active()) == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"strategy": "nobody"}, "SIGNAL_INVALID"),
        ({"instrument": "X@y"}, "SIGNAL_INVALID"),
        ({"strength": 2.0}, "SIGNAL_INVALID"),
        ({"target_weight": float("nan")}, "SIGNAL_INVALID"),
    ],
)
def test_a_signal_that_means_nothing_is_denied_and_forgotten(fields: dict[str, Any], code: str) -> None:
    rig = Rig()
    assert rig.wish(a_signal(**fields)) == code
    assert rig.wish(active()) == ""


def test_an_exact_wish_passes_as_it_is_with_the_mid() -> None:
    terms = some_terms("sell", "1.5", "105", post_only=True)
    intent = Rig().only(OrderIntent, OrderRequest(ts_event=0, terms=terms))
    assert (intent.terms, intent.mid_price) == (terms, 100.0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"quantity": D("1.0005")}, "QUANTITY_NOT_ON_LOT"),
        ({"price": D("100.001")}, "PRICE_NOT_ON_TICK"),
        ({"price": None}, "ORDER_FIELD_MISSING"),
        ({"strategy": "nobody"}, "STRATEGY_NOT_CONFIGURED"),
        ({"account": "second"}, "STRATEGY_NOT_CONFIGURED"),
        ({"instrument": "X@y"}, "INSTRUMENT_NOT_CONFIGURED"),
    ],
)
def test_an_impossible_wish_is_denied_under_its_own_id(changed: dict[str, Any], code: str) -> None:
    terms = msgspec.structs.replace(some_terms("buy", "1", "100"), **changed)
    answer = Rig().only(OrderDenied, OrderRequest(ts_event=0, terms=terms))
    assert (answer.code, answer.client_order_id) == (code, terms.client_order_id)


@pytest.mark.parametrize("amount", ["0", "-1", "NaN"])
def test_a_size_that_is_no_size_is_refused_at_the_start(amount: str) -> None:
    with pytest.raises(ConfigError, match=r"strategies\.s\.sizing\.amount"):
        Rig(amount=amount)


signals = st.sampled_from(["long", "short", "flat"])


@given(st.lists(st.tuples(signals, st.integers(0, 3), st.integers(1, 10)), max_size=25))
def test_signal_orders_never_work_against_each_other_nor_through_zero(
    given_steps: list[tuple[Any, int, int]],
) -> None:
    rig = Rig("fixed_quantity", "10")
    open_orders: dict[str, tuple[OrderTerms, Any]] = {}

    def note(sent: list[Message]) -> None:
        for message in sent:
            if isinstance(message, OrderIntent):
                held = rig.held.get(("s", BTC), D(0))
                side = message.terms.side
                assert {t.side for t, _ in open_orders.values()} <= {side}
                total = sum((t.quantity - f for t, f in open_orders.values()), message.terms.quantity)
                if held and (held > 0) == (side == "sell"):
                    assert total <= abs(held)
                open_orders[message.terms.client_order_id] = (message.terms, D(0))

    for direction, action, size in given_steps:
        note(rig.feed(a_signal(direction)))
        for terms, filled in list(open_orders.values())[:action]:
            quantity = min(D(size), terms.quantity - filled)
            done = filled + quantity == terms.quantity
            if done:
                del open_orders[terms.client_order_id]
            else:
                open_orders[terms.client_order_id] = (terms, filled + quantity)
            change = quantity if terms.side == "buy" else -quantity
            note(rig.feed(a_fill(terms, quantity, terms.quantity - filled - quantity)))
            note(rig.feed(rig.booking(change, terms.client_order_id, quantity)))
    for _ in range(4):
        for terms, filled in list(open_orders.values()):
            rest = terms.quantity - filled
            del open_orders[terms.client_order_id]
            note(rig.feed(a_fill(terms, rest, D(0))))
            note(rig.feed(rig.booking(rest if terms.side == "buy" else -rest, terms.client_order_id, rest)))
    wanted = {"long": D(10), "short": D(-10), "flat": D(0)}
    if given_steps:
        assert rig.held.get(("s", BTC), D(0)) == wanted[given_steps[-1][0]]


def test_a_portfolio_restored_after_any_input_goes_on_the_same() -> None:
    whole = Rig("fixed_notional", "1000", mid=None)
    taken: list[CoreSnapshot] = []
    answers: list[list[Message]] = []
    inputs: list[Message] = []

    def feed(message: Message) -> list[Message]:
        inputs.append(message)
        answers.append(whole.feed(message))
        taken.append(whole.sequencer.snapshot())
        return answers[-1]

    def order(sent: list[Message]) -> OrderTerms:
        (intent,) = sent
        assert isinstance(intent, OrderIntent)
        return intent.terms

    feed(a_signal())
    feed(a_quote(100.0))
    first = order(feed(active()))
    feed(a_fill(first, D(4), D(6)))
    feed(a_signal("short"))
    feed(cancelled(first, "4"))
    second = order(feed(whole.booking(D(4), first.client_order_id, D(4))))
    feed(a_fill(second, D(4), D(0)))
    third = order(feed(whole.booking(D(-4), second.client_order_id, D(4))))
    feed(denied(third))
    order(feed(active()))
    feed(a_signal("flat"))
    for k, state in enumerate(taken):
        rig = Rig("fixed_notional", "1000", mid=None)
        rig.sequencer.restore(msgspec.msgpack.decode(ENCODE(state), type=CoreSnapshot))
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(state)
        for message, expected in zip(inputs[k + 1 :], answers[k + 1 :], strict=True):
            assert rig.feed(message) == expected
        assert ENCODE(rig.sequencer.snapshot()) == ENCODE(taken[-1])
