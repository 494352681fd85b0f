"""`tickerd strategy`: what it writes passes its own test, what it finds is named, bugs end with 1 or 3."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PEEKS = """
from random import random
from actors import Bar, Strategy

class Lucky(Strategy):
    def on_bar(self, bar: Bar) -> None:
        if random() > 0.5:
            self.ctx.long()
"""
SEEN = """
from actors import Bar, Strategy

SEEN: list[float] = []

class Remembers(Strategy):
    gain: float = 1.01

    def on_bar(self, bar: Bar) -> None:
        SEEN.append(bar.close)
        if SEEN[0] * self.gain < max(SEEN):
            self.ctx.long()
"""


@pytest.mark.slow
def test_a_new_strategy_passes_its_own_test_and_ours(
    tmp_path: Path, tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tickerd("strategy", "new", "MyBreakout")
    assert (ran.code, ran.err) == (0, "")
    assert "next: tickerd strategy test strategies/my_breakout.py" in ran.out
    own = runpy.run_path(str(tmp_path / "strategies" / "test_my_breakout.py"))
    for name in [name for name in own if name.startswith("test_")]:
        own[name]()
    checked = tickerd("strategy", "test", "strategies/my_breakout.py", "--set", "length=15", "--json")
    assert checked.code == 0
    assert [check["check"] for check in checked.json["checks"] if check["good"]] == [
        "guards", "backtest", "repeatable", "look-ahead", "warm-up",
    ]  # fmt: skip
    again = tickerd("strategy", "new", "my_breakout")
    assert again.code == 2
    assert "is there already and is not overwritten" in again.err


def test_built_in_and_own_strategies_are_listed_with_their_parameters(
    tmp_path: Path, tickerd: Callable[..., Any]
) -> None:
    (tmp_path / "lucky.py").write_text(PEEKS)
    (tmp_path / "remembers.py").write_text(SEEN)
    rows = {
        row["use"]: row for row in tickerd("strategy", "list", "--dir", tmp_path, "--json").json["strategies"]
    }
    built_in = rows["actors.strategies.library.sma_cross:SmaCross"]
    assert built_in["parameters"] == {"fast": "10", "slow": "30"}
    assert rows["actors.strategies.library.quote_maker:QuoteMaker"]["parameters"]["quantity"] == "required"
    assert rows[f"{tmp_path / 'remembers.py'}:Remembers"]["parameters"] == {"gain": "1.01"}
    assert (
        "lucky.py:7: random.random() would make a replay differ" in rows[str(tmp_path / "lucky.py")]["about"]
    )


def test_chance_in_a_strategy_is_refused_with_its_line(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    file = tmp_path / "lucky.py"
    file.write_text(PEEKS)
    ran = tickerd("strategy", "test", file)
    assert ran.code == 1
    assert "lucky.py:7: random.random() would make a replay differ from its session" in ran.err


@pytest.mark.slow
def test_what_a_module_remembers_ends_with_three(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    file = tmp_path / "remembers.py"
    file.write_text(SEEN)
    ran = tickerd("strategy", "test", file, "--json")
    assert ran.code == 3
    assert "repeatable" in [check["check"] for check in ran.json["checks"] if not check["good"]]


def test_one_of_several_strategies_must_be_named(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    file = tmp_path / "two.py"
    file.write_text(SEEN + "\n\nclass Another(Remembers):\n    pass\n")
    ran = tickerd("strategy", "test", file)
    assert ran.code == 2
    assert "has 2 strategies (Remembers, Another): name one as" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["new", "class"], 2, "'class' is no name for a strategy: use letters"),
        (["new", "test_mine"], 2, "is the name of a test: choose one that does not begin with test"),
        (["list", "--dir", "nowhere"], 2, "there is no folder nowhere: check --dir"),
        (["test", "nothing"], 2, "there is no strategy 'nothing': name its file"),
        (["test", "helper.py"], 2, "helper.py has no strategy: name one as helper.py:Class"),
        (
            ["test", "mine", "--set", "gain=much"],
            78,
            "strategy: Remembers: parameter 'gain' is",
        ),
        (["test", "mine", "--set", "gian=1"], 78, "has no parameter 'gian'; did you mean 'gain'?"),
    ],
)
def test_wrong_input_is_told_with_what_to_do(
    tmp_path: Path,
    tickerd: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("strategies").mkdir()
    Path("strategies", "mine.py").write_text(SEEN)
    Path("helper.py").write_text("LENGTH = 3\n")
    ran = tickerd("strategy", *arguments)
    assert ran.code == code
    assert text in ran.err


def test_a_list_names_strategies_for_people(tmp_path: Path, tickerd: Callable[..., Any]) -> None:
    (tmp_path / "remembers.py").write_text(SEEN)
    ran = tickerd("strategy", "list", "--dir", tmp_path)
    assert "gain=1.01" in ran.out
    assert "Quotes both sides around the mid and leans against" in ran.out


def test_a_program_with_a_strategy_in_it_is_listed_by_its_strategy(
    tmp_path: Path, tickerd: Callable[..., Any]
) -> None:
    work = "\nimport time\ndef work():\n    print(time.time())\nif __name__ == '__main__':\n    work()\n"
    (tmp_path / "script.py").write_text(SEEN + work)
    rows = tickerd("strategy", "list", "--dir", tmp_path, "--json").json["strategies"]
    assert rows[-1]["use"] == f"{tmp_path / 'script.py'}:Remembers"
