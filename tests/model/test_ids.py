"""Client order ids: of fixed form, and used once in all lives of all stores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.ids import EPOCH_ZERO_S, ClientOrderIds, base36, looks_like_tickerd, next_epoch

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("number", "width", "text"), [(0, 4, "0000"), (35, 2, "0Z"), (36, 2, "10"), (36**4 - 1, 4, "ZZZZ")]
)
def test_base36_is_of_fixed_width(number: int, width: int, text: str) -> None:
    assert base36(number, width) == text


@pytest.mark.parametrize(("number", "width"), [(-1, 4), (36**4, 4), (1, 0)])
def test_a_number_that_does_not_fit_raises(number: int, width: int) -> None:
    with pytest.raises(OverflowError, match="does not fit"):
        base36(number, width)


@given(st.integers(0, 36**7 - 1))
def test_base36_reads_back_and_keeps_the_order(number: int) -> None:
    assert int(base36(number, 7), 36) == number
    if number:
        assert base36(number - 1, 7) < base36(number, 7)


def test_an_id_is_store_epoch_and_counter() -> None:
    ids = ClientOrderIds(store_id="AB12", epoch=36)
    assert [ids.next(), ids.next()] == ["TAB1200100000001", "TAB1200100000002"]


def test_a_new_life_never_repeats_an_id_of_the_last() -> None:
    ids = ClientOrderIds(store_id="AB12", epoch=1)
    first = [ids.next() for _ in range(50)]
    ids.begin(2)
    assert not set(first) & {ids.next() for _ in range(50)}


def test_a_restored_counter_goes_on_where_it_was() -> None:
    ids, restored = ClientOrderIds(store_id="AB12", epoch=1), ClientOrderIds(store_id="ZZZZ", epoch=9)
    ids.next()
    restored.restore(ids.snapshot())
    assert restored.snapshot() == ids.snapshot()
    assert restored.next() == ids.next()


@pytest.mark.parametrize("store_id", ["", "ABC", "ABCDE", "abcd", "AB-1"])
def test_a_store_id_is_four_digits(store_id: str) -> None:
    with pytest.raises(ValueError, match="four base36 digits"):
        ClientOrderIds(store_id=store_id, epoch=1)


def test_ours_is_what_this_store_made_in_any_life() -> None:
    ids = ClientOrderIds(store_id="AB12", epoch=5)
    other = ClientOrderIds(store_id="AB13", epoch=5).next()
    assert ids.is_ours(ids.next())
    assert ids.is_ours(ClientOrderIds(store_id="AB12", epoch=99).next())
    assert not ids.is_ours(other)
    assert not ids.is_ours("TAB12")
    assert looks_like_tickerd(other)


@pytest.mark.parametrize(
    "text", ["", "x-1234567890ABCD", "TAB120010000001", "TAB12001000000011", "tAB1200100000001"]
)
def test_an_id_of_another_form_is_not_tickerds(text: str) -> None:
    assert not looks_like_tickerd(text)


def test_the_epoch_rises_with_time_and_always() -> None:
    start = EPOCH_ZERO_S * SECOND
    assert next_epoch(0, start) == 1
    assert next_epoch(0, start + 299 * SECOND + 999_999_999) == 1
    assert next_epoch(0, start + 2 * 300 * SECOND) == 2
    assert next_epoch(7, start + 2 * 300 * SECOND) == 8


def test_an_epoch_of_a_rolled_back_state_folder_is_new() -> None:
    now = (EPOCH_ZERO_S + 300 * 1000) * SECOND
    used = next_epoch(0, now)
    later = next_epoch(0, now + 300 * SECOND)
    assert later > used


def test_epochs_last_for_fifteen_years() -> None:
    assert len(base36(next_epoch(0, (EPOCH_ZERO_S + 15 * 365 * 86_400) * SECOND), 4)) == 4


def test_a_restored_store_goes_on_under_its_own_id_and_never_makes_one_of_the_former() -> None:
    ids = ClientOrderIds(store_id="AB12", epoch=36, counter=5)
    ids.take_over("CD34")
    assert ids.next() == "TCD3400100000006"
    assert (ids.snapshot().store_id, ids.snapshot().epoch) == ("CD34", 36)
