"""What a session would have come to on the simulated venue: another fill model, limits or parameters."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.ledger.exact import EXACT
from actors.model.money import ZERO
from daemon.config import Config
from daemon.graph import StrategyClasses
from daemon.research.parity.inherited import recorded_book
from daemon.research.parity.ladder import Marks
from daemon.research.parity.orders import OrderBook
from daemon.research.parity.session import Session
from daemon.research.parity.simulate import simulate


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy did."""

    orders: int
    fills: int
    pnl: Decimal
    """Of these orders at the session's last prices, with what holding brought and cost; account currency."""


class StrategyWhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy, as recorded and as simulated."""

    account: str
    currency: str
    recorded: Result
    simulated: Result


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What `tickerd replay --broker simulated --json` prints."""

    session: str
    strategies: dict[str, StrategyWhatIf]
    denied: dict[str, int]
    """Code → how many orders our own risk refused in the simulation."""


def what_if(session: Session, classes: StrategyClasses, config: Config) -> WhatIf:
    """Run a session anew on the simulated venue and put it beside the record.

    Raises:
        TradingError: It cannot be simulated or valued.
    """
    record = recorded_book(session)
    simulation = simulate(session, classes, config=config)
    marks = Marks(simulation.market, session.instruments, session.splits)

    def result(book: OrderBook, strategy: str, currency: str) -> Result:
        own = [order for order in book.orders.values() if order.terms.strategy == strategy]
        pnl = ZERO
        for order in own:
            pnl = EXACT.add(pnl, marks.worth(order, currency))
        for part in book.parts:
            if part.strategy == strategy:
                pnl = EXACT.add(pnl, marks.charged(part, currency))
        return Result(orders=len(own), fills=sum(len(order.fills) for order in own), pnl=pnl)

    strategies = {}
    for name, section in config.strategies.items():
        currency = config.accounts[section.account].base_currency
        strategies[name] = StrategyWhatIf(
            account=section.account,
            currency=currency,
            recorded=result(record, name, currency),
            simulated=result(simulation.book, name, currency),
        )
    denied: dict[str, int] = {}
    for (_, code), count in simulation.book.denied.items():
        denied[code] = denied.get(code, 0) + count
    return WhatIf(session=session.label, strategies=strategies, denied=denied)
