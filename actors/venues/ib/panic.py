"""Interactive Brokers straight from host, port and client id: cancel what rests, close what is tickerd's.

The client id is the daemon's own, because nobody else may cancel its orders one by one. TWS tells executions
since midnight only, so a position is tickerd's for certain only when its executions of today make it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal

import structlog

from actors.core.effects import effect
from actors.errors import ConfigError, TradingError
from actors.messages.account import VenueOrder
from actors.messages.orders import Side
from actors.model.ids import is_panic_id, looks_like_tickerd
from actors.model.instrument import ZERO, Instrument, instrument_id
from actors.venues.ib.claims import Claim, Complaint, Execution, OpenOrder, OrderStatus
from actors.venues.ib.codes import Meaning, meaning_of
from actors.venues.ib.contracts import Listed
from actors.venues.ib.directory import Directory
from actors.venues.ib.opening import opening
from actors.venues.ib.orders import CANCELLED, side_of, status_of
from actors.venues.ib.reading import Lists, StatementReader
from actors.venues.ib.reasons import RequestFailed, check_account
from actors.venues.ib.session import Session
from actors.venues.ports import Gained, Held, Outcome, Sale

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 30.0
CANCEL_SECONDS = 2.0
FILL_SECONDS = 10.0
LOOKS = 3
"""How often an order without an answer is looked for."""
LOOK_PAUSE_SECONDS = 2.0
ENDED = CANCELLED | {"Filled", "Inactive"}
REFUSALS = (Meaning.REFUSED, Meaning.CANCEL_REFUSED)


class IbEmergency:
    """One account."""

    def __init__(
        self,
        *,
        account_id: str | None,
        is_paper: bool,
        session: Session,
        directory: Directory,
        symbols: Sequence[str],
        clock: Callable[[], int],
        fill_seconds: float = FILL_SECONDS,
        look_pause_seconds: float = LOOK_PAUSE_SECONDS,
    ) -> None:
        """`symbols` are those whose orders should be shown by name."""
        self._wanted_id, self._is_paper = account_id, is_paper
        self._account_id = account_id or ""
        self._session, self._directory, self._symbols = session, directory, tuple(symbols)
        self._clock = clock
        self._fill_seconds, self._look_pause_seconds = fill_seconds, look_pause_seconds
        self._reader = StatementReader(session, lambda: self._account_id)
        self._line = AsyncExitStack()
        self._is_held = False
        self._open: dict[str, OpenOrder] = {}
        """By permanent id, as last listed."""
        self._executions: dict[str, Execution] = {}
        """By key, the newest revision."""
        self._watched: dict[int, asyncio.Queue[OrderStatus | Complaint | Execution]] = {}
        """By order id: what comes about an order that is waited for."""
        self._swept_at = float("-inf")

    # the line

    def on_up(self) -> None:
        """Whoever needs the line waits for it."""

    def on_down(self, reason: str) -> None:
        """What was being read ends with the line."""
        self._reader.on_down()

    def on_claim(self, claim: Claim) -> None:
        """Something about orders, money or the line."""
        self._reader.take(claim)
        if isinstance(claim, Execution):
            if claim.account != self._account_id:
                return
            known = self._executions.get(claim.key)
            if known is None or claim.revision > known.revision:
                self._executions[claim.key] = claim
        if isinstance(claim, OrderStatus | Complaint | Execution):
            number = claim.number if isinstance(claim, Complaint) else claim.order_id
            is_ours = isinstance(claim, Complaint) or claim.client_id == self._session.settings.client_id
            if is_ours and number in self._watched:
                self._watched[number].put_nowait(claim)

    async def close(self) -> None:
        """Give the line up."""
        self._session.leave(self)
        await self._line.aclose()

    async def _up(self) -> None:
        is_first = not self._is_held
        if is_first:
            self._is_held = True
            self._session.join(self)
            await self._line.enter_async_context(self._session.held())
        await self._session.wait_up(CONNECT_SECONDS)
        self._account_id = check_account(self._session.accounts, self._wanted_id, is_paper=self._is_paper)
        if is_first:
            for symbol in self._symbols:
                try:
                    await self._directory.find([symbol])
                except (ConfigError, RequestFailed) as error:
                    log.warning("contract not found", symbol=symbol, error=str(error))

    # what is there

    async def account_id(self) -> str:
        """TWS's name of it."""
        await self._up()
        return self._account_id

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """All clients', those by hand too."""
        lists = await self._lists()
        self._open = {str(perm_id): claim for perm_id, claim in lists.open.items()}
        return tuple(self._venue_order(claim, lists) for claim in lists.open.values())

    async def holdings(self) -> dict[str, Held]:
        """Cash by currency, and contracts by our names."""
        await self._up()
        cash, contracts = await self._reader.cash(), await self._contracts()
        return {name: Held(quantity, ZERO) for name, quantity in (cash | contracts).items()}

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """As contract details define them."""
        await self._up()
        return [listed.instrument for listed in await self._directory.find(symbols)]

    async def gained(self, instruments: Sequence[Instrument]) -> Gained:
        """Today's executions under tickerd's ids, where they are all there is of a position."""
        await self._up()
        await self._reader.read_executions()
        holdings = await self.holdings()
        amounts: dict[str, Decimal] = {}
        unsure: dict[str, str] = {}
        for instrument in instruments:
            held = holdings[instrument.base].free if instrument.base in holdings else ZERO
            ours = self._net_of(instrument.symbol)
            if held == ours:
                amounts[instrument.base] = ours
            elif held:
                unsure[instrument.base] = (
                    f"of {held:f} {instrument.base} tickerd's executions since midnight, all that IB tells, "
                    f"account for {ours:f}"
                )
        return Gained(amounts, unsure)

    async def is_below_minimum(self, instrument: Instrument, quantity: Decimal) -> bool:
        """IB has minima of quantity only."""
        return quantity < instrument.quantity_min

    # what is done

    async def cancel(self, order: VenueOrder) -> None:
        """Our client's by its number; another's only when TWS manages no other account."""
        await self._up()
        claim = self._open[order.venue_order_id]
        if claim.client_id != self._session.settings.client_id or claim.order_id <= 0:
            await self._sweep(claim)
            return
        news = self._watch(claim.order_id)
        try:
            effect("tws.send cancel in panic")
            self._session.client.cancelOrder(claim.order_id)
            await _until(news, CANCEL_SECONDS, lambda each: _is_over(each, "cancel"))
        finally:
            del self._watched[claim.order_id]

    async def reduce(
        self, instrument: Instrument, side: Side, quantity: Decimal, client_order_id: str
    ) -> Sale:
        """At market; an answer that does not come is looked for, and the order never sent again."""

        def sale(outcome: Outcome, filled: Decimal, text: str) -> Sale:
            return Sale(instrument.id, side, client_order_id, quantity, outcome, filled, text)

        try:
            await self._up()
            (listed,) = await self._directory.find([instrument.symbol])
        except TradingError as error:
            return sale("not_sent", ZERO, str(error))
        now = self._clock()
        if not listed.regular.is_open(now):
            text = f"the exchange is closed and {opening(listed.regular, now)}: repeat this then"
            return sale("not_sent", ZERO, text)
        number = self._session.next_number()
        news = self._watch(number)
        try:
            self._send(number, listed, side, quantity, client_order_id)
            refusal = await self._outcome(news, client_order_id, quantity)
        finally:
            del self._watched[number]
        filled = self._filled(client_order_id)
        if filled >= quantity:
            return sale("done", filled, "filled")
        if refusal is not None and not filled:
            return sale("refused", ZERO, refusal)
        try:
            outcome, text = await self._look_for(client_order_id)
        except TradingError as error:
            outcome, text = "unknown", f"{error}; look into TWS before you trade"
        return sale(outcome, self._filled(client_order_id), text)

    async def _sweep(self, claim: OpenOrder) -> None:
        """Cancel everything at once: the only way to end orders by hand and of other clients."""
        if len(self._session.accounts) > 1:
            who = f"client {claim.client_id}" if claim.client_id else "hand"
            raise TradingError(
                f"placed by {who}, and TWS manages other accounts too: cancel it in TWS, or end the others"
            )
        loop = asyncio.get_running_loop()
        if loop.time() - self._swept_at < CANCEL_SECONDS:
            return
        self._swept_at = loop.time()
        effect("tws.send cancel of everything")
        self._session.client.reqGlobalCancel()
        await asyncio.sleep(CANCEL_SECONDS / 10)

    def _send(self, number: int, listed: Listed, side: Side, quantity: Decimal, reference: str) -> None:
        library = self._session.library
        assert library is not None
        order = library.Order(
            orderId=number, action=side.upper(), totalQuantity=float(quantity), orderType="MKT", tif="DAY",
            account=self._account_id, orderRef=reference, transmit=True,
        )  # fmt: skip
        effect("tws.send order in panic")
        self._session.client.placeOrder(number, listed.contract, order)

    async def _outcome(
        self, news: asyncio.Queue[OrderStatus | Complaint | Execution], reference: str, quantity: Decimal
    ) -> str | None:
        """Wait until it is filled or has ended; why it was refused, if it was."""
        try:
            await _until(
                news,
                self._fill_seconds,
                lambda each: self._filled(reference) >= quantity or _is_over(each, "order", but="Filled"),
            )
        except RequestFailed as error:
            return str(error)
        return None

    async def _look_for(self, reference: str) -> tuple[Outcome, str]:
        for attempt in range(LOOKS):
            if attempt:
                await asyncio.sleep(self._look_pause_seconds)
            lists = await self._lists()
            for done in lists.completed.values():
                if done.order_ref == reference:
                    return "done", f"{done.status.lower()}, its answer was lost"
            if any(claim.order_ref == reference for claim in lists.open.values()):
                return "unknown", f"{self._filled(reference):f} filled, the rest still works: watch it in TWS"
        return "unknown", "TWS does not show the order, look before you trade"

    # particulars

    async def _lists(self) -> Lists:
        await self._up()
        return await self._reader.orders(not_before=asyncio.get_running_loop().time())

    async def _contracts(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for position in (await self._reader.positions()).values():
            listed = self._directory.by_con_id(position.con_id)
            if listed is not None and listed.instrument.kind == "forex":
                continue  # it is cash in two currencies
            name = listed.instrument.base if listed is not None else f"{position.symbol}#{position.con_id}"
            found[name] = found.get(name, ZERO) + position.quantity
        return {name: quantity for name, quantity in found.items() if quantity}

    def _net_of(self, symbol: str) -> Decimal:
        listed = self._directory.of(symbol)
        assert listed is not None, "found before it is asked about"
        return sum(
            (
                each.shares if side_of(each.side) == "buy" else -each.shares
                for each in self._executions.values()
                if each.con_id == listed.contract.conId
                and (looks_like_tickerd(each.order_ref) or is_panic_id(each.order_ref))
            ),
            ZERO,
        )

    def _filled(self, reference: str) -> Decimal:
        return sum((e.shares for e in self._executions.values() if e.order_ref == reference), ZERO)

    def _watch(self, number: int) -> asyncio.Queue[OrderStatus | Complaint | Execution]:
        return self._watched.setdefault(number, asyncio.Queue())

    def _venue_order(self, claim: OpenOrder, lists: Lists) -> VenueOrder:
        listed = self._directory.by_con_id(claim.con_id)
        status = lists.statuses.get(claim.perm_id)
        filled = status.filled if status is not None else ZERO
        return VenueOrder(
            instrument=listed.instrument.id
            if listed is not None
            else instrument_id(f"#{claim.con_id}", self._session.venue),
            client_order_id=claim.order_ref or None, venue_order_id=str(claim.perm_id),
            side=side_of(claim.action), quantity=claim.quantity, filled_quantity=filled,
            price=claim.limit_price, status=status_of(claim.status, filled),
        )  # fmt: skip


async def _until(
    news: asyncio.Queue[OrderStatus | Complaint | Execution],
    seconds: float,
    is_over: Callable[[OrderStatus | Complaint | Execution], bool],
) -> None:
    """Take what comes until it is over or time is up."""
    try:
        async with asyncio.timeout(seconds):
            while not is_over(await news.get()):
                pass
    except TimeoutError:
        pass


def _is_over(news: OrderStatus | Complaint | Execution, name: str, *, but: str = "") -> bool:
    """Whether nothing more will come of it.

    Raises:
        RequestFailed: TWS has refused.
    """
    if isinstance(news, OrderStatus):
        return news.status in ENDED and news.status != but
    if isinstance(news, Complaint) and meaning_of(news.code) in REFUSALS:
        if meaning_of(news.code) is Meaning.CANCEL_REFUSED:
            return True
        raise RequestFailed(name, news.code, news.text)
    return False
