"""What panic does for an account, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from daemon.config import Config
from daemon.panic import Orders


def orders_for(config: Config, name: str, *, keep: Mapping[str, Decimal], cancel_only: bool) -> Orders:
    """The account's instruments are those that its strategies trade."""
    account = config.accounts[name]
    symbols = dict.fromkeys(
        instrument.rpartition("@")[0]
        for strategy in config.strategies.values()
        if strategy.account == name
        for instrument in strategy.instruments
    )
    return Orders(
        account=name,
        account_id=account.account_id,
        base_currency=account.base_currency,
        symbols=tuple(symbols),
        keep=dict(keep),
        cancel_only=cancel_only,
    )
