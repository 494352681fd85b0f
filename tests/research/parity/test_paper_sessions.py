"""Paper sessions of any settings: their backtest repeats them, and parity finds nothing to explain."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from actors.messages.orders import OrderTerms
from daemon.config import BacktestSection, Config, SessionSection
from daemon.research.backtest import run_backtest
from daemon.research.frames import times_of
from daemon.research.parity.inherited import as_orders, inherited_orders, recorded_book
from daemon.research.parity.orders import OrderListener, Orders
from daemon.research.parity.parity import parity
from daemon.research.parity.session import Session, open_session
from daemon.research.runs import Run
from daemon.startup import load_classes
from tests.research.parity.paper_sessions import MARKETS, a_paper_session

SEEDS = range(8)


@pytest.fixture(scope="module", params=SEEDS)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    state = tmp_path_factory.mktemp("paper") / "state"
    a_paper_session(state, request.param)
    return open_session(state)


def plain(orders: Orders) -> list[tuple[object, ...]]:
    """All but when we knew it: of what a timer told, the tape says only in which input's step that was."""
    return [
        (key, order.terms, order.ts_decided, order.ts_venue, order.status,
         [msgspec.structs.replace(fill, ts_known=0) for fill in order.fills])
        for key, order in orders.items()
    ]  # fmt: skip


def backtested(session: Session, *listeners: OrderListener) -> Run:
    on_session = BacktestSection(session=SessionSection(state=str(session.state), label=session.label))
    config: Config = msgspec.structs.replace(session.config, backtest=on_session)
    return run_backtest(config, load_classes(config), listeners=listeners)


def test_the_backtest_gives_the_same_orders_answers_and_fills(session: Session) -> None:
    record = recorded_book(session)
    listener = OrderListener(as_orders(session, inherited_orders(session)))
    run = backtested(session, listener)
    assert any(order.fills for order in record.orders.values())
    assert plain(listener.book.orders) == plain(record.orders)
    assert listener.book.denied == record.denied
    assert listener.book.charges == record.charges
    assert run.info.warnings == [each for each in run.info.warnings if "left out" not in each]


def test_its_tables_hold_every_order_and_fill(session: Session) -> None:
    record, run = recorded_book(session), backtested(session)
    inherited = {order.terms.client_order_id for order in inherited_orders(session)}
    fills = [
        (fill.ts, key, float(fill.quantity), float(fill.price), float(fill.fee), fill.liquidity)
        for key, order in record.orders.items()
        for fill in order.fills
    ]
    columns = ("client_order_id", "quantity", "price", "fee", "liquidity")
    rows = run.frames.fills.select(columns).rows()
    tested = [(ts, *row) for ts, row in zip(times_of(run.frames.fills), rows, strict=True)]
    assert sorted(tested) == sorted(fills)
    sent = run.frames.orders.filter(run.frames.orders["status"] != "denied")
    assert sent["client_order_id"].to_list() == [key for key in record.orders if key not in inherited]
    denied = Counter[str]()
    for (_, code), count in record.denied.items():
        denied[code] += count
    assert run.info.denied == denied


def test_parity_takes_every_order_for_alike_and_nothing_is_left_to_explain(session: Session) -> None:
    for account in parity(session, load_classes(session.config)).accounts.values():
        assert account.same_orders == account.recorded.orders
        assert account.simulated == account.recorded
        assert not any(account.effects.values())
        assert account.differences == []


def test_what_the_seeds_bring_is_everything_that_can_happen_to_an_order(tmp_path: Path) -> None:
    """The other tests prove nothing about what never occurs."""
    seen: set[str] = set()
    for seed in SEEDS:
        state = tmp_path / str(seed)
        seen.add(a_paper_session(state, seed))
        session = open_session(state)
        record = recorded_book(session)
        seen.update(_kinds(order.terms) for order in record.orders.values())
        seen.update(order.status for order in record.orders.values())
        seen.update("partial" for order in record.orders.values() if len(order.fills) > 1)
        seen.update(
            "maker" for order in record.orders.values() for f in order.fills if f.liquidity == "maker"
        )
        seen.update("replaced" for order in record.orders.values() if order.terms.replaces)
        seen.update("inherited" for _ in inherited_orders(session))
        seen.update("denied" for _ in record.denied)
    assert seen >= {
        *MARKETS, "market", "limit", "stop", "trailing_stop", "bracket", "filled", "cancelled", "expired",
        "WOULD_TAKE", "partial", "maker", "replaced", "inherited", "denied",
    }  # fmt: skip


def _kinds(terms: OrderTerms) -> str:
    return "bracket" if terms.special is not None and terms.special.parent else terms.order_type
