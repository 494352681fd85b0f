"""What a recorded session began with, given to a backtest: money, positions of strategies, last prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.errors import ConfigError
from actors.ledger.actor import LedgerActor
from actors.ledger.lots import Position
from actors.ledger.telling import contracts_changed
from actors.messages.account import LotOpened
from actors.model.contracts import Contracts
from actors.model.money import ZERO
from actors.store.rerun import decode_snapshot
from actors.strategies.recorded import AbsentStrategy
from actors.venues.simulated.margin import MarginAccount
from daemon.config import AccountSection, Config
from daemon.graph import Core, is_paper
from daemon.research.parity.inherited import show_last_prices
from daemon.research.parity.session import Session, last_seen
from daemon.startup import core_of_head

ASSETS_TOLD = 5
"""Of what an account begins with; a test network gives hundreds."""


class Inherited(NamedTuple):
    """What one account begins with besides its balances."""

    lots: tuple[LotOpened, ...]
    contracts: Mapping[str, Contracts]
    """Of instruments all of whose holders trade here, too: as the account's venue reckoned them."""


class Begun(NamedTuple):
    """A configuration whose accounts all begin with something, what they hold, and what to say of it."""

    config: Config
    inherited: Mapping[str, Inherited]
    notes: tuple[str, ...]


def begun(config: Config, session: Session) -> Begun:
    """Let accounts begin with what the session held; where others are named, with those balances alone.

    Raises:
        ConfigError: The session does not know what an account held, or a cash account would hold contracts.
    """
    books = _books(session)
    accounts, inherited, notes = dict(config.accounts), {}, []
    for name in dict.fromkeys(strategy.account for strategy in config.strategies.values()):
        account = config.accounts[name]
        if _has_own_money(account, session.config.accounts.get(name), books, name):
            continue
        held = _balances(session, books, name)
        simulated = msgspec.structs.replace(account.simulated, opening_balances=held)
        accounts[name] = msgspec.structs.replace(account, simulated=simulated)
        notes.append(
            f"{name}: begins with what the session held, {_in_words(held)}; "
            f"name other amounts in accounts.{name}.simulated.opening_balances"
        )
        positions = [each for each in books.positions(name) if each.quantity]
        here = [each for each in positions if _trades(config, each)]
        _check_may_hold(session, account, name, here, held)
        inherited[name] = _inherited(books, name, positions, here)
        notes += [f"{name}: {_position_in_words(each)}, as the session began" for each in here]
        notes += [
            f"{name}: {_position_in_words(each)}, is left out: no such strategy trades it here"
            for each in positions
            if each not in here
        ]
    return Begun(msgspec.structs.replace(config, accounts=accounts), inherited, tuple(notes))


def _books(session: Session) -> LedgerActor:
    """The ledger as the session's first state holds it."""
    core = core_of_head(session.head, classes=dict.fromkeys(session.config.strategies, AbsentStrategy))
    raw = decode_snapshot(session.head.snapshot).actors.get(core.ledger.name)
    if raw is not None:
        core.ledger.restore(core.ledger.decode_state(raw))
    return core.ledger


def _has_own_money(
    account: AccountSection, recorded: AccountSection | None, books: LedgerActor, name: str
) -> bool:
    """Whether the configuration says what the account begins with.

    A paper account's opening balances are those of its very first session.
    """
    own = account.simulated.opening_balances
    if not own:
        return False
    if recorded is None or not is_paper(recorded) or not books.balances(name):
        return True
    return own != recorded.simulated.opening_balances


def _balances(session: Session, books: LedgerActor, name: str) -> dict[str, Decimal]:
    told = session.first_balances(name)
    recorded = session.config.accounts.get(name)
    if told is None and recorded is not None and is_paper(recorded):
        told = books.balances(name) or None
    if told is None:
        raise ConfigError(
            f"accounts.{name}.simulated.opening_balances is empty, and session {session.label} has no "
            f"balances of {name}: add what the account begins with, as {{ USDT = 10_000 }}"
        )
    return {asset: amount for asset, amount in told.items() if amount}


def _trades(config: Config, position: Position) -> bool:
    section = config.strategies.get(position.strategy)
    return (
        section is not None
        and section.account == position.account
        and position.instrument in section.instruments
    )


def _check_may_hold(
    session: Session,
    account: AccountSection,
    name: str,
    positions: Sequence[Position],
    balances: Mapping[str, Decimal],
) -> None:
    """
    Raises:
        ConfigError: What only a margin account can hold is to be held by a cash account.
    """
    if account.simulated.account_type == "margin":
        return
    held = [
        f"{position.quantity.normalize():f} {position.instrument}"
        for position in positions
        if session.instruments[position.instrument].is_derivative
    ]
    held += [f"{amount.normalize():f} {asset}" for asset, amount in balances.items() if amount < ZERO]
    if held:
        raise ConfigError(
            f"account {name} held {', '.join(held)} when session {session.label} began, which a cash account "
            f'cannot: set accounts.{name}.simulated.account_type = "margin"'
        )


def _inherited(
    books: LedgerActor, name: str, positions: Sequence[Position], here: Sequence[Position]
) -> Inherited:
    left_out = dict.fromkeys(each.instrument for each in positions if each not in here)
    lots = [
        LotOpened(
            ts_event=lot.ts_opened,
            account=name,
            strategy=position.strategy,
            instrument=position.instrument,
            quantity=lot.quantity,
            entry_price=lot.price,
            lot_id=f"session:{position.strategy}:{position.instrument}:{number}",
        )
        for position in here
        for number, lot in enumerate(position.lots)
    ]
    state = books.snapshot().accounts.get(name)
    contracts = {} if state is None else state.contracts
    return Inherited(
        tuple(lots), {key: each for key, each in contracts.items() if each.quantity and key not in left_out}
    )


def _in_words(balances: Mapping[str, Decimal]) -> str:
    first = [f"{amount.normalize():,f} {asset}" for asset, amount in list(balances.items())[:ASSETS_TOLD]]
    more = [f"{len(balances) - ASSETS_TOLD} more"] if len(balances) > ASSETS_TOLD else []
    return ", ".join([*first, *more]) or "nothing"


def _position_in_words(position: Position) -> str:
    price = f"{position.entry_price_average:.8f}".rstrip("0").rstrip(".")
    return f"{position.strategy} holds {position.quantity.normalize():,f} {position.instrument} at {price}"


def give(core: Core, inherited: Mapping[str, Inherited], session: Session, at: int) -> None:
    """Put it into the books and at the simulated venue, with the prices that were seen last."""
    market = core.sequencer.market
    market.restore(each for each in last_seen(session) if each.instrument in session.instruments)
    for venue in core.venues:
        show_last_prices(venue.engine, market, at)
    for name, each in inherited.items():
        for lot in each.lots:
            core.sequencer.run(lot, at)
        _set_contracts(core, session, name, each.contracts, at)
        for venue in core.venues:
            account = venue.engine.desk.accounts.get(name)
            if isinstance(account, MarginAccount):
                account.contracts.update(core.ledger.snapshot().accounts[name].contracts)


def _set_contracts(
    core: Core, session: Session, name: str, contracts: Mapping[str, Contracts], at: int
) -> None:
    """Lots go first in, first out; a venue has contracts at one average cost, which is taken as recorded."""
    state = core.ledger.snapshot()
    ours = state.accounts[name].contracts
    other = {key: each for key, each in contracts.items() if ours.get(key) != each}
    if other:
        ours.update(other)
        core.ledger.restore(state)
    for key in other:
        core.sequencer.run(contracts_changed(name, session.instruments[key], ours, at), at)
