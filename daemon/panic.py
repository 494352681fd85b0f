"""Panic: one account out of the market, with nothing but its credentials.

1. The kill-switch file: a daemon that still runs, or starts by itself, halts.
2. The process that holds the state folder is ended, and the folder held so that none starts meanwhile.
3. Every open order of the account is cancelled, whoever has placed it.
4. What tickerd has bought is sold at market, and what it has sold short bought back, each order sent once.

What is closed. Without books only the venue can say what is tickerd's: the executions of orders under its own
ids, in the instruments that the configuration trades on this account, fees taken off. That is closed, never
more than is there, and what the account held before stays; on a cash account, where nothing is ever below 0,
nothing is ever bought. For an asset named by `keep` the rule is simpler: all above that amount goes, long or
short. Where the history does not say for certain, nothing is traded and the report says so. Steps 1 to 3
never wait for step 4, and orders are only cancelled while another process may still trade.

Its orders have ids of their own (`panic-…`): no tickerd's books know them, so the next start finds them in
the account's history as the operator's own and says by how much the books and the venue disagree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from actors.errors import ConfigError, StateLocked, TradingError, VenueUnreachable
from actors.messages.account import VenueOrder
from actors.messages.orders import Side
from actors.model.ids import panic_order_id
from actors.model.instrument import ZERO, Instrument
from actors.model.money import round_to_lot
from actors.store.folder import StateLock
from actors.venues.ports import Emergency, Gained, Held, Sale
from daemon.kill_switch import KILL_FILE, Ended, end_holder, set_kill_switch

CANCELS_AT_ONCE = 8
CANCEL_ROUNDS = 5
ROUND_PAUSE_SECONDS = 0.5
HISTORY_SECONDS = 120.0
PASSES = 2
"""What a sale in another currency brings in goes in the second."""

Say = Callable[[str], None]


class Orders(msgspec.Struct, kw_only=True):
    """What is asked for."""

    account: str
    account_id: str | None
    """The venue's id that it must have; None: not checked."""
    base_currency: str
    symbols: tuple[str, ...]
    """Instruments that are traded on it, by the venue's names."""
    keep: dict[str, Decimal] = {}
    cancel_only: bool = False


class Report(msgspec.Struct, kw_only=True):
    """What was done."""

    account: str
    kill_switch: str | None = None
    """The file; None when it could not be written."""
    holder: Ended | None = None
    cancelled: list[VenueOrder] = []
    still_open: list[VenueOrder] = []
    sales: list[Sale] = []
    left: dict[str, str] = {}
    """Asset → why it was not closed, or not wholly."""
    balances: dict[str, Decimal] = {}
    problems: list[str] = []
    is_unreachable: bool = False
    """The venue has not answered at all."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be done by hand."""
        return not (self.problems or self.still_open or self.left) and all(
            sale.outcome == "done" and sale.filled == sale.quantity for sale in self.sales
        )

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        holder = self.holder
        return {
            "done": self.is_done,
            "account": self.account,
            "kill_switch": self.kill_switch,
            "holder": None if holder is None else holder._asdict(),
            "cancelled": [msgspec.structs.asdict(each) for each in self.cancelled],
            "still_open": [msgspec.structs.asdict(each) for each in self.still_open],
            "sales": [sale._asdict() for sale in self.sales],
            "left": self.left,
            "balances": self.balances,
            "problems": self.problems,
        }


class Fence:
    """Steps 1 and 2: from here until released nobody trades from the state folder."""

    def __init__(self, state: Path, report: Report, say: Say, *, reason: str, term_seconds: float) -> None:
        self.may_sell = True
        self._lock: StateLock | None = None
        problem = set_kill_switch(state, reason)
        if problem is None:
            report.kill_switch = str(state / KILL_FILE)
            say(f"kill switch set: {report.kill_switch}")
        else:
            _problem(report, say, problem)
        report.holder = end_holder(state, term_seconds=term_seconds)
        say(report.holder.text)
        if report.holder.how == "still_running":
            self.may_sell = False
            report.problems.append(report.holder.text)
        self._hold(state, report, say)

    def _hold(self, state: Path, report: Report, say: Say) -> None:
        try:
            self._lock = StateLock(state)
        except StateLocked as error:
            self.may_sell = False
            _problem(report, say, str(error))
        except TradingError:
            pass  # a folder that cannot be used is no other process's either

    def release(self) -> None:
        """Let a daemon start again; it will find the kill switch."""
        if self._lock is not None:
            self._lock.release()


class Panic:
    """Steps 3 and 4 for one account; what cannot be done is reported, and never ends the rest."""

    def __init__(self, emergency: Emergency, orders: Orders, report: Report, say: Say, now_ms: int) -> None:
        self._venue, self._orders, self._report, self._say = emergency, orders, report, say
        self._now_ms, self._numbers = now_ms, 0

    async def run(self, *, may_sell: bool) -> None:
        """Raises `ConfigError` when the credentials belong to another account than configured."""
        try:
            await self._check_account()
            await self._cancel_all()
            if self._orders.cancel_only:
                self._say("holdings stay as they are: --cancel-only")
            elif may_sell:
                await self._flatten()
            else:
                self._problem("nothing was closed: another process may still trade on this account")
            self._report.balances = {
                asset: held.free + held.locked for asset, held in (await self._venue.holdings()).items()
            }
        except VenueUnreachable as error:
            self._report.is_unreachable = not self._report.cancelled and not self._report.sales
            self._problem(str(error))

    async def _check_account(self) -> None:
        wanted = self._orders.account_id
        if wanted is None:
            return
        found = await self._venue.account_id()
        if found != wanted:
            raise ConfigError(
                f"account {self._orders.account} is {found} at the venue, not {wanted} as configured: "
                "correct account_id, or use the other account's key"
            )

    async def _cancel_all(self) -> None:
        found = await self._venue.open_orders()
        seen = {order.venue_order_id: order for order in found}
        for attempt in range(CANCEL_ROUNDS):
            if not found:
                break
            if attempt:
                await asyncio.sleep(ROUND_PAUSE_SECONDS)
            await self._cancel(found)
            found = await self._venue.open_orders()
            seen |= {order.venue_order_id: order for order in found}
        still = {order.venue_order_id: order for order in found}
        self._report.still_open = list(still.values())
        self._report.cancelled = [order for key, order in seen.items() if key not in still]
        for order in self._report.cancelled:
            self._say(f"cancelled: {order_text(order)}")
        for order in self._report.still_open:
            self._say(f"STILL OPEN: {order_text(order)}")
        if not seen:
            self._say("no open orders")

    async def _cancel(self, orders: Sequence[VenueOrder]) -> None:
        gate = asyncio.Semaphore(CANCELS_AT_ONCE)

        async def one(order: VenueOrder) -> None:
            async with gate:
                try:
                    await self._venue.cancel(order)
                except TradingError as error:
                    # A cancel may be repeated; whether it took effect the next list shows.
                    self._say(f"cancel of {order.venue_order_id}: {error}")

        await asyncio.gather(*(one(order) for order in orders))

    async def _flatten(self) -> None:
        if not self._orders.symbols:
            self._say("no strategy trades on this account: nothing to close")
            return
        instruments = await self._venue.instruments(self._orders.symbols)
        known = sale_routes(instruments, self._orders.base_currency)
        if strange := [asset for asset in self._orders.keep if asset not in known]:
            names = ", ".join(known)
            self._problem(
                f"nothing was closed: --keep names {', '.join(strange)}, here {names} can be closed"
            )
            return
        for _ in range(PASSES):
            if not await self._close_all(known, await self._excess(instruments, known)):
                return

    async def _excess(
        self, instruments: Sequence[Instrument], routes: Mapping[str, Instrument]
    ) -> dict[str, Decimal]:
        """Asset → what has to go, below 0 what has to be bought back."""
        keep = self._orders.keep
        holdings = await self._venue.holdings()
        gained = Gained({}, {})
        if any(asset not in keep for asset in routes):
            try:
                async with asyncio.timeout(HISTORY_SECONDS):
                    gained = await self._venue.gained(instruments)
            except VenueUnreachable:
                raise
            except (TradingError, TimeoutError) as error:
                why = str(error) or f"the history was not read within {HISTORY_SECONDS:g} s"
                gained = Gained({}, {asset: why for asset in routes if asset in holdings})
        for asset, why in gained.unsure.items():
            if asset in routes and asset not in keep:
                self._leave(asset, f"{why}: say how much stays with --keep {asset}=AMOUNT")
        found = {}
        for asset in routes:
            held = holdings.get(asset, Held(ZERO, ZERO))
            if asset in keep:
                wanted = beyond(held.free + held.locked, keep[asset])
            else:
                wanted = gained.amounts.get(asset, ZERO)
            found[asset] = within(wanted, held.free)
        return found

    async def _close_all(self, routes: Mapping[str, Instrument], excess: Mapping[str, Decimal]) -> bool:
        """Whether something was closed into an asset that has to go itself."""
        is_again = False
        for asset, instrument in routes.items():
            quantity = round_to_lot(abs(excess[asset]), instrument.lot_size)
            if not quantity or asset in self._report.left:
                continue
            if await self._venue.is_below_minimum(instrument, quantity):
                self._say(f"{quantity} {asset} cannot be traded: below {instrument.id}'s minimum")
                continue
            await self._close(asset, instrument, "sell" if excess[asset] > 0 else "buy", quantity)
            is_again = is_again or instrument.quote != self._orders.base_currency
        return is_again

    async def _close(self, asset: str, instrument: Instrument, side: Side, quantity: Decimal) -> None:
        """In pieces as large as the venue takes; the first that is not done ends it."""
        while quantity >= max(instrument.quantity_min, instrument.lot_size):
            piece = min(quantity, instrument.quantity_max or quantity)
            self._numbers += 1
            number = panic_order_id(self._now_ms, self._numbers)
            sale = await self._venue.reduce(instrument, side, piece, number)
            self._report.sales.append(sale)
            self._say(f"{side} {piece} {instrument.id} ({number}): {sale.outcome}, {sale.text}")
            if sale.outcome != "done" or sale.filled < piece:
                self._leave(asset, f"{number} {sale.outcome}: {sale.filled} of {piece} done, {sale.text}")
                return
            quantity -= piece

    def _leave(self, asset: str, why: str) -> None:
        self._report.left[asset] = why
        self._say(f"NOT CLOSED: {asset}: {why}")

    def _problem(self, text: str) -> None:
        _problem(self._report, self._say, text)


def sale_routes(instruments: Sequence[Instrument], base_currency: str) -> dict[str, Instrument]:
    """Asset → where it is sold: for the account's currency if it can be; the others come first."""
    direct = {each.base: each for each in reversed(instruments) if each.quote == base_currency}
    across = {
        each.base: each
        for each in reversed(instruments)
        if each.quote != base_currency and each.base not in direct
    }
    return {asset: each for asset, each in (across | direct).items() if asset != base_currency}


def beyond(held: Decimal, kept: Decimal) -> Decimal:
    """What of a holding goes so that this amount stays, in its own direction; signed like the holding."""
    over = max(ZERO, abs(held) - kept)
    return over if held > 0 else -over


def within(wanted: Decimal, held: Decimal) -> Decimal:
    """As much of it as is held: never through 0, never away from it."""
    return min(max(wanted, ZERO), held) if held > 0 else max(min(wanted, ZERO), held)


def order_text(order: VenueOrder) -> str:
    """One line."""
    price = "" if order.price is None else f" at {order.price}"
    name = order.client_order_id or order.venue_order_id
    filled = f", {order.filled_quantity} filled" if order.filled_quantity else ""
    return f"{order.side} {order.quantity} {order.instrument}{price} ({name}{filled})"


def _problem(report: Report, say: Say, text: str) -> None:
    report.problems.append(text)
    say(f"PROBLEM: {text}")
