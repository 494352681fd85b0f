"""One strategy per instrument: names, and what they share."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigError
from daemon.config_sources import load_config

TOML = """
[venues.files]
kind = "simulated"
[accounts.test]
venue = "files"
mode = "paper"
base_currency = "USD"
[instruments."A@files"]
base = "A"
quote = "USD"
[instruments."B@files"]
base = "B"
quote = "USD"
[strategies.each]
use = "actors.strategies.library.sma_cross:SmaCross"
account = "test"
instruments = ["A@files", "B@files"]
per_instrument = true
parameters = { fast = 5 }
"""


def test_a_strategy_per_instrument_becomes_several_with_the_same_settings(tmp_path: Path) -> None:
    path = tmp_path / "tickerd.toml"
    path.write_text(TOML)
    strategies = load_config(path, environ={}).config.strategies
    assert {name: section.instruments for name, section in strategies.items()} == {
        "each-A": ("A@files",),
        "each-B": ("B@files",),
    }
    assert {section.parameters["fast"] for section in strategies.values()} == {5}


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tickerd.toml"
    other = TOML[TOML.index("[strategies.each]") :].replace("strategies.each", "strategies.each-A")
    path.write_text(TOML + other.replace("per_instrument = true\n", ""))
    with pytest.raises(ConfigError, match="two strategies are named each-A"):
        load_config(path, environ={})


def test_files_are_put_together_and_agree_about_who_sets_what(tmp_path: Path) -> None:
    system, backtest = tmp_path / "system.toml", tmp_path / "backtest.toml"
    (tmp_path / "more").mkdir()
    cut = TOML.index("[strategies.each]")
    system.write_text(TOML[:cut])
    backtest = tmp_path / "more" / "backtest.toml"
    backtest.write_text(TOML[cut:] + '[[backtest.data]]\npath = "a.csv"\ninstrument = "A@files"\n')
    loaded = load_config(None, others=[system, backtest], environ={})
    assert loaded.config.backtest.data[0].path == str(tmp_path / "more" / "a.csv")
    assert loaded.origin(("strategies", "each", "account")) == f"{backtest}:3"
    backtest.write_text(backtest.read_text() + "[accounts.test]\nmode = 'live'\n")
    with pytest.raises(ConfigError, match=r"accounts.test.mode is set in .*system.toml:6 already"):
        load_config(None, others=[system, backtest], environ={})
