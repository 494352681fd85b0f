from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from actors import ConfigError, Strategy
from actors.own_code.modules import digest_of_all
from actors.strategies.library.quote_maker import QuoteMaker
from actors.strategies.library.sma_cross import SmaCross
from actors.strategies.loading import load_strategy, strategy_modules, strategy_source_hash
from tests.strategies.stage import Stage, a_quote, a_spec

SOURCE = """from __future__ import annotations
from actors import Quote, State, Strategy
class Count(State):
    quotes: int = 0
class Counter(Strategy):
    step: int = 1
    state: Count
    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += self.step
"""


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    file = tmp_path / "counter.py"
    file.write_text(SOURCE)
    return file


def test_a_strategy_loads_from_an_import_path() -> None:
    assert load_strategy("actors.strategies.library.sma_cross:SmaCross") is SmaCross


def test_a_strategy_loads_from_a_file_and_runs(counter: Path) -> None:
    strategy = load_strategy(f"{counter}:Counter")
    assert load_strategy(f"{counter}:Counter") is strategy
    stage = Stage(a_spec(strategy, parameters={"step": 2}))
    stage.start()
    stage.run(a_quote(1, 100))
    assert stage.strategy().state.quotes == 2


def test_a_changed_file_is_another_strategy(counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing but its content tells: the size is the same, and the second of the change."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    counter.write_text(SOURCE.replace("step: int = 1", "step: int = 4"))  # loaded by no other test
    before = load_strategy(f"{counter}:Counter")
    stat = counter.stat()
    counter.write_text(SOURCE.replace("step: int = 1", "step: int = 5"))
    os.utime(counter, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = load_strategy(f"{counter}:Counter")
    assert after is not before
    assert (vars(before)["step"], vars(after)["step"]) == (4, 5)
    assert strategy_source_hash(after) != strategy_source_hash(before)


def test_the_hash_of_sources_depends_on_neither_place_nor_order(counter: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "counter.py"
    elsewhere.parent.mkdir()
    elsewhere.write_text(SOURCE)
    first, second = (load_strategy(f"{file}:Counter") for file in (counter, elsewhere))
    assert strategy_source_hash(first) == strategy_source_hash(second)
    programs = [strategy_modules(SmaCross), strategy_modules(QuoteMaker)]
    assert digest_of_all(programs) == digest_of_all(programs[::-1]) != digest_of_all(programs[:1])
    assert strategy_source_hash(SmaCross) != strategy_source_hash(QuoteMaker)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("SmaCross", "must be written `package.module:Class` or `folder/file.py:Class`"),
        ("nowhere.at_all:SmaCross", "there is no module nowhere.at_all: check its spelling"),
        (
            "actors.strategies.library.sma_cros:SmaCross",
            "there is no module actors.strategies.library.sma_cros",
        ),
        ("actors.strategies.library.sma_cross:SmaCros", "has no class SmaCros; did you mean SmaCross?"),
        ("actors.model.money:Strategy", "has no class Strategy; it defines no strategy"),
        ("actors.model.instrument:Instrument", "is not a strategy: its class must be derived"),
        ("actors:Strategy", "is not a strategy: its class must be derived"),
        ("missing/file.py:Any", "the strategy file missing/file.py cannot be read: No such file"),
    ],
)
def test_what_cannot_be_loaded_is_said_clearly(path: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text.replace("(", r"\(").replace("?", r"\?")):
        load_strategy(path)


def test_a_file_that_raises_is_named_with_its_error(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import not_installed_anywhere\n")
    with pytest.raises(ConfigError, match=r"broken\.py raised ModuleNotFoundError: No module named"):
        load_strategy(f"{file}:Any")
    file.write_text("x = (\n")
    with pytest.raises(ConfigError, match="raised SyntaxError"):
        load_strategy(f"{file}:Any")


def test_the_base_itself_is_importable_from_the_surface() -> None:
    assert issubclass(SmaCross, Strategy)
