"""One instrument's subscriptions on the present line: quotes, trades, book, five-second bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import structlog

from actors.messages.market import BookSnapshot, FeedStatus, Level, Quote, Trade
from actors.venues.ib.codes import Meaning, meaning_of
from actors.venues.ib.contracts import Listed
from actors.venues.ib.history import SECOND_NS
from actors.venues.ib.real_time_bars import BarBuilder
from actors.venues.ib.session import Session
from actors.venues.ports import Intake, MarketSubscription

log = structlog.get_logger(__name__)

BID, ASK = 1, 2
BID_SIZE, ASK_SIZE = 0, 3
LIVE = 1
DEPTH_ROWS = 10
INSERT, CHANGE, DELETE = 0, 1, 2

LineStatus = Literal["live", "stale", "down"]
Trouble = Literal["delayed", "competing", "refused"]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)


class InstrumentTicks:
    """Lives as long as the line."""

    def __init__(
        self,
        *,
        session: Session,
        listed: Listed,
        wanted: MarketSubscription,
        intake: Intake,
        clock: Callable[[], int],
    ) -> None:
        self._session, self._listed, self._wanted = session, listed, wanted
        self._intake, self._clock = intake, clock
        self._name = listed.instrument.id
        self._quote = [0.0, 0.0, 0.0, 0.0]
        """Bid, its size, ask, its size; 0 while there is none."""
        self._rows: tuple[list[Level], list[Level]] = ([], [])
        """Asks, bids."""
        self._trades = 0
        self._numbers: dict[str, int] = {}
        """Of the requests, by kind."""
        self._refused: dict[str, Meaning] = {}
        """Kinds that TWS does not serve at present, and why not."""
        self._status: LineStatus | None = None
        self._data_type = LIVE
        self._builders: Sequence[BarBuilder] = ()

    @property
    def trouble(self) -> Trouble | None:
        """Why some data do not come, or too late, although the line is up."""
        if self._data_type != LIVE:
            return "delayed"
        if not self._refused:
            return None
        return "competing" if Meaning.COMPETING in self._refused.values() else "refused"

    @property
    def is_refused(self) -> bool:
        """Whether something has to be asked for again."""
        return bool(self._refused)

    @property
    def subscriptions(self) -> int:
        """How many TWS serves."""
        return len(self._numbers)

    @property
    def is_live(self) -> bool:
        """Whether data come, and come in time."""
        return self._status == "live"

    async def subscribe(self, builders: Sequence[BarBuilder]) -> None:
        """Ask for all that is wanted.

        Raises:
            VenueUnreachable: There is no line.
        """
        self._builders = builders
        for kind in self._asks():
            await self._ask(kind)

    async def ask_again(self) -> None:
        """Ask for what was refused: the other session may be gone, a line free.

        Raises:
            VenueUnreachable: There is no line.
        """
        for kind in list(self._refused):
            await self._cancel(kind)
            await self._ask(kind)

    async def give_up(self) -> None:
        """The same instrument is about to be subscribed anew.

        Raises:
            VenueUnreachable: There is no line.
        """
        if not self._session.is_up:
            return
        for kind in self._numbers:
            await self._cancel(kind)

    def on_down(self, reason: str) -> None:
        """Nothing arrives any more."""
        self._quote = [0.0, 0.0, 0.0, 0.0]
        self._refused.clear()
        self.report("down", reason)

    def report(self, status: LineStatus, reason: str) -> None:
        """Say how the data are, when that is new."""
        if status != self._status:
            self._status = status
            self._intake.offer(
                FeedStatus(ts_event=self._clock(), instrument=self._name, status=status, reason=reason)
            )

    def _asks(self) -> dict[str, tuple[Callable[[int], None], Callable[..., None]]]:
        """How each kind that is wanted is asked for, and who takes what comes."""
        contract, client, wanted = self._listed.contract, self._session.client, self._wanted
        what = self._listed.what_to_show
        asks: dict[str, tuple[Callable[[int], None], Callable[..., None]]] = {
            "mktdata": (lambda n: client.reqMktData(n, contract, "", False, False, []), self._on_top)
        }
        if wanted.trades:
            asks["ticks"] = (
                lambda n: client.reqTickByTickData(n, contract, "AllLast", 0, False), self._on_trade
            )  # fmt: skip
        if wanted.book:
            asks["depth"] = (
                lambda n: client.reqMktDepth(n, contract, DEPTH_ROWS, False, []), self._on_row
            )  # fmt: skip
        if self._builders:
            asks["bars"] = (
                lambda n: client.reqRealTimeBars(n, contract, 5, what, False, []), self._on_bar
            )  # fmt: skip
        return asks

    async def _ask(self, kind: str) -> None:
        send, take = self._asks()[kind]
        number = self._session.next_number()

        def answer(name: str, values: tuple[Any, ...]) -> None:
            if name == "error":
                self._on_error(kind, *values)
                return
            if self._refused and name != "marketDataType":
                self._refused.pop(kind, None)
            take(name, *values)

        self._session.answer_to(number, answer)
        self._numbers[kind] = number
        await self._session.budget.wait()
        send(number)

    async def _cancel(self, kind: str) -> None:
        number = self._numbers[kind]
        self._session.answer_to(number, None)
        await self._session.budget.wait()
        client = self._session.client
        match kind:
            case "mktdata":
                client.cancelMktData(number)
            case "ticks":
                client.cancelTickByTickData(number)
            case "depth":
                client.cancelMktDepth(number, False)
            case _:
                client.cancelRealTimeBars(number)

    def _on_error(self, kind: str, code: int, text: str) -> None:
        meaning = meaning_of(code)
        if meaning in (Meaning.NEWS, Meaning.WARNING, Meaning.FARM_BACK):
            return
        if self._refused.get(kind) is not meaning:
            log.warning("market data", instrument=self._name, kind=kind, code=code, text=text)
        if meaning is not Meaning.DELAYED:  # those are served, and say themselves that they are late
            self._refused[kind] = meaning
        self.report("stale", f"{kind}: {text} ({code})")

    def _on_top(self, name: str, *values: Any) -> None:
        if name == "price":
            kind, price, size = values
            if kind in (BID, ASK):
                place = 0 if kind == BID else 2
                is_none = price <= 0 and size == 0 and self._listed.what_to_show != "MIDPOINT"
                self._quote[place : place + 2] = [0.0, 0.0] if is_none else [price, size]
                self._tell_quote()
        elif name == "size":
            kind, size = values
            if kind in (BID_SIZE, ASK_SIZE):
                place = 1 if kind == BID_SIZE else 3
                if self._quote[place] != size:
                    self._quote[place] = size
                    self._tell_quote()
        elif name == "marketDataType":
            self._data_type = values[0]
            if self._data_type != LIVE:
                self.report("stale", "data are delayed or frozen: subscribe to live data of this market")

    def _tell_quote(self) -> None:
        bid, bid_size, ask, ask_size = self._quote
        if self._data_type != LIVE or not bid or not ask or bid >= ask:
            return
        self._live()
        self._intake.offer(
            Quote(
                ts_event=self._clock(), instrument=self._name, bid_price=bid, bid_size=bid_size,
                ask_price=ask, ask_size=ask_size,
            )
        )  # fmt: skip

    def _on_trade(self, name: str, *values: Any) -> None:
        if name != "trade":
            return
        time, price, size = values
        when = round(time.timestamp() if hasattr(time, "timestamp") else time) * SECOND_NS
        self._trades += 1
        self._live()
        self._intake.offer(
            Trade(
                ts_event=when, instrument=self._name, trade_id=f"{when // SECOND_NS}.{self._trades}",
                price=price, size=size, aggressor="unknown",
            )
        )  # fmt: skip

    def _on_row(self, name: str, *values: Any) -> None:
        if name != "row":
            return
        place, operation, side, price, size = values
        rows = self._rows[side]
        if operation == INSERT:
            rows.insert(place, (price, size))
        elif place < len(rows):
            if operation == CHANGE:
                rows[place] = price, size
            elif operation == DELETE:
                del rows[place]
        asks, bids = self._rows
        del asks[DEPTH_ROWS:], bids[DEPTH_ROWS:]
        if asks and bids and bids[0][0] < asks[0][0]:
            self._intake.offer(
                BookSnapshot(
                    ts_event=self._clock(), instrument=self._name, update_id=0, bids=tuple(bids),
                    asks=tuple(asks),
                )
            )  # fmt: skip

    def _on_bar(self, name: str, *values: Any) -> None:
        if name != "bar":
            return
        time, open_, high, low, close, volume, *_ = values
        for builder in self._builders:
            builder.add(int(time) * SECOND_NS, open_, high, low, close, volume)

    def _live(self) -> None:
        if self._status != "live" and self._data_type == LIVE:
            self.report("live", "connected")
