"""A bar on stderr for who watches a terminal: how much is done, how fast, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], None]


@contextmanager
def progress_bar(
    what: str,
    is_shown: bool,
    *,
    total: int | None = None,
    until_ns: int | None = None,
    noun: str = "bars",
) -> Iterator[Advance | None]:
    """A function to be called with the number of inputs done and the time (ns UTC) they have come to.

    Args:
        total: Inputs there will be.
        until_ns: The time they will come to; wins over `total`. Neither: no end is shown.
        noun: What is counted.
    """
    if not is_shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.fields[inputs]:,}} {noun}, {{task.fields[rate]}}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(
            what, total=None if total is None and until_ns is None else 1.0, inputs=0, rate=""
        )
        begin: list[int] = []

        def advance(inputs: int, time: int) -> None:
            begin.append(time) if not begin else None
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{inputs / elapsed:,.0f} {noun}/s" if elapsed > 0.0 else ""
            done = None
            if until_ns is not None and until_ns > begin[0]:
                done = (time - begin[0]) / (until_ns - begin[0])
            elif total:
                done = inputs / total
            bar.update(task, completed=min(done, 1.0) if done is not None else None, inputs=inputs, rate=rate)

        yield advance
