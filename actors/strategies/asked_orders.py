"""Which orders a strategy's source asks for, as far as it can be read before anything runs.

What is computed (a time in force from a variable) is not guessed: a note about an order that is never placed
would cost trust in all others. Whether a venue takes such an order is not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from actors.errors import UsageError
from actors.messages.orders import OrderTerms, OrderType
from actors.strategies.base import Strategy
from actors.strategies.loading import strategy_modules
from actors.strategies.wishes import terms_of

_TYPES: dict[str, OrderType] = {
    "market": "market", "limit": "limit", "stop": "stop", "stop_limit": "stop_limit",
    "trailing_stop": "trailing_stop", "bracket": "limit",
}  # fmt: skip
_ONLY_SOME_VENUES = (
    "time_in_force", "on", "good_till", "oca", "oca_kind", "outside_hours", "adaptive", "post_only",
)  # fmt: skip
_SOMETHING: dict[str, Any] = {"good_till": 1, "oca": "group", "limit_offset": 1}
"""What stands for a figure or name that only the run will know; whether it is there is what matters."""
_UNKNOWN = object()


class Asked(NamedTuple):
    """One call."""

    place: str
    """File and line."""
    terms: OrderTerms
    """With stand-ins for what only the run will know."""


def orders_asked(strategy: type[Strategy], parameters: Mapping[str, Any]) -> list[Asked]:
    """Every call of `ctx` that places an order in the class, its bases and the functions beside them."""
    classes = {part.__name__ for part in strategy.__mro__}
    found = []
    for module in strategy_modules(strategy).values():
        for call in _calls(ast.parse(module.source), classes):
            terms = _terms(call, parameters)
            if terms is not None:
                found.append(Asked(f"{module.file}:{call.lineno}", terms))
    return found


def _calls(module: ast.Module, classes: set[str]) -> Iterator[ast.Call]:
    """Those of other strategies in the same file are theirs."""
    for statement in module.body:
        if isinstance(statement, ast.ClassDef) and statement.name not in classes:
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _is_order(node.func):
                yield node


def _is_order(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in _TYPES:
        return False
    owner = function.value
    return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) == "ctx"


def _terms(call: ast.Call, parameters: Mapping[str, Any]) -> OrderTerms | None:
    method = cast(ast.Attribute, call.func).attr
    wanted = _wanted(call, parameters)
    order_type = _TYPES[method]
    if wanted.pop("limit_offset", None) is not None:
        order_type = "trailing_stop_limit"
    if method == "bracket":
        wanted["more_follow"] = True
    try:
        return terms_of(
            client_order_id="", account="", strategy="", instrument="", side="buy", order_type=order_type,
            quantity=1, **wanted,
        )  # fmt: skip
    except UsageError:
        return None  # the call itself will say so


def _wanted(call: ast.Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for keyword in call.keywords:
        name = keyword.arg
        if name is None or name not in (*_ONLY_SOME_VENUES, "limit_offset"):
            continue
        value = _value(keyword.value, parameters)
        if name in _SOMETHING and value is not None:
            value = _SOMETHING[name]
        if value is not _UNKNOWN:
            wanted[name] = value
    return wanted


def _value(expression: ast.expr, parameters: Mapping[str, Any]) -> Any:
    """A constant, or a parameter of the strategy."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in parameters:
            return parameters[name]
        case _:
            return _UNKNOWN
