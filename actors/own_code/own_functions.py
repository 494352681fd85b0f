"""Functions of the user's own that tickerd calls: what is said when one raises names its file and line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from traceback import walk_tb
from typing import Any

from actors.errors import TradingError


class OwnFunctionFailed(TradingError):
    """A function of the user's own has raised."""


def told(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, raising `OwnFunctionFailed` in the place of whatever it raises.

    Args:
        what: How messages call it, such as `slippage function mine.py:slip`.
    """

    @wraps(function)
    def call(*given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:
            raise OwnFunctionFailed(f"{what} {raised(error, function)}") from error

    return call


def raised(error: BaseException, function: Callable[..., Any] | None = None) -> str:
    """`raised KeyError: 'x' at mine.py:3`: the last line of the function's own file that ran."""
    text = f"raised {type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return text  # it says where itself
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    places = [place for place in frames if place[0] == own] or frames
    if not places:
        return text
    file, line = places[-1]
    return f"{text} at {file.replace(chr(92), '/').rpartition('/')[2]}:{line}"
