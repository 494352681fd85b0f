"""Holdings as seen from outside the ledger: balances per account, positions per strategy and net."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.messages.account import BalanceChanged, PositionChanged
from actors.messages.clearing import ContractsChanged
from actors.model.contracts import Contracts
from actors.model.money import ZERO

PositionKey = tuple[str, str, str]
"""Account, strategy, instrument."""


class HoldingsState(msgspec.Struct, array_like=True):
    """Holdings as checkpoints keep them; pairs instead of maps because keys are tuples."""

    balances: list[tuple[tuple[str, str], Decimal]]
    own: list[tuple[PositionKey, Decimal, Decimal]]
    net: list[tuple[tuple[str, str], Decimal]]
    contracts: list[tuple[tuple[str, str], Contracts]] = []


class Holdings:
    """What accounts and strategies hold, after the bookings heard of so far."""

    def __init__(self) -> None:
        self.balance_of: dict[tuple[str, str], Decimal] = {}
        """Account and asset → total; open to whoever follows, for it changes with every fill."""
        self._own: dict[PositionKey, tuple[Decimal, Decimal]] = {}
        self._net: dict[tuple[str, str], Decimal] = {}
        self._contracts: dict[tuple[str, str], Contracts] = {}

    def apply(self, event: BalanceChanged | PositionChanged) -> None:
        """Follow one booking."""
        if isinstance(event, BalanceChanged):
            self.apply_balance(event)
        else:
            self.apply_position(event)

    def apply_balance(self, change: BalanceChanged) -> None:
        """Follow a total."""
        self.balance_of[change.account, change.asset] = change.total

    def apply_position(self, change: PositionChanged) -> None:
        """Follow a position."""
        account, instrument = change.account, change.instrument
        self._own[account, change.strategy, instrument] = change.quantity, change.entry_price_average
        self._net[account, instrument] = change.account_quantity

    def apply_contracts(self, change: ContractsChanged) -> None:
        """Follow open derivatives."""
        self._contracts[change.account, change.instrument] = Contracts(change.quantity, change.cost)

    def balance(self, account: str, asset: str) -> Decimal:
        """Total of one asset, free and locked; 0 when never heard of."""
        return self.balance_of.get((account, asset), ZERO)

    def balances(self, account: str) -> dict[str, Decimal]:
        """Every asset of the account, in the order first heard of."""
        return {asset: total for (owner, asset), total in self.balance_of.items() if owner == account}

    def position(self, account: str, strategy: str, instrument: str) -> Decimal:
        """The strategy's own signed quantity."""
        own = self._own.get((account, strategy, instrument))
        return own[0] if own is not None else ZERO

    def entry_price_average(self, account: str, strategy: str, instrument: str) -> Decimal:
        """Quote per base; 0 when flat."""
        own = self._own.get((account, strategy, instrument))
        return own[1] if own is not None else ZERO

    def account_position(self, account: str, instrument: str) -> Decimal:
        """Net signed quantity over the account's strategies."""
        return self._net.get((account, instrument), ZERO)

    def account_positions(self, account: str) -> dict[str, Decimal]:
        """Net quantity per instrument of the account."""
        return {instrument: net for (owner, instrument), net in self._net.items() if owner == account}

    def contracts(self, account: str) -> dict[str, Contracts]:
        """Derivatives of the account by instrument, net over its strategies."""
        if not self._contracts:
            return {}
        return {name: held for (owner, name), held in self._contracts.items() if owner == account}

    def holders(self, account: str, instrument: str) -> dict[str, Decimal]:
        """Strategies of the account that hold the instrument now, with their quantity."""
        return {
            strategy: quantity
            for (owner, strategy, held), (quantity, _) in self._own.items()
            if owner == account and held == instrument and quantity
        }

    def snapshot(self) -> HoldingsState:
        """State for the checkpoint."""
        return HoldingsState(
            list(self.balance_of.items()),
            [(key, quantity, price) for key, (quantity, price) in self._own.items()],
            list(self._net.items()),
            list(self._contracts.items()),
        )

    def restore(self, state: HoldingsState) -> None:
        """Take a checkpoint's state."""
        self.balance_of = dict(state.balances)
        self._own = {key: (quantity, price) for key, quantity, price in state.own}
        self._net = dict(state.net)
        self._contracts = dict(state.contracts)
