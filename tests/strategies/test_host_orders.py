from __future__ import annotations

from decimal import Decimal
from typing import Any

from actors import (
    Bar,
    Quote,
    Trade,
)
from actors.messages.control import (
    StrategyFailed,
)
from actors.messages.orders import (
    ApprovedOrder,
    CancelRequest,
    CommandRefused,
    OrderCancelled,
    OrderDenied,
    ReplaceRequest,
    Signal,
)
from tests.strategies.listener import Listener, Trader, an_order, heard
from tests.strategies.stage import (
    BTC,
    MINUTE,
    START,
    Stage,
    a_bar,
    a_quote,
    a_spec,
    a_trade,
    accepted,
    booked,
    corrected,
    filled,
)


class Wisher(Listener):
    def on_bar(self, bar: Bar) -> None:
        if bar.close > 10:
            self.ctx.long()
        else:
            self.ctx.flat()


def signals(sent: list[Any]) -> list[str]:
    return [message.direction for message in sent if isinstance(message, Signal)]


def test_the_same_wish_is_sent_once() -> None:
    stage = Stage(a_spec(Wisher))
    stage.start()
    sent = [signals(stage.run(a_bar(n, close))) for n, close in enumerate((11, 12, 13, 9, 11), 1)]
    assert sent == [["long"], [], [], ["flat"], ["long"]]


def test_a_refused_wish_is_sent_again_after_the_next_bar() -> None:
    stage = Stage(a_spec(Wisher))
    stage.start()
    stage.run(a_bar(1, 11))
    denial = {"account": "paper", "strategy": "one", "instrument": BTC, "code": "X", "figures": ""}
    stage.run(OrderDenied(ts_event=START + MINUTE, client_order_id="TTEST00000000099", **denial))
    assert signals(stage.run(a_bar(2, 11))) == ["long"]
    assert signals(stage.run(a_bar(3, 11))) == []


def test_signal_is_sent_every_time() -> None:
    class Weigher(Listener):
        def on_bar(self, bar: Bar) -> None:
            self.ctx.signal("long", target_weight=0.5)

    stage = Stage(a_spec(Weigher))
    stage.start()
    assert [len(signals(stage.run(a_bar(n, 1)))) for n in (1, 2)] == [1, 1]


def test_an_order_is_known_from_the_wish_to_its_end() -> None:
    stage = Stage(a_spec(Trader))
    stage.start()
    ctx = stage.strategy().ctx
    request = an_order(stage)
    terms = request.terms
    assert (terms.client_order_id, terms.price, terms.post_only) == (
        "TTEST00010000001",
        Decimal("99.99"),
        True,
    )
    assert [order.status for order in ctx.open_orders()] == ["requested"]
    stage.run(accepted(request))
    assert ctx.order(terms.client_order_id).status == "accepted"
    stage.run(filled(request, "0.2", "0.3"))
    assert ctx.order(terms.client_order_id).remaining == Decimal("0.3")
    assert heard(stage) == ["start", "OrderAccepted"]
    stage.run(booked(terms.client_order_id, "0.2", "0.2"))
    assert heard(stage) == ["fill 0.2 at position 0.2"]
    stage.run(filled(request, "0.3", "0"))
    assert ctx.open_orders() == ()
    stage.run(booked(terms.client_order_id, "0.5", "0.3"))
    assert heard(stage) == ["fill 0.3 at position 0.5"]
    assert ctx.account_position() == Decimal("0.5")


def test_a_correction_is_told_once_it_is_booked_also_of_an_order_that_is_over() -> None:
    stage = Stage(a_spec(Trader))
    stage.start()
    ctx = stage.strategy().ctx
    request = an_order(stage)
    order_id = request.terms.client_order_id
    part = filled(request, "0.2", "0.3")
    stage.run(accepted(request))
    stage.run(part)
    stage.run(booked(order_id, "0.2", "0.2"))
    heard(stage)
    stage.run(corrected(part, "0.1", "0.1"))
    assert ctx.order(order_id).remaining == Decimal("0.4")
    assert heard(stage) == [], "the position does not include it yet"
    stage.run(booked(order_id, "0.1", "-0.1"))
    assert heard(stage) == ["corrected to 0.1 at position 0.1"]
    stage.run(filled(request, "0.4", "0"))
    stage.run(booked(order_id, "0.5", "0.4"))
    stage.run(corrected(part, "0", "0.4"))
    stage.run(booked(order_id, "0.4", "-0.1"))
    assert heard(stage)[-1] == "corrected to 0 at position 0.4"
    assert ctx.open_orders() == ()


def test_orders_made_from_signals_are_seen_too() -> None:
    stage = Stage(a_spec(Trader))
    stage.start()
    terms = an_order(stage).terms
    other = an_order(stage, 2).terms
    stage.run(ApprovedOrder(ts_event=START, terms=terms, mid_price=None))
    assert [order.client_order_id for order in stage.strategy().ctx.open_orders(BTC)] == [
        terms.client_order_id,
        other.client_order_id,
    ]


def test_cancel_and_replace_mark_the_order_until_they_are_answered() -> None:
    class Changer(Trader):
        def on_trade(self, trade: Trade) -> None:
            [order] = self.ctx.open_orders()
            if trade.price == 1:
                self.ctx.cancel(order.client_order_id)
                self.ctx.cancel(order.client_order_id)
            else:
                self.ctx.replace(order.client_order_id, price=Decimal(int(trade.price)))

    stage = Stage(a_spec(Changer))
    stage.start()
    request = an_order(stage)
    order_id = request.terms.client_order_id
    stage.run(accepted(request))
    [replace] = stage.run(a_trade(2, 99))
    assert isinstance(replace, ReplaceRequest)
    assert (replace.client_order_id, replace.price, replace.quantity) == (
        order_id,
        Decimal(99),
        Decimal("0.5"),
    )
    ctx = stage.strategy().ctx
    assert ctx.order(order_id).change == "replace"
    facts = {"account": "paper", "strategy": "one", "instrument": BTC}
    stage.run(
        OrderDenied(
            ts_event=START, client_order_id=replace.new_client_order_id, code="X", figures="", **facts
        )
    )
    assert ctx.order(order_id).can_change
    [again] = stage.run(a_trade(3, 98))
    assert isinstance(again, ReplaceRequest)
    nobody = {"account": "", "strategy": "", "instrument": ""}
    stage.run(
        OrderDenied(ts_event=START, client_order_id=again.new_client_order_id, code="X", figures="", **nobody)
    )
    assert ctx.order(order_id).can_change, "also when risk no longer knows whose order it was"
    [cancel] = stage.run(a_trade(4, 1))
    assert isinstance(cancel, CancelRequest)
    stage.run(
        CommandRefused(ts_event=START, client_order_id=order_id, command="cancel", code="X", text="", **facts)
    )
    assert ctx.order(order_id).can_change
    stage.run(OrderCancelled(ts_event=START, client_order_id=order_id, filled_quantity=Decimal(0), **facts))
    assert ctx.order(order_id) is None
    assert heard(stage)[2:] == ["OrderDenied", "OrderDenied", "CommandRefused", "OrderCancelled"]


def test_a_float_never_becomes_an_order() -> None:
    class Careless(Listener):
        def on_quote(self, quote: Quote) -> None:
            self.ctx.limit("buy", Decimal(1), quote.bid_price)  # type: ignore[arg-type]

    texts: list[str] = []
    stage = Stage(a_spec(Careless), on_failure=lambda failed, text: texts.append(text))
    stage.start()
    assert [type(message) for message in stage.run(a_quote(1, 100))] == [StrategyFailed]
    assert "price 99.99 is a float, which is not exact: use ctx.round_price(...)" in texts[0]
