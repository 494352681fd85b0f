"""Corrected executions in the books: nothing is lost or twice, and what never was leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import InvariantBroken
from actors.ledger.actor import LedgerActor
from actors.ledger.lots import Position
from actors.messages.account import PositionChanged, TradeClosed
from actors.messages.clearing import PositionSplit
from actors.messages.corrections import FillCorrected, FillFigures
from actors.messages.orders import OrderFilled, Side
from actors.model.instrument import Instrument
from tests.ledger.build import BTC, Rig, a_fill, a_ledger, a_quote, a_statement, an_instrument

D = Decimal
ZERO = D(0)
FUTURE = "ESZ6@ib"
INSTRUMENTS: Mapping[str, Instrument] = {
    BTC: an_instrument(),
    FUTURE: an_instrument(
        "ES", "USDT", id=FUTURE, venue="ib", kind="future", lot_size=D(1), multiplier=D(50)
    ),
}
SIDES: st.SearchStrategy[Side] = st.sampled_from(("buy", "sell"))


class Word(NamedTuple):
    """One fill of a plan, or what is said of it later."""

    place: int
    side: Side
    quantity: int
    price: int
    fee: int


WORDS = st.builds(
    Word, st.integers(0, 5), SIDES, st.integers(0, 6), st.integers(90, 110), st.integers(-1, 3)
)  # fmt: skip


def figures(word: Word) -> FillFigures:
    return FillFigures(
        quantity=D(word.quantity), price=D(word.price), fee=D(word.fee), fee_currency="USDT"
    )  # fmt: skip


def filled(word: Word, instrument: str, revision: int = 1) -> OrderFilled:
    fill = a_fill(
        word.side, str(word.quantity), str(word.price), fee=str(word.fee), instrument=instrument,
        trade_id=f"n{word.place}",
    )  # fmt: skip
    return msgspec.structs.replace(fill, ts_event=word.place, revision=revision)


def corrected(was: Word, becomes: Word, revision: int, instrument: str = BTC) -> FillCorrected:
    return FillCorrected(
        ts_event=100 + revision, client_order_id="TTEST00010000001", account="main", strategy="s",
        instrument=instrument, venue_order_id="7", trade_id=f"n{was.place}", revision=revision,
        side=was.side, before=figures(was), after=figures(becomes), fee_known=True, liquidity="taker",
        mid_price=None, ts_filled=was.place, filled_quantity=D(becomes.quantity),
    )  # fmt: skip


def a_rig() -> Rig:
    rig = Rig(a_ledger(INSTRUMENTS))
    rig.feed(a_quote(100.0), a_statement(0, USDT="100000"))
    return rig


def the_position(ledger: LedgerActor, instrument: str) -> Position:
    found = [each for each in ledger.positions("main") if each.instrument == instrument]
    return found[0] if found else Position("main", "s", instrument)


class Plan:
    """Fills in their order, corrected in any; and the words that stand in the end."""

    def __init__(self, fills: Sequence[Word], later: Sequence[Word], instrument: str) -> None:
        self.rig = a_rig()
        self.instrument = instrument
        self.stand = [
            word._replace(place=place, quantity=word.quantity or 1) for place, word in enumerate(fills)
        ]
        for word in self.stand:
            self.rig.feed(filled(word, instrument))
        for number, word in enumerate(later, 2):
            was = self.stand[word.place % len(self.stand)]
            becomes = word._replace(place=was.place, side=was.side)
            self.stand[was.place] = becomes
            if figures(was) != figures(becomes):
                sent = self.rig.feed(corrected(was, becomes, number, instrument))
                assert isinstance(sent[-1], PositionChanged), "a booking ends with the position"
                assert sent[-1].filled_quantity == becomes.quantity - was.quantity

    def signed(self, word: Word) -> Decimal:
        return D(word.quantity if word.side == "buy" else -word.quantity)


@settings(max_examples=150)
@given(
    fills=st.lists(WORDS, min_size=1, max_size=6), later=st.lists(WORDS, max_size=6),
    instrument=st.sampled_from((BTC, FUTURE)),
)  # fmt: skip
def test_books_are_what_the_newest_words_sum_up_to(
    fills: list[Word], later: list[Word], instrument: str
) -> None:
    plan = Plan(fills, later, instrument)
    ledger, position = plan.rig.ledger, the_position(plan.rig.ledger, instrument)
    multiplier = INSTRUMENTS[instrument].multiplier
    quantity = sum((plan.signed(word) for word in plan.stand), ZERO)
    paid = sum((plan.signed(word) * word.price for word in plan.stand), ZERO)
    fees = D(sum(word.fee for word in plan.stand))
    assert not any(ledger.trial_balance("main").values())
    book = ledger._books["main"]
    assert book.broken(ledger.positions("main"), dict(INSTRUMENTS)) is None
    assert (position.quantity, position.fees, book.net[instrument]) == (quantity, fees, quantity)
    assert position.quantity == sum((lot.quantity for lot in position.lots), ZERO)
    assert position.cost == sum((lot.quantity * lot.price for lot in position.lots), ZERO)
    assert len({lot.quantity > ZERO for lot in position.lots}) <= 1, "long and short at once"
    # what was paid is either still in the position or realised
    assert position.cost * multiplier - position.realised_pnl == paid * multiplier
    if instrument == BTC:
        assert plan.rig.balance("BTC") == quantity
        assert plan.rig.balance("USDT") == D(100_000) - paid - fees
    else:
        held = book.contracts[instrument]
        assert held.quantity == quantity
        assert plan.rig.balance("USDT") == D(100_000) - fees + (held.cost - paid) * multiplier


@settings(max_examples=100)
@given(fills=st.lists(WORDS, min_size=1, max_size=6), later=st.lists(WORDS, max_size=5))
def test_other_prices_leave_books_as_if_they_had_been_right_at_once(
    fills: list[Word], later: list[Word]
) -> None:
    plain = [word._replace(place=place, quantity=word.quantity or 1) for place, word in enumerate(fills)]
    prices = [
        word._replace(quantity=plain[word.place % len(plain)].quantity, place=word.place % len(plain))
        for word in later
    ]
    plan = Plan(fills, prices, BTC)
    right = Plan(plan.stand, [], BTC)
    ours, theirs = (the_position(each.rig.ledger, BTC) for each in (plan, right))
    assert ours.lots == theirs.lots
    assert (ours.cost, ours.realised_pnl, ours.fees) == (theirs.cost, theirs.realised_pnl, theirs.fees)


@settings(max_examples=100)
@given(
    fills=st.lists(WORDS, min_size=2, max_size=6), later=st.lists(WORDS, min_size=1, max_size=4),
    instrument=st.sampled_from((BTC, FUTURE)),
)  # fmt: skip
def test_the_newest_fill_is_booked_as_if_its_last_word_had_been_the_first(
    fills: list[Word], later: list[Word], instrument: str
) -> None:
    last = len(fills) - 1
    plan = Plan(fills, [word._replace(place=last) for word in later], instrument)
    stand = plan.stand if plan.stand[last].quantity else plan.stand[:last]
    right = Plan(stand, [], instrument)
    ours, theirs = (the_position(each.rig.ledger, instrument) for each in (plan, right))
    assert merged(ours) == merged(theirs)
    assert (ours.quantity, ours.cost, ours.realised_pnl) == (
        theirs.quantity, theirs.cost, theirs.realised_pnl,
    )  # fmt: skip


def merged(position: Position) -> list[tuple[Decimal, int, Decimal]]:
    """Lots with parts of the same one put together."""
    found: dict[tuple[Decimal, int], Decimal] = {}
    for lot in position.lots:
        key = (lot.price, lot.ts_opened)
        found[key] = found.get(key, ZERO) + lot.quantity
    return [(price, ts, quantity) for (price, ts), quantity in sorted(found.items())]


@settings(max_examples=40)
@given(fills=st.lists(WORDS, min_size=1, max_size=4), later=st.lists(WORDS, min_size=1, max_size=4))
def test_a_ledger_restored_between_two_words_goes_on_alike(fills: list[Word], later: list[Word]) -> None:
    plan = Plan(fills, later[:-1], BTC)
    again = a_rig()
    again.sequencer.restore(plan.rig.sequencer.snapshot())
    was = plan.stand[later[-1].place % len(plan.stand)]
    becomes = later[-1]._replace(place=was.place, side=was.side)
    word = corrected(was, becomes, 99)
    assert plan.rig.feed(word) == again.feed(word)
    encode = msgspec.msgpack.encode
    assert encode(plan.rig.ledger.snapshot()) == encode(again.ledger.snapshot())


def a_word(place: int, side: Side, quantity: int, price: int, fee: int = 0) -> Word:
    return Word(place, side, quantity, price, fee)


def test_a_busted_sale_opens_again_what_it_had_closed() -> None:
    sale = a_word(1, "sell", 10, 120)
    plan = Plan([a_word(0, "buy", 10, 100), sale], [sale._replace(quantity=0)], BTC)
    position = the_position(plan.rig.ledger, BTC)
    assert (position.quantity, position.entry_price_average, position.realised_pnl) == (D(10), D(100), D(0))
    closing = filled(a_word(2, "sell", 10, 130), BTC)
    trade = plan.rig.one(TradeClosed, closing)
    assert (trade.entry_price, trade.exit_price, trade.realised_pnl) == (D(100), D(130), D(300))


def test_a_busted_purchase_that_was_sold_leaves_the_sale_as_a_short() -> None:
    purchase = a_word(0, "buy", 10, 100)
    plan = Plan([purchase, a_word(1, "sell", 10, 120)], [purchase._replace(quantity=0)], BTC)
    position = the_position(plan.rig.ledger, BTC)
    assert (position.quantity, position.entry_price_average, position.realised_pnl) == (D(-10), D(120), D(0))


def test_a_busted_purchase_makes_its_sale_close_the_next_one() -> None:
    purchase = a_word(0, "buy", 10, 100)
    fills = [purchase, a_word(1, "buy", 10, 110), a_word(2, "sell", 10, 120)]
    plan = Plan(fills, [purchase._replace(quantity=0)], BTC)
    position = the_position(plan.rig.ledger, BTC)
    assert (position.quantity, position.realised_pnl) == (D(0), D(100))


def test_a_round_trip_that_runs_is_told_by_what_stands_at_its_end() -> None:
    plan = Plan(
        [a_word(0, "buy", 10, 100), a_word(1, "sell", 4, 110)],
        [a_word(0, "buy", 10, 101), a_word(1, "sell", 4, 112, 2)], BTC,
    )  # fmt: skip
    trade = plan.rig.one(TradeClosed, filled(a_word(2, "sell", 6, 120), BTC))
    assert (trade.quantity, trade.entry_price, trade.fees) == (D(10), D(101), D(2))
    assert trade.realised_pnl == 4 * (112 - 101) + 6 * (120 - 101)


def test_a_fee_in_kind_moves_the_position_with_its_correction() -> None:
    rig = a_rig()
    fill = a_fill("buy", "1", "100", fee="0.01", fee_currency="BTC", trade_id="n0")
    rig.feed(msgspec.structs.replace(fill, revision=1))
    before = FillFigures(quantity=D(1), price=D(100), fee=D("0.01"), fee_currency="BTC")
    after = msgspec.structs.replace(before, quantity=D(2), fee=D("0.02"))
    word = msgspec.structs.replace(
        corrected(a_word(0, "buy", 1, 100), a_word(0, "buy", 2, 100), 2), before=before, after=after
    )
    rig.feed(word)
    position = the_position(rig.ledger, BTC)
    assert (position.quantity, rig.balance("BTC"), position.fees) == (D("1.98"), D("1.98"), D(2))
    assert not any(rig.ledger.trial_balance("main").values())


def test_the_same_word_twice_is_no_booking() -> None:
    plan = Plan([a_word(0, "buy", 10, 100)], [], BTC)
    word = corrected(a_word(0, "buy", 10, 100), a_word(0, "buy", 9, 100), 2)
    plan.rig.feed(word)
    with pytest.raises(InvariantBroken, match="second time"):
        plan.rig.ledger.on_fill_corrected(word)


def test_a_split_ends_what_is_remembered_of_fills() -> None:
    plan = Plan([a_word(0, "buy", 10, 100)], [], BTC)
    assert plan.rig.ledger.snapshot().corrections
    split = PositionSplit(
        ts_event=5, account="main", instrument=BTC, shares_before=D(1), shares_after=D(2), quantity=D(20),
        price=D(50), cash_in_lieu=ZERO, action_id="x",
    )  # fmt: skip
    plan.rig.feed(split)
    assert plan.rig.ledger.snapshot().corrections == []
