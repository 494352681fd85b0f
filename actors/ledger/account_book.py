"""The books of one account: its journal, what it compares with the venue, and the peak of its equity."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.ledger.exact import add, multiply, subtract
from actors.ledger.journal import Journal, Place
from actors.ledger.lots import Position, Taken
from actors.ledger.statements import Statements
from actors.messages.account import ExternalFill
from actors.model.contracts import Contracts, restate, settle
from actors.model.instrument import ONE, Instrument
from actors.model.money import ZERO


class LedgerAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one account."""

    base_currency: str
    """What equity is expressed in."""
    snapshot_ns: int = 10_000_000_000
    """Interval of `AccountSnapshot`."""


class Executed(NamedTuple):
    """An execution as an exchange of base against quote."""

    quantity: Decimal
    """Signed."""
    price: Decimal
    in_kind: Decimal
    """Part of the fee that the position itself paid."""


class AccountBookState(msgspec.Struct, array_like=True):
    """One account's books as checkpoints keep them."""

    totals: dict[str, dict[str, Decimal]]
    net: dict[str, Decimal]
    transfers: list[str]
    lots_opened: list[str]
    statements: Statements
    is_open: bool
    equity_peak: float
    snapshot_due: int
    contracts: dict[str, Contracts] = {}
    taken: dict[str, list[Taken]] = {}


TAKEN_MAX = 1_000
"""So many executions of others that took from positions of ours are remembered."""
TRADED: tuple[Place, ...] = ("trading", "realised", "fees")
"""Places that say what tickerd's own orders have made of an account."""


class AccountBook:
    """Books of one account; the actor moves them."""

    def __init__(self, settings: LedgerAccount, cash: Container[str] = ()) -> None:
        """`cash` are the assets that orders are paid in; all of them is tickerd's to trade with."""
        self.settings = settings
        self._cash = cash
        self.journal = Journal()
        self.net: dict[str, Decimal] = {}
        """Net quantity per instrument over all strategies."""
        self.transfers: dict[str, None] = {}
        """Transfer ids booked."""
        self.contracts: dict[str, Contracts] = {}
        """Open derivatives by instrument, net over all strategies."""
        self.lots_opened: dict[str, None] = {}
        """Lot ids booked."""
        self.taken: dict[str, list[Taken]] = {}
        """By execution of others what it took off positions of ours."""
        self.statements = Statements()
        self.is_open = False
        """Whether the opening balances are booked."""
        self.equity_peak = 0.0
        """Running peak, moved in proportion by transfers."""
        self.snapshot_due = 0

    def take_fill(
        self, instrument: Instrument, quantity: Decimal, price: Decimal, in_kind: Decimal, realised: Decimal
    ) -> None:
        """Book an exchange of base against quote.

        Args:
            quantity: Signed, as executed.
            in_kind: Part of the fee that the position itself pays: sold for the fee at the price of the fill.
            realised: P&L that the lots gave.
        """
        move, quote = self.journal.move, instrument.quote
        units = quantity if instrument.multiplier == ONE else multiply(quantity, instrument.multiplier)
        if instrument.is_derivative:
            move(instrument.unit, units, "contracts", "trading")
            move(quote, multiply(units, price), "trading", "contracts")
            if realised:
                move(quote, realised, "trading", "realised")
            self._settle(instrument, quantity, price)
            return
        received = subtract(units, in_kind) if in_kind else units
        self.journal.exchange(instrument.base, received, quote, multiply(units, price))
        if in_kind:
            move(quote, multiply(in_kind, price), "fees", "trading")
        if realised:
            move(quote, realised, "trading", "realised")

    def _settle(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """Pay what contracts have gained or lost, of the account's net position as its venue reckons it.

        One strategy may be long what another is short: what each has realised is its own affair.
        """
        held = self.contracts.get(instrument.id, Contracts())
        self.contracts[instrument.id], gained = settle(held, quantity, price)
        if gained:
            paid = multiply(gained, instrument.multiplier)
            self.journal.move(instrument.quote, paid, "holdings", "contracts")

    def restate_fill(
        self, instrument: Instrument, before: Executed, after: Executed, realised: Decimal
    ) -> None:
        """Put an exchange of base against quote in the place of one that `take_fill` has booked.

        Args:
            realised: What the lots gave by it, more or less.
        """
        move, quote, multiplier = self.journal.move, instrument.quote, instrument.multiplier
        units = multiply(subtract(after.quantity, before.quantity), multiplier)
        paid = multiply(
            subtract(multiply(after.quantity, after.price), multiply(before.quantity, before.price)),
            multiplier,
        )
        if instrument.is_derivative:
            move(instrument.unit, units, "contracts", "trading")
            move(quote, paid, "trading", "contracts")
            held = self.contracts.get(instrument.id, Contracts())
            self.contracts[instrument.id], gained = restate(
                held, before.quantity, before.price, after.quantity, after.price
            )
            move(quote, multiply(gained, multiplier), "holdings", "contracts")
        else:
            in_kind = subtract(after.in_kind, before.in_kind)
            self.journal.exchange(instrument.base, subtract(units, in_kind), quote, paid)
            worth = subtract(multiply(after.in_kind, after.price), multiply(before.in_kind, before.price))
            move(quote, worth, "fees", "trading")
        move(quote, realised, "trading", "realised")

    def open_lot(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """Give a part of the opening balance to a strategy, as if it had been bought at `price`."""
        units = multiply(quantity, instrument.multiplier)
        origin: Place = "contracts" if instrument.is_derivative else "opening"
        self.journal.move(instrument.unit, units, origin, "trading")
        self.journal.move(instrument.quote, multiply(units, price), "trading", origin)
        if instrument.is_derivative:
            self._settle(instrument, quantity, price)

    def close_lot(self, instrument: Instrument, quantity: Decimal, cost: Decimal) -> None:
        """Take a part of a position away at its cost: it left the account by nobody's trade."""
        units = multiply(quantity, instrument.multiplier)
        self.journal.move(instrument.unit, units, "trading", "adjustment")
        self.journal.move(instrument.quote, multiply(cost, instrument.multiplier), "adjustment", "trading")

    def take_external(self, fill: ExternalFill, instrument: Instrument, sign: int) -> list[str]:
        """Book (+1) or take back (-1) an execution that is not ours; returns the assets it moved."""
        quantity = fill.quantity * sign if fill.side == "buy" else -fill.quantity * sign
        units = multiply(quantity, instrument.multiplier)
        move = self.journal.move
        assets = []
        if not instrument.is_derivative:  # what others' contracts gain is theirs, and shows in statements
            move(instrument.base, units, "holdings", "external")
            move(instrument.quote, multiply(units, fill.price), "external", "holdings")
            assets = [instrument.base, instrument.quote]
        if fill.fee:
            move(fill.fee_currency, fill.fee * sign, "external", "holdings")
            if fill.fee_currency not in assets:
                assets.append(fill.fee_currency)
        return assets

    def next_snapshot(self, now: int) -> int:
        """When the account is published next."""
        return now - now % self.settings.snapshot_ns + self.settings.snapshot_ns

    def remember_taken(self, key: str, taken: list[Taken]) -> None:
        """Keep what an execution of others took off positions of ours."""
        self.taken[key] = [*self.taken.get(key, []), *taken]
        if len(self.taken) > TAKEN_MAX:
            del self.taken[next(iter(self.taken))]

    def keep_proceeds(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """What others got for a part of a position of ours belongs to us."""
        proceeds = multiply(multiply(quantity, instrument.multiplier), price)
        self.journal.move(instrument.quote, proceeds, "external", "adjustment")

    def own_holdings(self) -> dict[str, Decimal]:
        """What the account holds less what is not tickerd's.

        Of the assets that orders are paid in that is all but what others traded; of every other asset what
        our own orders and lots have made. What somebody keeps here beside us is neither profit nor loss.
        """
        journal, own = self.journal, {}
        for asset, held in journal.holdings.items():
            if asset in self._cash:
                own[asset] = held + journal.total("external", asset)
            else:
                made = ZERO
                for place in TRADED:
                    made += journal.total(place, asset)
                own[asset] = -made
        return own

    def broken(self, positions: list[Position], instruments: dict[str, Instrument]) -> str | None:
        """The first thing in which these books contradict themselves, in words."""
        for asset, amount in self.journal.trial_balance().items():
            if amount:
                return f"the trial balance of {asset} is {amount}, not 0"
        mirror: dict[str, Decimal] = {}
        for position in positions:
            instrument = instruments.get(position.instrument)
            if instrument is None:  # flat: nothing else is taken over without its instrument
                continue
            units = multiply(position.quantity, instrument.multiplier)
            cost = multiply(position.cost, instrument.multiplier)
            mirror[instrument.unit] = subtract(mirror.get(instrument.unit, ZERO), units)
            mirror[instrument.quote] = add(mirror.get(instrument.quote, ZERO), cost)
        for asset, amount in mirror.items():
            booked = self.journal.total("trading", asset)
            if booked != amount:
                return f"lots come to {amount} {asset}, the journal to {booked}"
        return None

    def equity_moved(self, before: float, after: float) -> None:
        """Money came or went: move the peak in proportion, so that the drawdown stays what it was."""
        if before > 0.0 and after > 0.0 and self.equity_peak > 0.0:
            self.equity_peak *= after / before
        else:
            self.equity_peak = max(after, 0.0)

    def valued(self, equity: float) -> None:
        """Remember an equity that was published: the peak rises to it."""
        self.equity_peak = max(self.equity_peak, equity)

    def drawdown(self, equity: float) -> float:
        """Equity over its running peak, this equity included, minus 1; ≤ 0."""
        peak = max(self.equity_peak, equity)
        return equity / peak - 1.0 if peak > 0.0 else 0.0

    def snapshot(self) -> AccountBookState:
        """State for the checkpoint."""
        return AccountBookState(
            totals=self.journal.snapshot(),
            net=dict(self.net),
            transfers=list(self.transfers),
            lots_opened=list(self.lots_opened),
            statements=self.statements.copy(),
            is_open=self.is_open,
            equity_peak=self.equity_peak,
            snapshot_due=self.snapshot_due,
            contracts=dict(self.contracts),
            taken=dict(self.taken),
        )

    def restore(self, state: AccountBookState) -> None:
        """Take a checkpoint's state."""
        self.journal.restore(state.totals)
        self.net = dict(state.net)
        self.transfers = dict.fromkeys(state.transfers)
        self.lots_opened = dict.fromkeys(state.lots_opened)
        self.statements = state.statements.copy()
        self.is_open, self.equity_peak = state.is_open, state.equity_peak
        self.snapshot_due = state.snapshot_due
        self.contracts = dict(state.contracts)
        self.taken = dict(state.taken)
