"""One schedule from its seed: trade through trouble, then calm, then judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from actors.messages.base import Message
from actors.messages.control import CancelAll, Flatten, Reconcile, Scope
from actors.messages.market import Quote
from actors.messages.orders import Side
from tests.chaos.twin.exchange import ACCOUNT, BTC, Exchange
from tests.chaos.twin.judge import check_end, check_exposure, count_needless, unsettled
from tests.chaos.twin.line import Line
from tests.chaos.twin.process import Process
from tests.chaos.twin.variants import SAFE, Variant
from tests.chaos.twin.world import MS, SECOND, Broken, World

D = Decimal
CASH = ("USDT", "BNB")
SETTLE_SECONDS = 400
MIDDLE = 10_000
"""Where the price begins, in ticks."""
PAUSES_MS = (3, 20, 60, 300, 1_500, 7_000)


class Outcome(msgspec.Struct):
    """What came of a schedule."""

    seed: int
    fault: str | None
    counts: Counter[str]


class Judged(World):
    """A world with its judge."""

    def judge_exposure(self) -> None:
        """Asked after every step that sent anything."""
        check_exposure(self.process, self.exchange, self.line)


def run_schedule(
    seed: int, variant: Variant = SAFE, *, trace: Callable[[str], None] | None = None
) -> Outcome:
    """Run one schedule to its judgement."""
    world = Judged(seed, trace=trace)
    world.exchange = Exchange(world)
    world.line = Line(world)
    world.process = Process(world, variant)
    world.note(world.weather)
    fault: str | None = None
    try:
        _trade(world)
        _settle(world)
        check_end(world.process, world.exchange, world.line)
        sent = [message for _, messages in world.process.record for message in messages]
        world.counts["differences seen for a while"] += count_needless(sent)
    except Exception as error:
        if not isinstance(error, Broken):
            fault = f"{type(error).__name__}: {error}"
        else:
            fault = str(error)
        world.note("BROKEN", fault)
    return Outcome(seed, fault, world.counts)


def _trade(world: Judged) -> None:
    random = world.random
    world.at(world.now, world.process.start)
    world.run_until(world.now + 3 * SECOND)
    _plan(world)
    middle = MIDDLE
    for _ in range(random.randrange(8, 20)):
        middle += random.randrange(-4, 5)
        _quote(world, middle)
        world.run_until(world.now + random.choice(PAUSES_MS) * MS)


def _plan(world: Judged) -> None:
    random = world.random
    for _ in range(world.weather.disconnects):
        _later(world, random.randrange(20_000), world.line.cut)
    if random.random() < 0.25:
        due_ms = random.randrange(10_000)
        _later(world, due_ms, _command, world, random.choice((Flatten, CancelAll, Reconcile)))
    for _ in range(world.weather.transfers):
        amount = D(random.randrange(-50_000, 50_000)) / 1_000  # no two alike, which nobody could tell apart
        _later(world, random.randrange(20_000), world.exchange.transfer, random.choice(CASH), amount)
    for _ in range(world.weather.corrections):
        _later(world, random.randrange(20_000), world.exchange.correct)
    for _ in range(world.weather.by_hand):
        side: Side = random.choice(("buy", "sell"))
        price = random.choice((None, D(MIDDLE + random.randrange(-5, 6)) / 100))
        wish = side, D(random.randrange(1, 20)) / 10, price
        _later(world, random.randrange(20_000), world.exchange.place_by_hand, *wish)


def _later(world: Judged, delay_ms: int, do: Callable[..., None], *arguments: Any) -> None:
    """Do it then, unless all is settled by that time: the judge must not be handed an order under way."""

    def unless_over() -> None:
        if not world.is_over:
            do(*arguments)

    world.after(delay_ms * MS, unless_over)


def _quote(world: Judged, middle: int) -> None:
    random = world.random
    quote = a_quote(world.now, middle, random.randrange(1, 30), random.randrange(1, 30))
    world.exchange.quote(quote)
    world.after(random.randrange(1, 5) * MS, world.process.offer, quote)


def a_quote(now: int, middle: int, bid_lots: int, ask_lots: int) -> Quote:
    """A market two ticks wide around a price in ticks."""
    return Quote(
        ts_event=now,
        instrument=BTC,
        bid_price=(middle - 1) / 100,
        bid_size=bid_lots / 10,
        ask_price=(middle + 1) / 100,
        ask_size=ask_lots / 10,
    )


def _command(world: Judged, kind: type[Any], number: int = 1) -> None:
    scope = Scope(account=ACCOUNT) if kind is Reconcile else Scope()
    message: Message = kind(ts_event=world.now, scope=scope, command_id=f"{world.now}.{number}", by="twin")
    world.process.offer(message)


def _settle(world: Judged) -> None:
    """Trouble ends; nothing is left but to find out what has become of everything."""
    world.weather = world.weather.calm()
    world.is_calm = True
    world.process.disarm()
    world.exchange.show_all()
    world.note("CALM")
    began = world.now
    if not world.process.is_alive:
        world.run_until(world.now + 120 * SECOND)
    if not world.line.is_up:
        world.run_until(world.now + 5 * SECOND)
    for _ in range(SETTLE_SECONDS // 5):
        world.run_until(world.now + 5 * SECOND)
        # only the venue sees it: what is left of market orders fills, and no strategy wants anything new
        world.exchange.quote(a_quote(world.now, MIDDLE, 100_000, 100_000))
        waiting = unsettled(world.process, world.exchange, world.line)
        if waiting is None and not world.line.flying:
            break
    else:
        raise Broken(f"{SETTLE_SECONDS} s after the trouble ended {waiting}")
    world.is_over = True
    world.counts["seconds to settle"] += (world.now - began) // SECOND
    for number in (1, 2):
        _command(world, Reconcile, number)
        world.run_until(world.now + 1 * SECOND)
