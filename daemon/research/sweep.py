"""Every combination of a grid of parameters, in one process or over several; the order is the grid's.

A cell that fails says why in its row, and the others go on. Equal cells are equal to the last bit however
many processes work: the column `result_hash` says so.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import product
from math import prod
from multiprocessing import get_context
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

CELLS_MAX = 1_000_000
Classes = Mapping[str, type[Strategy]]


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
) -> Sweep:
    """Run the grid; Ctrl-C ends it with the cells that are done.

    Raises:
        UsageError: An empty grid, too many cells, or a class that no other process can find.
    """
    cells = _cells(grid)
    tasks = [Task(config, cell, start, end) for cell in cells]
    if workers > 1:
        _check_importable(config, classes)
        return Sweep(over_processes(tasks, workers))
    done = []
    with interruptible() as is_stopped:
        for task in tasks:
            done.append(_stopped(task) if is_stopped() else _run(task, classes))
    return Sweep(done)


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
    for name, section in config.strategies.items():
        if section.use.startswith("__main__:"):
            raise UsageError(
                f"{classes[name].__name__} lives in this notebook, where no other process finds it: put it "
                "into a file and give 'file.py:Class', or use workers=1"
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
    return Cell(task.parameters, run.info, "; ".join(run.info.failures) or None)


def _stopped(task: Task) -> Cell:
    return Cell(task.parameters, None, "not run: interrupted")


# processes


def _begin_worker() -> None:
    """Ctrl-C is the parent's affair: it goes to all of us alike."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Never forked: threads of the libraries we use would not be there in the child.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin_worker)


def over_processes(tasks: Sequence[Task], workers: int) -> list[Cell]:
    """Cells in the order of the tasks, whoever has worked on them."""
    with interruptible() as is_stopped, _pool(min(workers, len(tasks))) as pool:
        futures = [pool.submit(_run, task) for task in tasks]
        cells: list[Cell | None] = []
        for task, future in zip(tasks, futures, strict=True):
            cells.append(_wait(task, future, is_stopped))
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
