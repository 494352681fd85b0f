"""Every combination of a grid of parameters, in one process or over several; the order is the grid's.

A cell that fails says why in its row, and the others go on. Equal cells are equal to the last bit however
many processes work: the column `result_hash` says so.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import product
from math import prod
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import msgspec
import polars as pl

from actors.errors import TradingError, UsageError
from actors.strategies.base import Strategy
from actors.strategies.loading import load_strategy
from daemon.config import Config
from daemon.research.audit import no_outside
from daemon.research.interrupt import interruptible
from daemon.research.result import flat_figures
from daemon.research.runs import RunInfo
from daemon.research.selection import Deflated, deflated
from daemon.worker import leave_interrupts

CELLS_MAX = 1_000_000
Classes = Mapping[str, type[Strategy]]
Progress = Callable[[int, int], None]
"""Cells done, and all there are."""


class Cell(NamedTuple):
    """One combination and what became of it."""

    parameters: dict[str, Any]
    info: RunInfo | None
    error: str | None


class Sweep:
    """What all cells have given."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = tuple(cells)

    @property
    def frame(self) -> pl.DataFrame:
        """A row for each cell in the order of the grid: parameters, figures, `state`, `error`, hashes."""
        return pl.DataFrame([_row(cell) for cell in self.cells], infer_schema_length=None)

    def ranked(self, figure: str = "sharpe", *, smallest_first: bool = False) -> pl.DataFrame:
        """The frame sorted by a figure, the largest first; rows without it at the end, in the grid's order.

        Raises:
            UsageError: No cell has it.
        """
        self.best(figure)
        return self.frame.sort(figure, descending=not smallest_first, nulls_last=True, maintain_order=True)

    def deflated(self, cell: Cell | None = None, account: str | None = None) -> Deflated | None:
        """How far a cell's Sharpe ratio is more than the luck of having tried all; None where it has none.

        Args:
            cell: None: the one with the largest Sharpe ratio.
            account: None: the first.
        Raises:
            UsageError: No cell has a Sharpe ratio.
        """
        infos = [each.info for each in self.cells if each.info is not None]
        name = account or (next(iter(infos[0].accounts)) if infos else "")
        is_only = not infos or len(infos[0].accounts) == 1
        chosen = (cell or self.best("sharpe" if is_only else f"{name}.sharpe")).info
        trials = [figures for info in infos if (figures := info.accounts[name].figures.equity) is not None]
        figures = None if chosen is None else chosen.accounts[name].figures.equity
        return None if figures is None else deflated(figures, trials)

    def __repr__(self) -> str:
        """The best cell, and how far it may be luck."""
        failed = sum(cell.info is None for cell in self.cells)
        text = f"{len(self.cells):,} cells" + (f", {failed:,} failed" if failed else "")
        try:
            best = self.best("sharpe")
        except UsageError:
            return f"<Sweep {text}>"
        values = ", ".join(f"{name}={value!r}" for name, value in best.parameters.items())
        return f"<Sweep {text}; best Sharpe at {values}; {self.deflated(best)}>"

    def best(self, figure: str = "sharpe") -> Cell:
        """The cell with the largest figure, of equal ones the first.

        Raises:
            UsageError: No cell has it.
        """
        known = [
            (value, cell)
            for cell in self.cells
            if cell.info is not None and (value := _row(cell).get(figure)) is not None
        ]
        if not known:
            raise UsageError(f"no cell has a figure {figure!r}: look at the column `error` of .frame")
        return max(known, key=lambda pair: pair[0])[1]

    def __len__(self) -> int:
        return len(self.cells)


def sweep_cells(
    config: Config,
    classes: Classes,
    grid: Mapping[str, Sequence[Any]],
    *,
    start: int | None,
    end: int | None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Sweep:
    """Run the grid; Ctrl-C ends it with the cells that are done.

    Args:
        progress: Told how many cells are done, and how many there are.
    Raises:
        UsageError: An empty grid, too many cells, or a class that no other process can find.
        ConfigError: A strategy's file that no other process could load.
    """
    cells = _cells(grid)
    tasks = [Task(config, cell, start, end) for cell in cells]
    if workers > 1:
        _check_importable(config, classes)
        return Sweep(over_processes(tasks, workers, progress))
    done = []
    with interruptible() as is_stopped:
        for task in tasks:
            done.append(_stopped(task) if is_stopped() else _run(task, classes))
            if progress is not None:
                progress(len(done), len(tasks))
    return Sweep(done)


@contextmanager
def shown_progress() -> Iterator[Progress | None]:
    """A bar on stderr for who watches a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("sweep"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sweep", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Task(NamedTuple):
    """One cell to be run."""

    config: Config
    parameters: dict[str, Any]
    start: int | None
    end: int | None


def _cells(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    values = {name: list(given) for name, given in grid.items()}
    count = prod(len(given) for given in values.values())
    if not values or not count:
        raise UsageError("the grid is empty: give each parameter at least one value, as {'fast': [5, 10]}")
    if count > CELLS_MAX:
        raise UsageError(f"the grid has {count:,} cells, at most {CELLS_MAX:,}: leave some values out")
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def _check_importable(config: Config, classes: Classes) -> None:
    _check_guarded()
    for name, section in config.strategies.items():
        if section.use.startswith("__main__:"):
            raise UsageError(
                f"{classes[name].__name__} lives in this notebook, where no other process finds it: put it "
                "into a file and give 'file.py:Class', or use workers=1"
            )
        load_strategy(section.use)  # what each process would say is said once, before any of them


def _check_guarded() -> None:
    """Every process of the pool imports the script that has started us, which must not start it all again."""
    main = sys.modules["__main__"]
    file: str | None = getattr(main, "__file__", None)
    frame: FrameType | None = sys._getframe()
    while frame is not None and (frame.f_globals is not main.__dict__ or frame.f_code.co_name != "<module>"):
        frame = frame.f_back
    if file is None or frame is None:
        return
    for statement in ast.parse(Path(file).read_bytes()).body:
        if statement.lineno <= frame.f_lineno <= (statement.end_lineno or statement.lineno):
            names = ast.walk(statement.test) if isinstance(statement, ast.If) else ()
            if not any(isinstance(name, ast.Name) and name.id == "__name__" for name in names):
                raise UsageError(
                    f"each process of the sweep imports {Path(file).name}, whose line {frame.f_lineno} would "
                    'start it again: put what it does under `if __name__ == "__main__":`, or use workers=1'
                )


def _run(task: Task, classes: Classes | None = None) -> Cell:
    """One cell; what goes wrong in it is its answer."""
    from daemon.research.api import with_parameters
    from daemon.research.backtest import run_backtest

    try:
        config = with_parameters(task.config, task.parameters)
        found = classes or {name: load_strategy(each.use) for name, each in config.strategies.items()}
        with no_outside():
            run = run_backtest(config, found, start=task.start, end=task.end)
    except TradingError as error:
        return Cell(task.parameters, None, str(error))
    except Exception as error:  # a cell of the user's code must not take the others with it
        return Cell(task.parameters, None, f"{type(error).__name__}: {error}")
    return Cell(task.parameters, run.info, "; ".join(run.info.failures_told()) or None)


def _stopped(task: Task) -> Cell:
    return Cell(task.parameters, None, "not run: interrupted")


# processes


def _pool(workers: int) -> ProcessPoolExecutor:
    # Never forked: threads of the libraries we use would not be there in the child.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=leave_interrupts)


def over_processes(tasks: Sequence[Task], workers: int, progress: Progress | None = None) -> list[Cell]:
    """Cells in the order of the tasks, whoever has worked on them."""
    with interruptible() as is_stopped, _pool(min(workers, len(tasks))) as pool:
        futures = [pool.submit(_run, task) for task in tasks]
        cells: list[Cell | None] = []
        for task, future in zip(tasks, futures, strict=True):
            cells.append(_wait(task, future, is_stopped))
            if progress is not None:
                progress(sum(each.done() for each in futures), len(tasks))
            if is_stopped():
                pool.shutdown(wait=False, cancel_futures=True)
    return [cell if cell is not None else _alone(task) for task, cell in zip(tasks, cells, strict=True)]


def _wait(task: Task, future: Future[Cell], is_stopped: Any) -> Cell | None:
    """The cell; None when a process of the pool has died, perhaps over another one."""
    while True:
        try:
            return future.result(timeout=0.2)
        except TimeoutError:
            if is_stopped():
                return _stopped(task)
        except BrokenProcessPool:
            return None
        except Exception as error:
            return Cell(task.parameters, None, f"{type(error).__name__}: {error}")


def _alone(task: Task) -> Cell:
    """Once more in a process of its own: only the cell that kills it is lost."""
    with _pool(1) as pool:
        try:
            return pool.submit(_run, task).result()
        except BrokenProcessPool:
            return Cell(task.parameters, None, "the process that worked on it died: too little memory?")


def _row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = dict(cell.parameters)
    if cell.info is not None:
        row |= {"state": cell.info.state, "run_id": cell.info.run_id, "result_hash": cell.info.result_hash}
        for name, account in cell.info.accounts.items():
            figures = _numbers(flat_figures(account))
            prefix = "" if len(cell.info.accounts) == 1 else f"{name}."
            row |= {f"{prefix}{figure}": value for figure, value in figures}
    else:
        row |= {"state": "failed", "run_id": None, "result_hash": None}
    return {**row, "error": cell.error}


def _numbers(figures: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in msgspec.to_builtins(figures).items():
        if value is None or isinstance(value, int | float):
            yield name, value
