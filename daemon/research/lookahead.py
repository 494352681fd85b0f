"""Do decisions depend on what could not be known, or on where the history begins? Run again and compare.

Look-ahead: the data are cut off at sampled points, and so are the tables that strategies read by themselves
(`cut_reading`). Every decision before a cut must be the one of the whole run. The whole run is done twice
first: what a module remembers of a former run is the future, too.

Warm-up: everything begins to trade at the same time, with little more, twice and four times as much history
as the indicators ask for. More history must not change a decision. Then it begins to trade at several times,
as what a strategy counts in its own state begins with the first bar that it sees: in the last quarter of the
data it must want the same. Compared is whether it wants to be long, short or flat; how much, and exact
orders, may rightly depend on what was earned before.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from actors.core.actor import CoreActor
from actors.errors import BadDataFile, TradingError, UsageError
from actors.messages.control import Stop, StrategyFailed
from actors.messages.market import Bar
from actors.messages.orders import CancelRequest, Direction, OrderRequest, ReplaceRequest, Signal
from actors.own_code.modules import OURS
from actors.own_code.serving import anew, forget, modules_run
from actors.strategies.base import Strategy
from actors.strategies.loading import strategy_modules
from daemon.config import Config
from daemon.graph import StrategyClasses
from daemon.research.backtest import Backtest
from daemon.research.cut_reading import Cut, Prices, reading_until
from daemon.research.cutting import Copies, cut_config
from daemon.research.history import History

CUTS = 6
WARM_UPS = (1.25, 2.5, 5.0)
START_SHARE = 0.4
"""Where trading begins when the warm-up is varied and nobody says where: this far into the data."""
BEGINNINGS = (0.1, 0.25, 0.4)
"""Where trading begins when its beginning is varied."""
SETTLED_SHARE = 0.75
"""How far into the data nothing of the beginning may be felt any more."""


class Decision(NamedTuple):
    """One message of a strategy."""

    now: int
    strategy: str
    what: str
    """The message as text, ids included: equal decisions are equal texts."""
    is_failure: bool = False
    """It raised, and decides nothing from here on."""


class Decisions(CoreActor):
    """Decisions: listens to what strategies send, until the end of the data."""

    name = "decisions"

    def __init__(self) -> None:
        self.made: list[Decision] = []
        self._is_over = False

    def on_decision(self, decision: Signal | CancelRequest | ReplaceRequest) -> None:
        """Keep it; cancels and replaces name an order, which belongs to a strategy."""
        self._keep(getattr(decision, "strategy", ""), decision)

    def on_order(self, request: OrderRequest) -> None:
        """Keep it."""
        self._keep(request.terms.strategy, request)

    def on_failed(self, failed: StrategyFailed) -> None:
        """Keep it."""
        if not self._is_over:
            text = f"{failed.handler} raised {failed.error} at {failed.file}:{failed.line}"
            self.made.append(Decision(self.now, failed.strategy, text, is_failure=True))

    def on_stop(self, stop: Stop) -> None:
        """What is said last depends on where the data end, as it should."""
        self._is_over = True

    def _keep(self, strategy: str, message: Signal | OrderRequest | CancelRequest | ReplaceRequest) -> None:
        if not self._is_over:
            text = f"{type(message).__name__} {msgspec.json.encode(message).decode()}"
            self.made.append(Decision(self.now, strategy, text))


class Wishes(CoreActor):
    """Wishes: listens to what strategies want to be, and keeps each change of it."""

    name = "wishes"

    def __init__(self) -> None:
        self.changes: list[Decision] = []
        self._wanted: dict[tuple[str, str], Direction] = {}

    def on_signal(self, signal: Signal) -> None:
        """Keep it where it is news."""
        key = (signal.strategy, signal.instrument)
        if self._wanted.get(key, "flat") != signal.direction:
            self._wanted[key] = signal.direction
            self.changes.append(
                Decision(self.now, signal.strategy, f"{signal.instrument} {signal.direction}")
            )

    def since(self, time: int) -> list[Decision]:
        """What is wanted at that time, and every change from there on."""
        before = {each.what.partition(" ")[0]: each for each in self.changes if each.now < time}
        standing = sorted(
            each._replace(now=time) for each in before.values() if not each.what.endswith(" flat")
        )
        return standing + [each for each in self.changes if each.now >= time]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check has found."""

    check: str
    runs: int
    decisions: int
    """Compared, all runs together."""
    difference: str | None = None
    """The first differing decision, in one sentence."""
    uncut: tuple[str, ...] = ()
    """Files that strategies read and that hold no times to be cut off at."""
    failures: tuple[str, ...] = ()
    """Where strategies raised in all runs alike."""

    @property
    def is_clean(self) -> bool:
        """Something was compared, nothing differs, and no strategy failed."""
        return self.difference is None and self.decisions > 0 and not self.failures

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**msgspec.structs.asdict(self), "is_clean": self.is_clean}

    def unproven(self) -> str:
        """What to say where no decision could be compared."""
        return (
            f"nothing is proven, as {self.runs} runs gave no decision to compare: "
            "check on data on which the strategies trade"
        )

    def text(self) -> str:
        """For people."""
        if self.difference is not None:
            return f"{self.check}: {self.difference}"
        if self.failures:
            return f"{self.check}: nothing is proven, as {'; '.join(self.failures)}"
        if not self.decisions:
            return f"{self.check}: warning: {self.unproven()}"
        return f"{self.check}: clean, {self.compared()}"

    def compared(self) -> str:
        """How much was compared, and what was not."""
        text = f"{self.decisions:,} decisions compared over {self.runs} runs"
        if not self.uncut:
            return text
        return f"{text}; warning: nothing is proven of {', '.join(self.uncut)}, which cannot be cut off"


def check_lookahead(
    config: Config,
    classes: StrategyClasses,
    *,
    start: int | None = None,
    end: int | None = None,
    cuts: int = CUTS,
) -> Finding:
    """Cut the future off at several points and compare every decision before."""
    inputs = _inputs(config, start, end)
    whole, again = (_decisions(config, classes, start, end) for _ in range(2))
    found = _compare(whole, again, None)
    if found is not None:
        return _finding("look-ahead", 2, whole, len(whole), f"run a second time, {found}")
    compared = 0
    points = _points(inputs.times, whole, cuts)
    uncut: dict[str, None] = {}
    with TemporaryDirectory(prefix="tickerd-cut-") as folder:
        for number, point in enumerate(points):
            before = [decision for decision in whole if decision.now < point]
            compared += len(before)
            try:
                made = _cut_off(config, classes, start, point, inputs, Path(folder) / str(number), uncut)
                found = _compare(before, made, point)
            except TradingError as error:
                found = f"it fails: {error}"
            if found is not None:
                why = f"with the data cut off at {_moment(point)}, {found}"
                return _finding("look-ahead", number + 3, whole, compared, why)
    finding = _finding("look-ahead", len(points) + 2, whole, compared)
    return msgspec.structs.replace(finding, uncut=tuple(uncut))


def _cut_off(
    config: Config,
    classes: StrategyClasses,
    start: int | None,
    point: int,
    inputs: _Inputs,
    folder: Path,
    uncut: dict[str, None],
) -> list[Decision]:
    """What the strategies decide when nothing from `point` on is there, in their files either.

    Their modules are run anew: what they remember of a whole run is the future.
    """
    known = inputs.times[bisect_left(inputs.times, point) - 1]
    cut = Cut(known, inputs.prices, Copies(config, point, folder / "read").of)
    shorter = cut_config(config, classes, point, folder / "named")
    again = {strategy: anew(strategy, f"cut_{folder.name}") for strategy in dict.fromkeys(classes.values())}
    trees = [tree for _, tree in again.values() if tree is not None]
    modules = [module for tree in trees for module in modules_run(tree)]
    imported = (each for each, (_, tree) in again.items() if tree is None)
    modules += [sys.modules[name] for each in imported for name in _modules_known(each)]
    try:
        with reading_until(cut, list(dict.fromkeys(modules))):
            return _decisions(shorter, {name: again[each][0] for name, each in classes.items()}, start, point)
    finally:
        uncut.update(cut.uncut)
        for tree in trees:
            forget(tree)


def _modules_known(strategy: type[Strategy]) -> list[str]:
    """Of the user's own, as Python knows them."""
    names = [*strategy_modules(strategy), *(part.__module__ for part in strategy.__mro__)]
    return [
        name for name in names if name in sys.modules and name.partition(".")[0] not in (*OURS, "builtins")
    ]


def check_warmup(
    config: Config, classes: StrategyClasses, *, start: int | None = None, end: int | None = None
) -> Finding:
    """Give indicators more history than they ask for, begin at other times, and compare."""
    times = _inputs(config, start, end).times
    if start is None:
        start = times[int(len(times) * START_SHARE)]
    least = _decisions(config, classes, start, end, WARM_UPS[0])
    for number, factor in enumerate(WARM_UPS[1:]):
        found = _compare(least, _decisions(config, classes, start, end, factor), None)
        if found is not None:
            why = (
                f"with {factor:g} times the history that the indicators ask for, {found}: "
                "raise `warm_up` or `history`"
            )
            return _finding("warm-up", number + 2, least, len(least), why)
    settled = _settled(config, classes, times, end)
    if settled.difference is not None:
        return settled
    compared = len(least) * (len(WARM_UPS) - 1) + settled.decisions
    return _finding("warm-up", len(WARM_UPS) + settled.runs, least, compared)


def _settled(config: Config, classes: StrategyClasses, times: Sequence[int], end: int | None) -> Finding:
    """Begin at several times and compare what is wanted near the end."""
    since = times[int(len(times) * SETTLED_SHARE)]
    wanted: list[Decision] = []
    for number, share in enumerate(BEGINNINGS):
        begin = times[int(len(times) * share)]
        listener = Wishes()
        Backtest(config, classes, start=begin, end=end, listeners=[listener]).drive(None, lambda: False)
        made = listener.since(since)
        wanted = wanted if number else made
        found = _compare(wanted, made, None)
        if found is not None:
            why = (
                f"begun at {_moment(begin)} instead of {_moment(times[int(len(times) * BEGINNINGS[0])])}, "
                f"from {_moment(since)} on {found}: what it counts in its state never forgets where it began"
            )
            return _finding("warm-up", number + 1, wanted, len(wanted), why)
    return _finding("warm-up", len(BEGINNINGS), wanted, len(wanted) * (len(BEGINNINGS) - 1))


def _finding(
    check: str, runs: int, made: Sequence[Decision], compared: int, difference: str | None = None
) -> Finding:
    failures = tuple(
        f"strategy {each.strategy} failed at {_moment(each.now)}: {each.what}"
        for each in made
        if each.is_failure
    )
    return Finding(check=check, runs=runs, decisions=compared, difference=difference, failures=failures)


def _decisions(
    config: Config,
    classes: StrategyClasses,
    start: int | None,
    end: int | None,
    warm_up_factor: float | None = None,
) -> list[Decision]:
    """What the strategies decide; the end of the data is no decision of theirs."""
    listener = Decisions()
    backtest = Backtest(
        config, classes, start=start, end=end, listeners=[listener], warm_up_factor=warm_up_factor
    )
    backtest.drive(None, lambda: False)
    return listener.made


def _compare(wanted: Sequence[Decision], made: Sequence[Decision], until: int | None) -> str | None:
    """The first difference in words; None where there is none."""
    if until is not None:
        made = [decision for decision in made if decision.now < until]
    for place in range(max(len(wanted), len(made))):
        ours = wanted[place] if place < len(wanted) else None
        theirs = made[place] if place < len(made) else None
        if ours != theirs:
            first = min((each for each in (ours, theirs) if each is not None), key=lambda each: each.now)
            return (
                f"decision {place + 1} of strategy {first.strategy or '(cancel)'} at {_moment(first.now)} "
                f"differs: {_said(ours)} became {_said(theirs)}"
            )
    return None


def _said(decision: Decision | None) -> str:
    return "nothing" if decision is None else f"{decision.what} at {_moment(decision.now)}"


class _Inputs(NamedTuple):
    """What the files hold."""

    times: array[int]
    prices: dict[str, Prices]
    """Of each instrument and interval."""


def _inputs(config: Config, start: int | None, end: int | None) -> _Inputs:
    if config.backtest.session.state is not None:
        raise UsageError("a session cannot be cut off: check on data files, [[backtest.data]]")
    times, prices = array("q"), dict[str, Prices]()
    for time, message in History(config).messages(start, end):
        times.append(time)
        if isinstance(message, Bar):
            key = f"{message.instrument} {message.interval_ns}"
            if key not in prices:
                prices[key] = Prices(array("q"), array("d"))
            prices[key].times.append(time)
            prices[key].closes.append(message.close)
    if not times:
        raise BadDataFile("the files hold no data in the range asked for: widen --from and --to")
    return _Inputs(times, prices)


def _points(times: Sequence[int], decisions: Sequence[Decision], count: int) -> list[int]:
    """Cuts right before an input: spread evenly over all, and right behind decisions spread evenly.

    Who looks one input too far has decided something else there.
    """
    places = [len(times) * (number + 1) // (count + 1) for number in range(count)]
    chosen = (decisions[len(decisions) * number // count] for number in range(count if decisions else 0))
    places += (bisect_right(times, decision.now) for decision in chosen)
    found = (times[place] for place in places if place < len(times))
    return sorted({point for point in found if point > times[0]})


def _moment(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC).isoformat()
