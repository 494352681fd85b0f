"""Whatever is thrown at the engine: nothing appears or vanishes, and what is locked is what orders need."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from actors.messages.orders import OrderTerms
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import Expired, Filled, VenueEvent
from tests.venues.simulated.builders import (
    BTC,
    D,
    Orders,
    a_bar,
    a_book,
    a_delta,
    a_market,
    a_quote,
    a_trade,
    an_engine,
    restored,
    state_bytes,
    totals,
)

ACCOUNTS = ("a", "b")
MODES = ("none", "quotes", "book", "trades", "bars", "closes")
Step = Callable[[MatchingEngine, int], list[VenueEvent]]


RULES = {
    "quotes": a_market(queue="proportional", slippage={"spread_share": 0.5}),
    "book": a_market(queue="back"),
    "trades": a_market(slippage={"impact": 0.001}),
    "bars": a_market(path="pessimistic", volume_share=0.4, slippage={"ticks": 1, "impact": 0.001}),
    "closes": a_market(path="ohlc", volume_share=0.4, market_orders="same_close", limits="through"),
}


def fresh(mode: str) -> MatchingEngine:
    prevention = "NONE" if mode == "trades" else "EXPIRE_MAKER"
    return an_engine(
        market=RULES.get(mode),
        accounts=ACCOUNTS,
        maker_fee=D("0.0002"),
        taker_fee=D("0.00075"),
        fee_currency="USDT" if mode in ("quotes", "trades") else None,
        self_trade_prevention=prevention,
        opening_balances={"USDT": D(3_000), "BTC": D(30)},
    )


def an_order(chance: random.Random, order: Orders) -> OrderTerms:
    side = chance.choice(["buy", "sell"])
    kind = chance.choice(["market", "limit", "limit", "limit", "stop", "stop_limit"])
    price = f"{chance.randint(970, 1030) / 10:.1f}" if kind in ("limit", "stop_limit") else None
    stop = f"{chance.randint(970, 1030) / 10:.1f}" if kind.startswith("stop") else None
    tif = chance.choice(["gtc", "gtc", "day", "ioc", "fok"])
    post_only = kind == "limit" and tif in ("gtc", "day") and chance.random() < 0.3
    quantity = f"{chance.randint(50, 4000) / 1000}"
    return order(
        side,
        quantity,
        price,
        stop=stop,
        tif=tif,
        account=chance.choice(ACCOUNTS),
        post_only=post_only,
        reduce_only=side == "sell" and chance.random() < 0.2,
    )


def a_move(chance: random.Random, mode: str, mid: float) -> Step:
    size = chance.randint(0, 3000) / 1000
    if mode in ("bars", "closes"):
        open_ = mid + chance.randint(-10, 10) / 10
        high, low = open_ + chance.randint(0, 20) / 10, open_ - chance.randint(0, 20) / 10
        volume = chance.choice([0, 1, 5])
        bar = a_bar(
            open_, high, low, chance.choice([open_, high, low]), volume=volume, ts=chance.getrandbits(40)
        )
        return lambda engine, now: engine.on_bar(bar, now)
    if mode == "trades" or (mode != "none" and chance.random() < 0.3):
        trade = a_trade(mid, size, aggressor=chance.choice(["buy", "sell", "unknown"]))
        return lambda engine, now: engine.on_trade(trade, now)
    if mode == "book":
        if chance.random() < 0.2:
            bids = [(round(mid - i / 10, 1), chance.randint(1, 9) / 10) for i in range(1, 6)]
            asks = [(round(mid + i / 10, 1), chance.randint(1, 9) / 10) for i in range(1, 6)]
            book = a_book(bids, asks)
            return lambda engine, now: engine.on_book_snapshot(book, now)
        delta = a_delta([(round(mid - 0.2, 1), size)], [(round(mid + 0.2, 1), size)])
        return lambda engine, now: engine.on_book_delta(delta, now)
    quote = a_quote(round(mid - 0.1, 1), round(mid + 0.1, 1), sizes=(size, size + 1))
    return lambda engine, now: engine.on_quote(quote, now)


def a_run(mode: str, seed: int, length: int) -> list[Step]:
    """Random orders, cancels, changes and market moves; the same for every engine."""
    chance, order = random.Random(f"{mode}{seed}"), Orders()
    mid, steps = 100.0, []
    for _ in range(length):
        mid = round(min(103.0, max(97.0, mid + chance.choice([-0.2, -0.1, 0, 0, 0.1, 0.2]))), 1)
        dice = chance.random()
        if dice < 0.35 and mode != "none":
            steps.append(a_move(chance, mode, mid))
        elif dice < 0.8:
            steps.append(a_submit(an_order(chance, order)))
        elif dice < 0.9:
            account, which = chance.choice(ACCOUNTS), str(chance.randint(1, order.count + 1))
            steps.append(a_cancel(account, which))
        elif dice < 0.98:
            steps.append(a_change(chance, order.count))
        else:
            steps.append(lambda engine, now: engine.end_day(BTC, now))
    return steps


def a_submit(terms: OrderTerms) -> Step:
    return lambda engine, now: engine.submit(terms, now)


def a_cancel(account: str, which: str) -> Step:
    return lambda engine, now: engine.cancel(account, BTC, now, venue_order_id=which)


def a_change(chance: random.Random, orders: int) -> Step:
    account, which = chance.choice(ACCOUNTS), str(chance.randint(max(1, orders - 8), orders + 1))
    quantity, price = D(chance.randint(50, 4000)) / 1000, D(chance.randint(970, 1030)) / 10
    return lambda engine, now: engine.replace(
        account, BTC, now, venue_order_id=which, quantity=quantity, price=price
    )


def check_locks(engine: MatchingEngine) -> None:
    for account in ACCOUNTS:
        needed: dict[str, Decimal] = {}
        for order in engine.open_orders(account):
            assert order.remaining > 0
            if order.reduce_only:
                assert not order.locked
                continue
            rate = 1 + (D("0.00075") if order.locked_asset == engine_fee(engine, account) else 0)
            unit = order.lock_price if order.side == "buy" else D(1)
            if order.price is not None and order.side == "buy":
                assert unit == order.price
            needed[order.locked_asset] = needed.get(order.locked_asset, D(0)) + order.remaining * unit * rate
        for asset, balance in engine.balances(account).items():
            assert balance.locked == needed.get(asset, D(0))
            assert balance.free >= 0


def engine_fee(engine: MatchingEngine, account: str) -> str | None:
    return engine._desk.accounts[account].settings.fee_currency


def expected_totals(events: list[VenueEvent]) -> dict[str, Decimal]:
    """What both accounts must hold together, from the fills alone."""
    found = {"USDT": D(6_000), "BTC": D(60)}
    for event in events:
        if isinstance(event, Filled):
            sign = 1 if event.side == "buy" else -1
            found["BTC"] += sign * event.quantity
            found["USDT"] -= sign * event.quantity * event.price
            found[event.fee_currency] -= event.fee
    return found


def check_limits(engine: MatchingEngine, events: list[VenueEvent]) -> None:
    for event in events:
        if isinstance(event, Filled):
            order = engine.find_order(event.account, venue_order_id=event.venue_order_id)
            assert order is not None
            assert event.filled_quantity <= event.order_quantity
            if order.price is not None and order.ts_created == event.ts:  # not changed since
                worse = event.price - order.price
                assert worse <= 0 if order.side == "buy" else worse >= 0
            if order.post_only:
                assert event.is_maker


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_money_and_goods_are_conserved_whatever_happens(mode: str, seed: int) -> None:
    engine, told = fresh(mode), []
    for now, step in enumerate(a_run(mode, seed, 150), start=1):
        events = step(engine, now)
        told += events
        check_limits(engine, events)
        check_locks(engine)
    assert totals(engine, ACCOUNTS) == expected_totals(told)
    assert sum(isinstance(event, Filled) for event in told) > 10
    assert any(isinstance(event, Expired) for event in told)


@pytest.mark.parametrize("mode", MODES)
def test_engine_restored_after_any_step_goes_on_exactly_alike(mode: str) -> None:
    steps = a_run(mode, 7, 60)
    whole = fresh(mode)
    told = [step(whole, now) for now, step in enumerate(steps, start=1)]
    for k in range(len(steps)):
        engine = fresh(mode)
        for now, step in enumerate(steps[:k], start=1):
            step(engine, now)
        engine = restored(engine, fresh(mode))
        for now, step in enumerate(steps[k:], start=k + 1):
            assert step(engine, now) == told[now - 1], f"restored after step {k}, step {now}"
        assert state_bytes(engine) == state_bytes(whole), f"restored after step {k}"


def test_trades_between_accounts_move_money_and_goods_from_one_to_the_other() -> None:
    engine = fresh("none")
    events = [e for now, step in enumerate(a_run("none", 3, 200), start=1) for e in step(engine, now)]
    fees = sum(event.fee for event in events if isinstance(event, Filled) and event.fee_currency == "USDT")
    goods = sum(event.fee for event in events if isinstance(event, Filled) and event.fee_currency == "BTC")
    assert totals(engine, ACCOUNTS) == {"USDT": D(6_000) - fees, "BTC": D(60) - goods}
    sides = [event.side for event in events if isinstance(event, Filled)]
    assert sides.count("buy") == sides.count("sell") > 5


def test_displayed_size_bounds_what_all_orders_together_get() -> None:
    chance, order = random.Random(5), Orders()
    engine = an_engine(accounts=ACCOUNTS, self_trade_prevention="NONE")
    for round_ in range(40):
        size = 1 + round_ / 1000  # always another size, so each quote shows new depth
        events = list(engine.on_quote(a_quote(99, 101, sizes=(size, size)), round_))
        for _ in range(4):
            terms = order(
                "buy", f"{chance.randint(100, 900) / 1000}", tif="ioc", account=chance.choice(ACCOUNTS)
            )
            events += engine.submit(terms, round_)
        bought = sum(event.quantity for event in events if isinstance(event, Filled))
        assert bought <= D(str(size))
