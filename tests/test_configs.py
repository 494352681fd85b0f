"""The configurations that come with tickerd do what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.cli.check import strategy_errors
from daemon.config_checks import doubts_about
from daemon.config_sources import load_config

OVERRIDES = {"live": ["accounts.live.account_id=1"]}
"""What a user must add."""


@pytest.mark.parametrize("name", ["paper", "testnet", "live"])
def test_a_ready_made_configuration_passes_every_check(repo_root: Path, name: str) -> None:
    config = load_config(
        repo_root / "configs" / f"binance-{name}.toml", overrides=OVERRIDES.get(name, []), environ={}
    ).config
    assert {account.mode for account in config.accounts.values()} == {name}
    assert doubts_about(config) == []
    assert strategy_errors(config) == []


def test_live_refuses_to_load_until_the_account_is_named(repo_root: Path) -> None:
    with pytest.raises(ConfigError, match=r'mode = "live" needs account_id'):
        load_config(repo_root / "configs" / "binance-live.toml", environ={})


def test_live_waits_for_the_disk_and_limits_every_order(repo_root: Path) -> None:
    config = load_config(
        repo_root / "configs" / "binance-live.toml", overrides=OVERRIDES["live"], environ={}
    ).config
    account = config.accounts["live"]
    assert account.durability == "power-loss"
    assert account.limits.order_notional_max is not None
    assert account.limits.allowed_instruments == ("BTCUSDT@binance",)
