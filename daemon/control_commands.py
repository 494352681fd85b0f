"""The operator's verbs: what each takes, and the core's command it becomes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from actors.messages.assigning import AssignHolding, AssignOrder, AssignPosition
from actors.messages.control import (
    Approve,
    CancelAll,
    ClearHalt,
    Flatten,
    Halt,
    OperatorCommand,
    Pause,
    Reconcile,
    ReduceOnly,
    ResolveDifference,
    ResolveOrder,
    Resume,
    Scope,
    SetLimit,
)
from daemon.control_protocol import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError

COMMANDS: dict[str, type[OperatorCommand]] = {
    "pause": Pause,
    "resume": Resume,
    "reduce-only": ReduceOnly,
    "flatten": Flatten,
    "halt": Halt,
    "clear-halt": ClearHalt,
    "cancel-all": CancelAll,
    "reconcile": Reconcile,
    "set-limit": SetLimit,
    "approve": Approve,
    "resolve-difference": ResolveDifference,
    "resolve-order": ResolveOrder,
    "assign-order": AssignOrder,
    "assign-holding": AssignHolding,
    "assign-position": AssignPosition,
}
"""What changes trading state: an input, answered once it is durable."""

NEEDS_ALL = frozenset({"flatten", "cancel-all", "clear-halt"})
"""Without a scope these need `all`: they act on the market or lift a protection. Stopping needs nothing."""

_SCOPE = frozenset({"account", "strategy", "instrument"})
PARAMETERS: dict[str, frozenset[str]] = {
    "status": frozenset(),
    "metrics": frozenset(),
    "positions": _SCOPE,
    "orders": _SCOPE,
    "fills": _SCOPE | {"limit"},
    "approvals": frozenset(),
    "differences": frozenset({"account"}),
    "unclaimed": frozenset(),
    "limits": frozenset({"account", "strategy"}),
    "checkpoint": frozenset(),
    "log-level": frozenset({"level"}),
    "stop": frozenset({"cancel_orders"}),
    **{verb: _SCOPE | {"all"} for verb in COMMANDS},
    "halt": _SCOPE | {"all", "reason"},
    "reconcile": frozenset({"account", "all"}),
    "set-limit": frozenset({"account", "strategy", "name", "value"}),
    "approve": frozenset({"id", "refuse"}),
    "resolve-difference": frozenset({"id", "verdict"}),
    "resolve-order": frozenset({"id", "outcome", "price", "evidence"}),
    "assign-order": frozenset({"id", "account", "strategy", "evidence"}),
    "assign-holding": frozenset({"id", "account", "strategy", "quantity", "price", "evidence"}),
    "assign-position": frozenset({"id", "account", "strategy", "former", "evidence"}),
}
"""Every method with the parameters it takes."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """All parameters of all methods."""

    account: str | None = None
    strategy: str | None = None
    instrument: str | None = None
    all: bool = False
    reason: str = "operator"
    limit: int = 100
    """Newest fills to show."""
    level: str | None = None
    name: str = ""
    """Of a limit, as the configuration calls it."""
    value: str = ""
    """Of a limit; `off` switches it off."""
    id: str = ""
    """Of an approval, a difference, an order, or the instrument of a holding."""
    refuse: bool = False
    verdict: Literal["accept", "reject", "undo"] | None = None
    """On a difference."""
    outcome: Literal["filled", "cancelled", "rejected", "expired"] | None = None
    """Of an order."""
    price: Decimal | None = None
    """Of what an order is settled as filled at, or a holding has cost."""
    quantity: Decimal | None = None
    """Of a holding."""
    former: str = ""
    """Strategy whose position it was."""
    evidence: str = ""
    cancel_orders: bool | None = None
    """None: as configured."""


class Names(NamedTuple):
    """What an operator can name."""

    accounts: tuple[str, ...]
    strategies: Mapping[str, str]
    """Strategy → its account."""
    instruments: Mapping[str, tuple[str, ...]]
    """Instrument → the accounts that trade it."""


def parameters_of(method: str, params: Mapping[str, Any]) -> Parameters:
    """Typed parameters of a call.

    Raises:
        RpcError: Unknown method or parameter, or one of the wrong type.
    """
    allowed = PARAMETERS.get(method)
    if allowed is None:
        raise RpcError(METHOD_NOT_FOUND, f"there is no command {method!r}: known are {_listed(PARAMETERS)}")
    for name in params:
        if name not in allowed:
            takes = f"it takes {_listed(sorted(allowed))}" if allowed else "it takes no parameters"
            raise RpcError(INVALID_PARAMS, f"{method} has no parameter {name!r}: {takes}")
    try:
        return msgspec.convert(params, Parameters)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_PARAMS, f"{method}: {str(error).replace('`', '')}") from None


def scope_of(given: Parameters, names: Names) -> Scope:
    """The scope, with the account of a strategy or instrument filled in.

    Raises:
        RpcError: A name nobody knows, two that do not belong together, or an instrument of several accounts.
    """
    _known("account", given.account, names.accounts)
    _known("strategy", given.strategy, names.strategies)
    _known("instrument", given.instrument, names.instruments)
    if given.all and (given.account or given.strategy or given.instrument):
        raise RpcError(INVALID_PARAMS, "all and a narrower scope exclude each other: give one of them")
    if given.strategy and given.instrument:
        raise RpcError(INVALID_PARAMS, "a scope is a strategy or an instrument, not both: give one of them")
    account = given.account
    if given.strategy:
        account = _same(account, names.strategies[given.strategy], f"strategy {given.strategy!r}")
    if given.instrument:
        traders = names.instruments[given.instrument]
        if account is None and len(traders) != 1:
            raise RpcError(
                INVALID_PARAMS, f"{given.instrument} is traded by {_listed(traders)}: name one with account"
            )
        account = account if account in traders else _same(account, traders[0], given.instrument)
    return Scope(account=account, strategy=given.strategy, instrument=given.instrument)


def command_of(
    method: str, given: Parameters, names: Names, *, now_ns: int, command_id: str, by: str
) -> OperatorCommand:
    """The core's command for an operator's verb.

    Raises:
        RpcError: The scope is wrong, or too wide to be meant by accident.
    """
    scope = scope_of(given, names)
    if scope == Scope() and method in NEEDS_ALL and not given.all:
        raise RpcError(
            INVALID_PARAMS,
            f"{method} without a scope concerns every account: narrow it with account, strategy or "
            "instrument, or say all",
        )
    more: dict[str, Any] = {}
    match method:
        case "halt":
            more = {"reason": given.reason}
        case "set-limit":
            if scope == Scope() or not given.name or not given.value:
                raise RpcError(INVALID_PARAMS, "set-limit needs an account or a strategy, name and value")
            more = {"limit": given.name, "value": given.value}
        case "approve":
            if not given.id:
                raise RpcError(INVALID_PARAMS, "approve needs the id that `tickerd ctl approvals` shows")
            more = {"approval_id": given.id, "is_granted": not given.refuse}
        case "resolve-difference":
            if not given.id or given.verdict is None:
                raise RpcError(INVALID_PARAMS, "name a difference as `tickerd ctl reconcile show` shows it")
            more = {"difference_id": given.id, "verdict": given.verdict}
        case "resolve-order":
            if not given.id or given.outcome is None:
                raise RpcError(INVALID_PARAMS, "name an order, and what it shall be settled --as")
            more = {
                "client_order_id": given.id,
                "outcome": given.outcome,
                "price": given.price,
                "evidence": given.evidence,
            }
        case "assign-order":
            if not given.id or not given.strategy:
                raise RpcError(INVALID_PARAMS, "name an order or a trade, and whose it is: --strategy NAME")
            more = {"reference": given.id, "evidence": given.evidence}
        case "assign-holding":
            more = _holding_of(given, names)
        case "assign-position":
            _known("instrument", given.id, names.instruments)
            if not given.strategy or not given.former:
                raise RpcError(
                    INVALID_PARAMS, "say whose it was, --from NAME, and whose it is: --strategy NAME"
                )
            more = {"instrument": given.id, "former": given.former, "evidence": given.evidence}
    return COMMANDS[method](ts_event=now_ns, scope=scope, command_id=command_id, by=by, **more)


def _holding_of(given: Parameters, names: Names) -> dict[str, Any]:
    _known("instrument", given.id, names.instruments)
    if not given.strategy or not given.quantity or given.price is None or given.price < 0:
        raise RpcError(
            INVALID_PARAMS, "a holding needs --strategy, --quantity (not 0) and --price (what it cost)"
        )
    return {
        "instrument": given.id,
        "quantity": given.quantity,
        "price": given.price,
        "evidence": given.evidence,
    }


def in_scope(rows: Iterable[dict[str, Any]], given: Parameters, names: Names) -> list[dict[str, Any]]:
    """Rows with `account`, `strategy` and `instrument` that fall into the scope asked for.

    Raises:
        RpcError: A name nobody knows.
    """
    for kind, known in (
        ("account", names.accounts),
        ("strategy", names.strategies),
        ("instrument", names.instruments),
    ):
        _known(kind, getattr(given, kind), known)
    wanted = {kind: name for kind in sorted(_SCOPE) if (name := getattr(given, kind)) is not None}
    return [row for row in rows if all(row.get(kind) == name for kind, name in wanted.items())]


def _known(kind: str, name: str | None, known: Iterable[str]) -> None:
    if name is not None and name not in known:
        raise RpcError(INVALID_PARAMS, f"there is no {kind} {name!r}: known are {_listed(known) or 'none'}")


def _same(given: str | None, actual: str, whose: str) -> str:
    if given is not None and given != actual:
        raise RpcError(
            INVALID_PARAMS, f"{whose} belongs to account {actual!r}, not {given!r}: leave account out"
        )
    return actual


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
