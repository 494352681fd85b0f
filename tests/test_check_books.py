"""Books that do not balance are named by account, asset and input."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from daemon.check_books import unbalanced


class OddBooks:
    """One cent too much on one side."""

    def accounts(self) -> tuple[str, ...]:
        return ("main", "other")

    def balances(self, account: str) -> Mapping[str, Decimal]:
        return {}

    def trial_balance(self, account: str) -> Mapping[str, Decimal]:
        return {"BTC": Decimal(0), "USDT": Decimal("0.010") if account == "other" else Decimal("0.00")}


def test_only_what_does_not_balance_is_named() -> None:
    (fault,) = unbalanced(OddBooks(), 17)
    assert str(fault) == "books: account other, USDT, after seq 17: debits and credits differ by 0.01"
    assert not fault.is_damage
