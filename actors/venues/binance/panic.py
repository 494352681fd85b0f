"""Binance Spot straight from the credentials: cancel what rests, sell what was bought. REST alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from actors.errors import OutcomeUnknown, TradingError, VenueUnreachable
from actors.messages.account import VenueOrder
from actors.messages.orders import Side
from actors.model.ids import is_panic_id, looks_like_tickerd
from actors.model.instrument import ZERO, Instrument
from actors.venues.binance import translate_orders as translate
from actors.venues.binance.codes import Meaning, Refusal
from actors.venues.binance.filters import instrument_from, unlisted
from actors.venues.binance.rest import NotHandedOver, RestClient
from actors.venues.binance.rules import BINANCE_RULES
from actors.venues.binance.signing import signer_for
from actors.venues.binance.wire import (
    ACCOUNT,
    BEST_PRICE,
    EXCHANGE_INFO,
    ORDER_ROW,
    ORDER_ROWS,
    TRADE_ROWS,
    Account,
    OrderRow,
    TradeRow,
)
from actors.venues.ports import Gained, Held, Outcome, Sale

PAGE = 1000
ANSWER_SECONDS = 5.0
LOOKS = 3
"""How often an order without an answer is looked for."""
LOOK_PAUSE_SECONDS = 1.0


class BinanceEmergency:
    """One account."""

    def __init__(
        self,
        *,
        account: str,
        venue: str,
        rest_url: str,
        api_key: str,
        api_secret: str,
        clock: Callable[[], int],
    ) -> None:
        """Raises `ConfigError` for a secret that cannot sign."""
        self._holder = translate.Account(account=account, venue=venue, instruments={})
        self._rest = RestClient(
            url=rest_url,
            clock=clock,
            api_key=api_key,
            signer=signer_for(api_secret),
            timeout_seconds=ANSWER_SECONDS,
            attempts=4,
        )
        self._is_clock_known = False

    async def account_id(self) -> str:
        """The venue's `uid`."""
        return str((await self._account()).uid)

    async def open_orders(self) -> tuple[VenueOrder, ...]:
        """Of all symbols."""
        await self._know_clock()
        rows = await self._rest.read("/api/v3/openOrders", ORDER_ROWS, signed=True)
        return tuple(translate.venue_order(row, self._holder) for row in rows)

    async def cancel(self, order: VenueOrder) -> None:
        """By the venue's own id, which no cancel renames."""
        await self._know_clock()
        params: translate.Params = {
            "symbol": translate.symbol_of(order.instrument),
            "orderId": int(order.venue_order_id),
        }
        try:
            await self._send("DELETE", params)
        except Refusal as refusal:
            if refusal.meaning not in (Meaning.CANCEL_REFUSED, Meaning.NOT_FOUND):
                raise
        except NotHandedOver as error:
            raise VenueUnreachable(f"a cancel could not be sent: {error}") from error

    async def holdings(self) -> dict[str, Held]:
        """Free and locked by asset."""
        return {each.asset: Held(each.free, each.locked) for each in (await self._account()).balances}

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """As `exchangeInfo` defines them."""
        params = {"symbols": msgspec.json.encode(list(symbols)).decode()}
        info = await self._rest.read("/api/v3/exchangeInfo", EXCHANGE_INFO, params)
        found = {each.symbol: each for each in info.symbols}
        if missing := [symbol for symbol in symbols if symbol not in found]:
            raise unlisted(missing, found)
        return [instrument_from(found[symbol], self._holder.venue) for symbol in symbols]

    async def gained(self, instruments: Sequence[Instrument]) -> Gained:
        """Out of every execution of every order under an id of tickerd's.

        Raises:
            TradingError: An order with executions may have lost its id by a cancel.
        """
        await self._know_clock()
        net: dict[str, Decimal] = {}
        for instrument in instruments:
            ours = await self._own_orders(instrument.symbol)
            for trade in await self._trades(instrument.symbol):
                if trade.order_id not in ours:
                    continue
                sign = 1 if trade.is_buyer else -1
                for asset, amount in (
                    (instrument.base, sign * trade.qty),
                    (instrument.quote, -sign * trade.qty * trade.price),
                    (trade.commission_asset, -trade.commission),
                ):
                    net[asset] = net.get(asset, ZERO) + amount
        return Gained(net, {})

    async def is_below_minimum(self, instrument: Instrument, quantity: Decimal) -> bool:
        """By quantity, and by what it is worth at the best bid."""
        if quantity < instrument.quantity_min:
            return True
        params = {"symbol": instrument.symbol}
        best = await self._rest.read("/api/v3/ticker/bookTicker", BEST_PRICE, params)
        return quantity * best.bid_price < instrument.notional_min

    async def reduce(
        self, instrument: Instrument, side: Side, quantity: Decimal, client_order_id: str
    ) -> Sale:
        """At market; an answer that does not come is looked for, and the order never sent again."""
        await self._know_clock()
        params: translate.Params = {
            "symbol": instrument.symbol,
            "side": side.upper(),
            "type": "MARKET",
            "quantity": translate.plain(quantity),
            "newClientOrderId": client_order_id,
            "newOrderRespType": "RESULT",
        }

        def sale(outcome: Outcome, filled: Decimal, text: str) -> Sale:
            return Sale(instrument.id, side, client_order_id, quantity, outcome, filled, text)

        try:
            row = ORDER_ROW.decode(await self._send("POST", params))
        except NotHandedOver as error:
            return sale("not_sent", ZERO, str(error))
        except Refusal as refusal:
            if refusal.outcome_of_submit() == "rejected":
                return sale("refused", ZERO, str(refusal))
            why = str(refusal)
        except (OutcomeUnknown, msgspec.MsgspecError) as error:
            why = str(error)
        else:
            return sale("done", row.executed_qty, row.status.lower())
        found = await self._look_for(instrument.symbol, client_order_id)
        if found is None:
            return sale("unknown", ZERO, f"{why}; the venue does not show the order, look before you trade")
        return sale("done", found.executed_qty, f"{found.status.lower()}, its answer was lost")

    async def close(self) -> None:
        """Give the connections up."""
        await self._rest.close()

    async def _account(self) -> Account:
        await self._know_clock()
        return await self._rest.read("/api/v3/account", ACCOUNT, {"omitZeroBalances": "true"}, signed=True)

    async def _know_clock(self) -> None:
        if not self._is_clock_known:
            await self._rest.measure_clock()
            self._is_clock_known = True

    async def _send(self, method: str, params: translate.Params) -> bytes:
        window_ms, now_ms = BINANCE_RULES.receive_window_ms, self._rest.venue_now_ms()

        def too_late() -> str | None:
            is_late = self._rest.venue_now_ms() > now_ms + window_ms
            return "past its receive window" if is_late else None

        stamped = {**params, "recvWindow": window_ms, "timestamp": now_ms}
        return await self._rest.send_once(method, "/api/v3/order", stamped, refusal=too_late)

    async def _look_for(self, symbol: str, client_order_id: str) -> OrderRow | None:
        params = {"symbol": symbol, "origClientOrderId": client_order_id}
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_PAUSE_SECONDS)
            try:
                return await self._rest.read("/api/v3/order", ORDER_ROW, params, signed=True)
            except (Refusal, VenueUnreachable):
                continue  # a fresh order may stay invisible for seconds
        return None

    async def _own_orders(self, symbol: str) -> set[int]:
        """Venue ids of every order that a tickerd, or a panic, has placed."""
        ours: set[int] = set()
        start = 0
        while True:
            params: translate.Params = {"symbol": symbol, "orderId": start, "limit": PAGE}
            rows = await self._rest.read("/api/v3/allOrders", ORDER_ROWS, params, signed=True)
            for row in rows:
                if looks_like_tickerd(row.client_order_id) or is_panic_id(row.client_order_id):
                    ours.add(row.order_id)
                elif row.executed_qty and row.status == "CANCELED":
                    raise TradingError(
                        f"order {row.order_id} in {symbol} was partly filled, then cancelled, and may have "
                        "lost tickerd's id by that"
                    )
            if len(rows) < PAGE:
                return ours
            start = rows[-1].order_id + 1

    async def _trades(self, symbol: str) -> list[TradeRow]:
        found: list[TradeRow] = []
        start = 0
        while True:
            params: translate.Params = {"symbol": symbol, "fromId": start, "limit": PAGE}
            rows = await self._rest.read("/api/v3/myTrades", TRADE_ROWS, params, signed=True)
            found += rows
            if len(rows) < PAGE:
                return found
            start = rows[-1].id + 1
