"""Limits in force, kept over restarts: a configuration may tighten them at once, but not loosen them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from actors.errors import InvariantBroken
from actors.messages.control import Scope
from actors.risk.limits import LimitAction, Limits, RiskLimits, StrategyLimits

OFF = "off"
LOOSER_WHEN_SMALLER = frozenset(
    {"market_margin", "order_rate_seconds", "margin_check", "excess_liquidity_min", "margin_cushion_min"}
)
FRACTIONS = frozenset({"drawdown_max", "margin_cushion_min"})
_ACTIONS = get_args(LimitAction)


class BadLimit(ValueError):
    """A limit's name or value that means nothing; says what would."""


class StoredLimits(msgspec.Struct, frozen=True, array_like=True):
    """One scope's limits as checkpoints keep them, in the words of the configuration."""

    in_force: dict[str, str]
    configured: dict[str, str]
    """What the configuration last said: only what it says anew is news."""
    digest: str
    """Of `in_force`."""


class Change(NamedTuple):
    """One limit that is to be another."""

    scope: Scope
    limit: str
    former: str
    value: str

    @property
    def place(self) -> str:
        """Where the configuration says it."""
        return f"{place_of(self.scope)}.{self.limit}"


def place_of(scope: Scope) -> str:
    """Table of the configuration that holds a scope's limits."""
    if scope.strategy is not None:
        return f"strategies.{scope.strategy}.limits"
    return f"accounts.{scope.account}.limits"


def digest_of(texts: Mapping[str, str]) -> str:
    """Hash of a scope's limits."""
    return blake2b(msgspec.msgpack.encode(sorted(texts.items())), digest_size=8).hexdigest()


def text_of(value: Any) -> str:
    """A limit as the configuration says it."""
    if value is None:
        return OFF
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def texts_of(limits: Limits) -> dict[str, str]:
    """All limits of a scope in words."""
    return {name: text_of(value) for name, value in msgspec.structs.asdict(limits).items()}


@cache
def _types(kind: type[Limits]) -> dict[str, Any]:
    return get_type_hints(kind)


def value_of(kind: type[Limits], limit: str, text: str) -> Any:
    """What a text means for a limit.

    Raises:
        BadLimit: There is no such limit, or it cannot have that value.
    """
    type_ = _types(kind).get(limit)
    if type_ is None:
        raise BadLimit(f"there is no limit {limit!r} here: known are {', '.join(_types(kind))}")
    if text == OFF and type(None) in get_args(type_):
        return None
    given: Any = tuple(part.strip() for part in text.split(",")) if limit == "allowed_instruments" else text
    try:
        value = msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError:
        wanted = f"one of {', '.join(_ACTIONS)}" if limit.endswith("_action") else "a number, or off"
        wanted = "true or false" if type_ is bool else wanted
        raise BadLimit(f"{text!r} is no value for {limit}: write {wanted}") from None
    return value


def checked_value_of(kind: type[Limits], limit: str, text: str) -> Any:
    """The same for what somebody asks for.

    Raises:
        BadLimit: Also when it is out of range.
    """
    value = value_of(kind, limit, text)
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal | float | int) and not (isfinite(value) and value > 0):
        raise BadLimit(f"{limit} must be greater than 0, not {text}: write off to switch it off")
    if limit in FRACTIONS and value is not None and value >= 1:
        raise BadLimit(f"{limit} is a fraction below 1, not {text}: write 0.2 for 20 %")
    return value


def is_looser(kind: type[Limits], limit: str, value: str, former: str) -> bool:
    """Whether a value lets more risk through than the former one."""
    new, old = value_of(kind, limit, value), value_of(kind, limit, former)
    if new == old:
        return False
    if new is None or old is None:
        return new is None
    if isinstance(new, str):
        return bool(_ACTIONS.index(new) < _ACTIONS.index(old))
    if isinstance(new, tuple):
        return not set(new) <= set(old)
    return bool(new < old if limit in LOOSER_WHEN_SMALLER else new > old)


class LimitBook:
    """Limits in force of every account and strategy, beside what the configuration says."""

    def __init__(self, configured: Mapping[Scope, Limits]) -> None:
        self._configured = dict(configured)
        self._stored: dict[Scope, StoredLimits] = {}
        self._in_force: dict[Scope, Limits] = dict(configured)
        self.changes = 0
        """How often anything was put in force: what was computed from the limits before is void."""
        for scope, limits in configured.items():
            self._keep(scope, texts_of(limits), texts_of(limits))

    def _keep(self, scope: Scope, in_force: dict[str, str], configured: dict[str, str]) -> None:
        self.changes += 1
        self._stored[scope] = StoredLimits(in_force, configured, digest_of(in_force))
        kind = self.kind_of(scope)
        values = {name: value_of(kind, name, text) for name, text in in_force.items()}
        self._in_force[scope] = kind(**values)

    @staticmethod
    def kind_of(scope: Scope) -> type[Limits]:
        """Which limits a scope has."""
        return StrategyLimits if scope.strategy is not None else RiskLimits

    def scopes(self) -> list[Scope]:
        """Scopes of the configuration."""
        return list(self._configured)

    def stored(self, scope: Scope) -> StoredLimits:
        """Words of a scope's limits."""
        return self._stored[scope]

    def account(self, account: str) -> RiskLimits:
        """In force for an account."""
        limits = self._in_force[Scope(account=account)]
        assert isinstance(limits, RiskLimits), "a scope without a strategy is an account"
        return limits

    def strategy(self, account: str, strategy: str) -> StrategyLimits | None:
        """In force for a strategy; None when it is not configured there."""
        limits = self._in_force.get(Scope(account=account, strategy=strategy))
        assert limits is None or isinstance(limits, StrategyLimits), "a scope with a strategy is one"
        return limits

    def take_configuration(self) -> tuple[list[Change], list[Change]]:
        """Adopt what the configuration says otherwise than before, unless it loosens.

        Returns:
            What has been tightened, and what is looser and stays as it was.
        """
        tightened, loosened = self.differences()
        for scope, limits in self._configured.items():
            in_force = dict(self._stored[scope].in_force)
            for change in tightened:
                if change.scope == scope:
                    in_force[change.limit] = change.value
            self._keep(scope, in_force, texts_of(limits))
        return tightened, loosened

    def differences(self) -> tuple[list[Change], list[Change]]:
        """What the configuration says otherwise than before: what is tighter, and what is looser."""
        tightened: list[Change] = []
        loosened: list[Change] = []
        for scope, limits in self._configured.items():
            stored, kind = self._stored[scope], self.kind_of(scope)
            for limit, value in texts_of(limits).items():
                former = stored.in_force[limit]
                if value in (stored.configured[limit], former):
                    continue
                change = Change(scope, limit, former, value)
                (loosened if is_looser(kind, limit, value, former) else tightened).append(change)
        return tightened, loosened

    def change_of(self, scope: Scope, limit: str, value: str) -> Change:
        """What setting a limit would change.

        Raises:
            BadLimit: No such scope or limit, or a value that means nothing.
        """
        if scope not in self._configured:
            raise BadLimit("limits belong to one account or one strategy: name it")
        kind = self.kind_of(scope)
        text = text_of(checked_value_of(kind, limit, value))
        return Change(scope, limit, self._stored[scope].in_force[limit], text)

    def is_looser(self, change: Change) -> bool:
        """Whether a change lets more risk through."""
        return is_looser(self.kind_of(change.scope), change.limit, change.value, change.former)

    def put(self, change: Change) -> None:
        """Let a change be in force."""
        stored = self._stored[change.scope]
        self._keep(change.scope, {**stored.in_force, change.limit: change.value}, stored.configured)

    def snapshot(self) -> list[tuple[Scope, StoredLimits]]:
        """State for the checkpoint."""
        return list(self._stored.items())

    def restore(self, state: list[tuple[Scope, StoredLimits]]) -> None:
        """Take a checkpoint's limits; scopes that the configuration has dropped are kept for their return.

        Raises:
            InvariantBroken: They are not what was stored.
        """
        given, self._stored = self._stored, {}
        for scope, stored in state:
            if digest_of(stored.in_force) != stored.digest:
                raise InvariantBroken(f"{place_of(scope)}: the stored limits do not match their hash")
            self._stored[scope] = stored
        for scope, limits in self._configured.items():
            stored = self._stored.get(scope) or given[scope]
            now = texts_of(limits)  # speaks for a limit that an older version did not know
            in_force = {name: stored.in_force.get(name, text) for name, text in now.items()}
            self._keep(
                scope, in_force, {name: stored.configured.get(name, text) for name, text in now.items()}
            )


def limit_book(
    accounts: Mapping[str, RiskLimits],
    strategies: Mapping[str, str],
    own: Mapping[str, StrategyLimits] | None,
) -> LimitBook:
    """Of all accounts, and of strategies with the account of each; one without limits of its own has none."""
    found: dict[Scope, Limits] = {Scope(account=name): limits for name, limits in accounts.items()}
    for name, account in strategies.items():
        found[Scope(account=account, strategy=name)] = (own or {}).get(name, StrategyLimits())
    return LimitBook(found)
