"""Finished runs on disk: `state/runs/<run id>/` with `run.json` (`RunInfo`) and one Parquet file per table.

The id is made of the hashes of configuration, code and data, so the same three have one id, and a second
run of them must give the same result to the last bit: it is compared, never put in the first one's place.

Tables. Times are `Datetime("ns", "UTC")`; money is in the account's currency unless said otherwise; prices
are in the instrument's quote currency; figures are doubles, and `Decimal(repr(x))` gives the booked number
back as far as it has 15 digits. A null is *not known* or *none*, never zero.

equity     one row per account and sample, at the end of every `backtest.equity_interval` in which anything
           came, and at the very end. What the calendar day of a row is: `ts` − 1 ns, as it closes a period.
           ts account currency equity cash gross_exposure net_exposure unrealised_pnl realised_pnl fees
trades     round trips in the order of their closing; what is still open is not among them.
           account strategy instrument direction ("long" "short") tag ts_opened ts_closed
           quantity (largest held) entry_price exit_price (quote currency)
           realised_pnl (before costs; slippage and dividends are in it) fees slippage (> 0 cost us)
           borrow funding net (realised_pnl − fees − borrow − funding)
           risk (at the first stop; null without one)
           adverse favourable (furthest moves as fractions of the entry price, ≤ 0 and ≥ 0: MAE and MFE)
fills      in the order of booking.
           ts account strategy instrument client_order_id venue_order_id trade_id side ("buy" "sell")
           quantity price fee fee_currency (the fee is in it) liquidity ("maker" "taker" "unknown")
           mid_price (at the decision) slippage (fraction of it, > 0 cost us) notional (account currency)
           bar (end of the bar it happened in; null without bars) volume_share (of the bar's volume)
orders     in the order of approval, denied ones where they were refused.
           ts account strategy instrument client_order_id side order_type quantity price stop_price
           time_in_force tag
           status ("open" "filled" "cancelled" "expired" "rejected" "denied") filled price_average
           ts_closed reason (of what did not fill)
positions  what was held at each row of `equity`; nothing for what was flat.
           ts account strategy instrument quantity (signed) value (signed, at mark)
prices     bars of each traded instrument, joined to at most `PRICE_ROWS_MAX` each; ts is a bar's end.
           ts instrument open high low close volume
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from errno import EEXIST, ENOTEMPTY
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from actors.errors import ReplayDiffers, UsageError
from actors.ledger.attribution import Attribution
from daemon.research.figures import Figures
from daemon.research.frames import TABLES, Frames, digest, read_frame, write_frames

RunState = Literal["complete", "interrupted", "failed"]
FORMAT = 1
INFO_FILE = "run.json"
ID_LENGTH = 12


class Hashes(msgspec.Struct, frozen=True, kw_only=True):
    """SHA-256 of what a run was made of; together they are its id."""

    config: str
    """Of the configuration without what cannot change a result, paths by file name."""
    code: str
    """Of the strategies' modules and of tickerd's own."""
    data: str
    """Of the bytes of all files or frames, and of the range asked for."""

    @property
    def run_id(self) -> str:
        """Twelve hexadecimal digits."""
        return sha256(f"{self.config}{self.code}{self.data}".encode()).hexdigest()[:ID_LENGTH]


class AccountResult(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the end, in its base currency."""

    currency: str
    equity_start: float
    equity_end: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    max_drawdown: float
    """Fraction of the running peak, ≤ 0, over all samples of equity."""
    balances: dict[str, Decimal]
    trial_balance: Decimal
    figures: Figures
    attribution: list[Attribution] = []
    """At the end, from the books: of each strategy and instrument, and interest; their `net` add up to what
    equity has gained as far as they are in one currency."""
    rates: dict[str, float | None] = {}
    """Currency of a line in `attribution` → account currency for one at the end; None without a price."""
    margin_calls: int = 0
    liquidations: int = 0
    """Fills by which the venue has closed positions itself."""


class StrategyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy did; account currency."""

    orders: int
    fills: int
    trades: int
    won: int
    """Trades with a net result above zero."""
    realised_pnl: float
    fees: float


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a run that is not a table: what `run.json` holds and `--json` prints."""

    format: int = FORMAT
    run_id: str
    state: RunState
    hashes: Hashes
    versions: dict[str, str]
    config: dict[str, Any]
    """Everything as it was resolved, defaults included."""
    start: str
    """Time of the first input, ISO 8601 UTC."""
    end: str
    inputs: int
    orders: int
    fills: int
    trades: int
    accounts: dict[str, AccountResult]
    strategies: dict[str, StrategyResult]
    denied: dict[str, int]
    """Code → how many orders we refused ourselves."""
    rejected: dict[str, int]
    """Code → how many the venue refused."""
    warnings: list[str]
    findings: list[str] = []
    """What was left out of data files; no part of the result, for it names them where they lie."""
    failures: list[str]
    """One sentence each: strategy, handler, error, file and line, input and time."""
    tracebacks: list[str] = []
    """Of what failed, in full."""
    result_hash: str = ""
    """Over tables and figures: equal for equal results."""
    seconds: float = 0.0
    inputs_per_second: int = 0
    created: str = ""

    def failures_told(self) -> list[str]:
        """What failed with what the errors said, which is no part of the result: it may differ each time."""
        said = [text.strip().rpartition("\n")[2].partition(": ")[2] for text in self.tracebacks]
        said += [""] * (len(self.failures) - len(said))
        return [f"{each}: {why}" if why else each for each, why in zip(self.failures, said, strict=False)]


_NOT_RESULT = (
    "run_id",
    "hashes",
    "versions",
    "config",
    "findings",
    "tracebacks",
    "result_hash",
    "seconds",
    "inputs_per_second",
    "created",
)


class Run(NamedTuple):
    """A run with its tables."""

    info: RunInfo
    frames: Frames


class Kept(NamedTuple):
    """Where a run was put."""

    path: Path
    is_repeated: bool
    """It was there already, and this one came out the same."""


def runs_folder(state: Path) -> Path:
    """Where a state folder keeps its runs."""
    return state / "runs"


def with_result_hash(info: RunInfo, frames: Frames) -> RunInfo:
    """The info with the digest of everything that must come out the same again."""
    plain = {name: value for name, value in msgspec.structs.asdict(info).items() if name not in _NOT_RESULT}
    own = msgspec.json.encode(plain, order="deterministic")
    return msgspec.structs.replace(info, result_hash=sha256(own + digest(frames).encode()).hexdigest())


def keep_run(state: Path, run: Run) -> Kept:
    """Write a run, or compare it with the one that has its id; an unfinished one gives way.

    Raises:
        ReplayDiffers: The same configuration, code and data have given another result before; the new run
            is kept beside it.
        UsageError: The folder cannot be written.
    """
    folder = runs_folder(state)
    place = folder / run.info.run_id
    former = _info_at(place)
    if former is not None and former.state != "interrupted" and run.info.state != "interrupted":
        if former.result_hash == run.info.result_hash:
            return Kept(place, is_repeated=True)
        aside = folder / f"{run.info.run_id}.differs"
        _write(aside, run)
        raise ReplayDiffers(
            "the same configuration, code and data gave another result before: compare "
            f"{place} with {aside}; a clock, chance or the order of a set in a strategy is the usual cause"
        )
    if (former is None or former.state == "interrupted") and not _write(place, run):
        return keep_run(state, run)  # another process has written the same run meanwhile: compare
    return Kept(place, is_repeated=False)


def _write(place: Path, run: Run) -> bool:
    """All or nothing: the folder appears whole; False when somebody else has put one there meanwhile.

    Raises:
        UsageError: It cannot be written.
    """
    making = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir(parents=True)
        write_frames(making, run.frames)
        plain = msgspec.json.format(msgspec.json.encode(run.info), indent=2)
        (making / INFO_FILE).write_bytes(plain + b"\n")
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    except OSError as error:
        if error.errno in (ENOTEMPTY, EEXIST) and _info_at(place) is not None:
            return False
        raise UsageError(
            f"{place} cannot be written ({error.strerror or error}): make room, or give another --state"
        ) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return True


def read_run(place: Path) -> Run:
    """A run from its folder.

    Raises:
        UsageError: There is none.
        BadDataFile: A table is damaged.
    """
    info = _info_at(place)
    if info is None:
        raise UsageError(f"{place} holds no run: `tickerd backtest` writes them, `tickerd report` lists them")
    return Run(info, Frames(*(read_frame(place, name) for name in TABLES)))


def list_runs(state: Path) -> list[tuple[Path, RunInfo]]:
    """All runs of a state folder, newest first."""
    places = runs_folder(state).glob(f"*/{INFO_FILE}")
    found = [(file.parent, info) for file in places if (info := _info_at(file.parent)) is not None]
    return sorted(found, key=lambda each: (each[1].created, each[1].run_id), reverse=True)


def find_run(state: Path, name: str) -> Path:
    """The folder of a run by its path, its id, the beginning of its id, or `last`.

    Raises:
        UsageError: None, or more than one.
    """
    if (Path(name) / INFO_FILE).is_file():
        return Path(name)
    known = list_runs(state)
    places = [place for place, _ in known if place.name == name] or [
        place for place, _ in known if place.name.startswith(name)
    ]
    if name == "last" and known:
        return known[0][0]
    if len(places) == 1:
        return places[0]
    if places:
        raise UsageError(f"{name!r} begins {len(places)} runs: {', '.join(sorted(p.name for p in places))}")
    advice = f"the newest is {known[0][0].name}" if known else "run `tickerd backtest` first"
    raise UsageError(f"there is no run {name!r} in {runs_folder(state)}: {advice}")


def _info_at(place: Path) -> RunInfo | None:
    """What a folder's `run.json` says; None without one that this tickerd can read."""
    try:
        return msgspec.json.decode((place / INFO_FILE).read_bytes(), type=RunInfo)
    except (OSError, msgspec.MsgspecError):
        return None


def now_text() -> str:
    """When a run is written, for lists; no part of the result."""
    return datetime.now(tz=UTC).isoformat(timespec="milliseconds")
