"""When real venues had the market that we were told of later: they fill orders before we know the price.

Told by the source's time where data carry one. Where they carry none they are taken to have travelled as
long as an answer usually does, unless the fill of a resting order shows that the venue had its price before.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter
from statistics import quantiles

from actors.messages.base import Message
from actors.messages.market import MARKET_DATA, Bar, MarketData, Quote, Trade
from actors.messages.orders import FillReport
from daemon.research.parity.session import Session, Taken
from daemon.research.parity.timing import MILLISECOND_NS, SEEN_BY_ORDERS, RecordedTimes

AT_MOST_NS = 1_000_000_000
"""Data that are older have not travelled for so long: somebody has kept them."""
_OTHERS = frozenset(MARKET_DATA) - frozenset(SEEN_BY_ORDERS)
_BY_TIME = attrgetter("ts_init")


def seen(session: Session, times: RecordedTimes) -> Iterator[Taken]:
    """All that fills orders, in order, each at the time at which the venue had it by our clock."""
    data = (taken for taken in session.inputs() if isinstance(taken.message, SEEN_BY_ORDERS))
    for at, taken in zip(_moments(session, times), data, strict=True):
        yield taken._replace(ts_init=at)


def market_of_venue(session: Session, times: RecordedTimes) -> Iterator[Taken]:
    """All market data, those that fill orders as the venue had them."""
    others = (taken for taken in session.inputs() if taken.message.__class__ in _OTHERS)
    return merge(others, seen(session, times), key=_BY_TIME)


def _moments(session: Session, times: RecordedTimes) -> Sequence[int]:
    account = next(iter(session.real_accounts), "")
    usual, most = _answers_take(times)
    fills = {name: _Fills(made, most + MILLISECOND_NS) for name, made in times.made.items()}
    moments = array("q")
    for taken in session.inputs():
        message = taken.message
        if not isinstance(message, SEEN_BY_ORDERS):
            continue
        at = taken.ts_init - usual
        if not isinstance(message, Bar):  # a bar may be of long ago
            # The time of receipt is finer than that of a venue that cuts its own.
            is_received = account not in times.uncut and message.ts_event % MILLISECOND_NS
            event = message.ts_event
            at = event - usual if is_received else times.here(account, event, taken.ts_init)
            at = max(at, taken.ts_init - AT_MOST_NS)
        if message.instrument in fills:
            at = min(at, fills[message.instrument].seen_by(message, taken.ts_init))
        moments.append(at)
    for place in range(len(moments) - 2, -1, -1):  # nothing overtakes: what came before was seen before
        moments[place] = min(moments[place], moments[place + 1])
    return moments


def _answers_take(times: RecordedTimes) -> tuple[int, int]:
    """How long half of the answers travel at most, and nine of ten."""
    back = [travel.back_ns for found in times.travels.values() for travel in found]
    if len(back) < 2:
        return (back[0], back[0]) if back else (0, 0)
    tenths = quantiles(back, n=10)
    return round(tenths[4]), round(tenths[8])


class _Fills:
    """Fills of resting orders in one instrument; each dates the first price behind it that explains it."""

    def __init__(self, made: Sequence[tuple[int, FillReport]], most_ns: int) -> None:
        self._waiting = deque(sorted(made, key=lambda each: each[0]))
        self._most_ns = most_ns

    def seen_by(self, message: MarketData, known: int) -> int:
        """The latest time at which the venue can have had this."""
        waiting, latest = self._waiting, known
        while waiting and waiting[0][0] < known - self._most_ns:
            waiting.popleft()
        explained = [each for each in waiting if each[0] <= known and _reaches(message, each[1])]
        for each in explained:
            waiting.remove(each)
            latest = min(latest, each[0])
        return latest


def _reaches(message: Message, fill: FillReport) -> bool:
    price = float(fill.price)
    match message:
        case Quote():
            return message.ask_price <= price if fill.side == "buy" else message.bid_price >= price
        case Trade():
            return message.price <= price if fill.side == "buy" else message.price >= price
        case _:
            return False
