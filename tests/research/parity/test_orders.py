"""Orders of a session as its tape has them."""

from __future__ import annotations

from decimal import Decimal

from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import OrderFilled, OrderTerms, SubmitOrder
from daemon.research.parity.orders import OrderBook

D = Decimal
FACT = {"client_order_id": "T", "account": "a", "strategy": "s", "instrument": "X@x"}


def a_fill(trade_id: str) -> OrderFilled:
    return OrderFilled(
        ts_event=1, **FACT, venue_order_id="v", trade_id=trade_id, side="buy", quantity=D(5), price=D(100),
        fee=D(1), fee_currency="USD", liquidity="taker", remaining=D(5), mid_price=None, revision=1,
        fee_known=True,
    )  # fmt: skip


def a_correction(trade_id: str, quantity: int, price: int) -> FillCorrected:
    before = FillFigures(quantity=D(5), price=D(100), fee=D(1), fee_currency="USD")
    after = FillFigures(quantity=D(quantity), price=D(price), fee=D(2), fee_currency="USD")
    return FillCorrected(
        ts_event=2, **FACT, venue_order_id="v", trade_id=trade_id, revision=2, side="buy", before=before,
        after=after, fee_known=True, liquidity="taker", mid_price=None, ts_filled=1, filled_quantity=D(9),
    )  # fmt: skip


def test_a_session_is_judged_by_what_its_executions_are_in_the_end() -> None:
    terms = OrderTerms(**FACT, side="buy", order_type="market", quantity=D(10))  # type: ignore[arg-type]
    submit = SubmitOrder(
        ts_event=0, account="a", instrument="X@x", client_order_id="T", venue_timestamp_ms=0,
        receive_window_ms=0, terms=terms,
    )  # fmt: skip
    book = OrderBook({})
    for message in (
        submit, a_fill("1"), a_fill("2"), a_correction("1", 4, 101), a_correction("2", 0, 100),
        a_correction("unheard of", 3, 1),
    ):  # fmt: skip
        book.note(message, 7)
    book.drop_busted()
    (fill,) = book.orders["T"].fills
    assert (fill.quantity, fill.price, fill.fee) == (D(4), D(101), D(2))
    assert book.orders["T"].price == 101
