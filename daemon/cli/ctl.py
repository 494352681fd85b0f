"""`tickerd ctl`: ask or steer the daemon that runs on a state folder."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

EXAMPLE = "tickerd ctl flatten --strategy sma --state state"

# Name → help, and which arguments it takes beyond the common ones.
_ACTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "status": ("process, accounts and their trading states", ()),
    "positions": ("what is held", ("scope",)),
    "orders": ("open and unknown orders; `orders resolve` settles one by hand", ("resolve", "scope")),
    "fills": ("the newest executions", ("scope", "limit")),
    "limits": ("limits in force, and what the configuration says", ("owner",)),
    "approvals": ("what waits for a second command", ()),
    "metrics": ("every figure of /metrics", ()),
    "pause": ("strategies fall silent; reductions stay possible", ("scope", "all")),
    "resume": ("take back a pause or reduce-only of exactly this scope", ("scope", "all")),
    "reduce-only": ("only reductions and cancels", ("scope", "all")),
    "flatten": ("cancel and close everything, however often it takes", ("scope", "all")),
    "halt": ("stop trading until clear-halt", ("scope", "all", "reason")),
    "clear-halt": ("lift a halt of exactly this scope, once approved", ("scope", "all")),
    "set-limit": ("tighten a limit now, or loosen it once approved", ("owner", "new_limit")),
    "approve": ("confirm what waits, or refuse it", ("approval",)),
    "cancel-all": ("cancel every open order", ("scope", "all")),
    "reconcile": (
        "ask the venue for a statement now; show and answer differences",
        ("answer", "account", "all"),
    ),
    "assign": (
        "give a strategy an order or a holding that is not in the books, once approved; alone: what there is",
        ("assignment",),
    ),
    "checkpoint": ("take a checkpoint now", ()),
    "log-level": ("show or change the log level", ("level",)),
    "stop": ("stop cleanly", ("orders",)),
}


def add_arguments(parser: ArgumentParser) -> None:
    _add_common(parser, is_default=True)
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND", title="commands")
    for name, (text, groups) in _ACTIONS.items():
        action = actions.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False
        )
        _add_common(action, is_default=False)
        for group in groups:
            _ADD[group](action)


def run(args: Namespace) -> int:
    from daemon.cli.common import print_json, state_folder
    from daemon.cli.exit_codes import ExitCode
    from daemon.control_client import call

    given = {name: getattr(args, name, None) for name in _PARAMS}
    params = {name: value for name, value in given.items() if value is not None}
    method = _method(args, params)
    result = call(state_folder(args), method, params, timeout_seconds=args.timeout)
    if args.json:
        print_json(result if isinstance(result, dict) else {method: result})
    else:
        print(_text(method, result))
    is_refused = isinstance(result, dict) and result.get("accepted") is False
    return ExitCode.REFUSED if is_refused else ExitCode.DONE


def _method(args: Namespace, params: dict[str, Any]) -> str:
    """What the daemon calls it; `params` is brought into its form."""
    match args.action, getattr(args, "answer", None):
        case "reconcile", "show":
            return "differences"
        case "reconcile", str(verdict):
            params["verdict"] = verdict
            return "resolve-difference"
        case "orders", "resolve":
            return "resolve-order"
        case "assign", _:
            if "id" not in params:
                params.clear()
                return "unclaimed"
            if "former" in params:
                return "assign-position"
            return "assign-holding" if "quantity" in params else "assign-order"
    return str(args.action)


def _text(action: str, result: Any) -> str:
    from daemon.cli.tables import facts, table

    if isinstance(result, list):
        return table(result, empty=f"no {action}")
    if "accepted" in result:
        return f"{'done' if result['accepted'] else 'refused'}: {result['text']}"
    return facts(result)


_PARAMS = (
    "account", "strategy", "instrument", "all", "reason", "limit", "level", "cancel_orders",
    "id", "name", "value", "refuse", "outcome", "price", "quantity", "former", "evidence",
)  # fmt: skip


def _add_common(parser: ArgumentParser, *, is_default: bool) -> None:
    """The same arguments before and after the command; the inner ones must not reset the outer ones."""

    def default(value: Any) -> Any:
        return value if is_default else SUPPRESS

    parser.add_argument(
        "--state",
        metavar="DIR",
        default=default(None),
        help="state folder (default: the configuration's, else state)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=default(None),
        help="configuration that names the state folder",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=default(10.0),
        help="wait so long for the answer (10)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=default(False),
        help="print one JSON object on stdout, nothing else there",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds greater than 0")
    return seconds


def _add_scope(parser: ArgumentParser) -> None:
    parser.add_argument("--account", metavar="NAME", help="only this account")
    parser.add_argument("--strategy", metavar="NAME", help="only this strategy")
    parser.add_argument("--instrument", metavar="SYMBOL@VENUE", help="only this instrument")


def _add_owner(parser: ArgumentParser) -> None:
    parser.add_argument("--account", metavar="NAME", help="of this account")
    parser.add_argument("--strategy", metavar="NAME", help="of this strategy")


def _add_new_limit(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="LIMIT", help="as the configuration calls it: daily_loss_max")
    parser.add_argument("value", metavar="VALUE", help="the new value; off switches it off")


def _add_approval(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="as `tickerd ctl approvals` shows it")
    parser.add_argument("--refuse", action="store_const", const=True, help="it shall not be")


def _add_answer(parser: ArgumentParser) -> None:
    parser.add_argument(
        "answer",
        nargs="?",
        choices=("show", "accept", "reject", "undo"),
        help="show every difference, or say what becomes of one",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="of a difference")


def _add_resolve(parser: ArgumentParser) -> None:
    parser.add_argument("answer", nargs="?", choices=("resolve",), help="settle an unknown order by hand")
    parser.add_argument("id", nargs="?", metavar="ID", help="client order id")
    parser.add_argument(
        "--as",
        dest="outcome",
        choices=("filled", "cancelled", "rejected", "expired"),
        help="what became of it, once approved",
    )
    parser.add_argument("--price", metavar="PRICE", help="of what is settled as filled")
    parser.add_argument("--evidence", metavar="TEXT", help="what proves it, for the record")


def _add_assignment(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="of an order or one of its trades; of a holding its SYMBOL@VENUE"
    )
    parser.add_argument("--strategy", metavar="NAME", help="whose it is")
    parser.add_argument("--from", dest="former", metavar="NAME", help="whose position it was")
    parser.add_argument("--account", metavar="NAME", help="of the strategy, if you like to be sure")
    parser.add_argument("--quantity", metavar="Q", help="of a holding, below 0 for a short one")
    parser.add_argument("--price", metavar="PRICE", help="what a holding has cost")
    parser.add_argument("--evidence", metavar="TEXT", help="what proves it, for the record")


def _add_orders(parser: ArgumentParser) -> None:
    orders = parser.add_mutually_exclusive_group()
    for flag, value, text in (
        ("--cancel-orders", True, "cancel resting orders"),
        ("--keep-orders", False, "leave resting orders at the venue"),
    ):
        orders.add_argument(
            flag,
            dest="cancel_orders",
            action="store_const",
            const=value,
            help=f"{text} (default: as configured)",
        )


_ADD = {
    "scope": _add_scope,
    "owner": _add_owner,
    "new_limit": _add_new_limit,
    "approval": _add_approval,
    "answer": _add_answer,
    "resolve": _add_resolve,
    "assignment": _add_assignment,
    "account": lambda parser: parser.add_argument("--account", metavar="NAME", help="only this account"),
    "all": lambda parser: parser.add_argument(
        "--all", action="store_const", const=True, help="everything, on purpose"
    ),
    "reason": lambda parser: parser.add_argument("--reason", metavar="TEXT", help="why, for the record"),
    "limit": lambda parser: parser.add_argument(
        "--limit", metavar="N", type=int, help="at most so many (100)"
    ),
    "level": lambda parser: parser.add_argument(
        "level", nargs="?", choices=("debug", "info", "warning", "error")
    ),
    "orders": _add_orders,
}
