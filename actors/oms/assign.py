"""What our books do not know and the operator says is a strategy's: orders with their fills, bare holdings.

An order is taken over as recovery takes one from the record: it counts at its worst case, fills booked as
external are moved to it, and the venue is asked what became of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from actors.messages.account import LotOpened
from actors.messages.approvals import ApprovalAsked, ApprovalSettled
from actors.messages.assigning import AssignHolding, AssignOrder, AssignPosition, PositionMoved
from actors.messages.orders import FillReport, OrderRecovered, OrderTerms, Side
from actors.model.ids import is_panic_id, looks_like_tickerd
from actors.model.money import ZERO
from actors.oms.adopt import Adoption
from actors.oms.book import OrderBook
from actors.oms.corrections import Corrections
from actors.oms.desk import Desk
from actors.oms.external import ExternalFills
from actors.oms.resolve import waits_already

Assignment = AssignOrder | AssignHolding | AssignPosition


class Unclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """An order at the venue that no order in our books stands for."""

    account: str
    instrument: str
    venue_order_id: str
    client_order_id: str | None
    side: Side
    quantity: Decimal
    """Of the order while it is open, else what of it was filled."""
    filled: Decimal
    price: Decimal | None
    """Its limit while it is open, else what its fills came to on average."""
    is_open: bool
    trade_ids: tuple[str, ...]
    """Of the fills that are booked as external."""

    def is_meant(self, reference: str) -> bool:
        """Whether the operator names this one: a venue's ids may be unique only within an instrument."""
        return reference in (
            self.client_order_id, self.venue_order_id, f"{self.instrument}/{self.venue_order_id}",
        )  # fmt: skip

    def terms(self, account: str, strategy: str) -> OrderTerms:
        """The order as ours."""
        name = self.client_order_id
        is_ours = name is not None and looks_like_tickerd(name)
        return OrderTerms(
            client_order_id=name if name is not None and is_ours else f"assigned-{self.venue_order_id}",
            account=account,
            strategy=strategy,
            instrument=self.instrument,
            side=self.side,
            order_type="market" if self.price is None or not self.is_open else "limit",
            quantity=self.quantity,
            price=self.price if self.is_open else None,
        )


class Assignments:
    """Waits for the second command, then gives the strategy what it was said to own."""

    def __init__(
        self,
        desk: Desk,
        book: OrderBook,
        external: ExternalFills,
        adoption: Adoption,
        corrections: Corrections,
    ) -> None:
        self._desk, self._corrections = desk, corrections
        self._book = book
        self._external = external
        self._adoption = adoption
        self._waiting: dict[str, Assignment] = {}

    def unclaimed(self) -> Iterator[Unclaimed]:
        """Every order that can be assigned: those that rest, then those that are known by their fills."""
        told: dict[tuple[str, str, str], None] = {}
        fills = self._external.shown()
        for account, lines in self._adoption.unclaimed.items():
            for line in lines:
                key = (account, line.instrument, line.venue_order_id)
                if self._is_known(*key, line.client_order_id):
                    continue
                told[key] = None
                yield Unclaimed(
                    account=account,
                    instrument=line.instrument,
                    venue_order_id=line.venue_order_id,
                    client_order_id=line.client_order_id,
                    side=line.side,
                    quantity=line.quantity,
                    filled=line.filled_quantity,
                    price=line.price,
                    is_open=True,
                    trade_ids=tuple(fill.trade_id for fill in fills.get(key, ())),
                )
        for key, of_order in fills.items():
            name = of_order[0].client_order_id
            if key not in told and not is_panic_id(name or "") and not self._is_known(*key, name):
                yield _closed(key, of_order)

    def _is_known(self, account: str, instrument: str, venue_order_id: str, name: str | None) -> bool:
        is_named = name is not None and self._book.get(name) is not None
        return is_named or self._book.has_venue_order(account, instrument, venue_order_id)

    # the operator

    def ask(self, command: Assignment) -> tuple[bool, str]:
        """Check what is wanted and ask for the approval; whether it can be, and one sentence."""
        account, strategy = command.scope.account, command.scope.strategy
        if account is None or strategy is None:
            return False, "say whose it is: --strategy NAME"
        if not command.evidence.strip():
            return False, "say what proves it: --evidence TEXT"
        if isinstance(command, AssignHolding):
            name, what = f"{command.instrument}-{command.command_id}", _said_of_holding(command)
        elif isinstance(command, AssignPosition):
            name, what = f"{command.instrument}-{command.former}", f"what {command.former} holds of "
            what += command.instrument
        else:
            found = self._find(command.reference, account)
            if isinstance(found, str):
                return False, found
            name, what = found.venue_order_id, _said_of_order(found)
        approval_id = f"assign-{name}"
        if approval_id in self._waiting:
            return False, waits_already(approval_id)
        what = f"give {what} to {strategy} of {account}"
        self._waiting[approval_id] = command
        self._desk.send(
            ApprovalAsked(
                ts_event=self._desk.now,
                approval_id=approval_id,
                what=f"{what}: {command.evidence}",
                asked_by=command.by,
            )
        )
        return True, f"waits for approval {approval_id}: {what}"

    def _find(self, reference: str, account: str) -> Unclaimed | str:
        everything = list(self.unclaimed())
        found = [each for each in everything if each.is_meant(reference)]
        found = found or [each for each in everything if reference in each.trade_ids]
        here = [each for each in found if each.account == account]
        if not here:
            other = f"; {reference} is of account {found[0].account}" if found else ""
            return (
                f"nothing that is not in our books is called {reference} in {account}{other}: see ctl assign"
            )
        if len(here) > 1:
            names = ", ".join(f"{each.instrument}/{each.venue_order_id}" for each in here)
            return f"{reference} names {len(here)} orders: say which, {names}"
        if here[0].instrument not in self._desk.instruments:
            return f"{here[0].instrument} is not configured: a strategy that holds it must trade it"
        return here[0]

    def settled(self, settled: ApprovalSettled) -> None:
        """The second command has come, or what was asked for is void."""
        command = self._waiting.pop(settled.approval_id, None)
        if command is None or not settled.is_granted:
            return
        account, strategy = command.scope.account, command.scope.strategy
        assert account is not None, "checked when it was asked for"
        assert strategy is not None, "checked when it was asked for"
        if isinstance(command, AssignHolding):
            self._desk.send(
                LotOpened(
                    ts_event=self._desk.now,
                    account=account,
                    strategy=strategy,
                    instrument=command.instrument,
                    quantity=command.quantity,
                    entry_price=command.price,
                    lot_id=command.command_id,
                )
            )
            return
        if isinstance(command, AssignPosition):
            if not self._is_movable(account, strategy, command):
                return  # closed, or the other side taken, while it waited
            self._corrections.hand_over(account, command.instrument, command.former, strategy)
            self._desk.send(
                PositionMoved(
                    ts_event=self._desk.now,
                    account=account,
                    instrument=command.instrument,
                    former=command.former,
                    strategy=strategy,
                )
            )
            return
        found = self._find(command.reference, account)
        if isinstance(found, str):
            return  # somebody was quicker, or the order was found to be ours
        self._desk.send(
            OrderRecovered(
                ts_event=self._desk.now,
                terms=found.terms(account, strategy),
                sent_ms=self._desk.venue_ms(account),
                venue_order_id=found.venue_order_id,
            )
        )

    def _is_movable(self, account: str, strategy: str, command: AssignPosition) -> bool:
        held = self._desk.holders(account, command.instrument)
        moved = held.get(command.former, ZERO)
        return moved != ZERO and moved * held.get(strategy, ZERO) >= ZERO

    def snapshot(self) -> dict[str, Assignment]:
        """What waits, for the checkpoint."""
        return dict(self._waiting)

    def restore(self, waiting: dict[str, Assignment]) -> None:
        """Take a checkpoint's."""
        self._waiting = dict(waiting)


def _closed(key: tuple[str, str, str], fills: list[FillReport]) -> Unclaimed:
    quantity = sum((fill.quantity for fill in fills), ZERO)
    return Unclaimed(
        account=key[0],
        instrument=key[1],
        venue_order_id=key[2],
        client_order_id=fills[0].client_order_id,
        side=fills[0].side,
        quantity=quantity,
        filled=quantity,
        price=sum((fill.quantity * fill.price for fill in fills), ZERO) / quantity,
        is_open=False,
        trade_ids=tuple(fill.trade_id for fill in fills),
    )


def _said_of_order(found: Unclaimed) -> str:
    state = "open" if found.is_open else "filled"
    return (
        f"order {found.venue_order_id} ({state}: {found.side} {found.quantity} {found.instrument}, "
        f"{len(found.trade_ids)} fills)"
    )


def _said_of_holding(command: AssignHolding) -> str:
    return f"{command.quantity} {command.instrument} as bought at {command.price}"
