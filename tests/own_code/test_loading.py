"""A strategy's helpers: found beside it, its own, seen as they are now, and part of its hash."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from actors import ConfigError, Strategy
from actors.own_code.loading import check_code, load_function, modules_of
from actors.strategies.loading import load_strategy, strategy_source_hash
from daemon.research.hashes import code_hash

STRATEGY = """
from actors import Bar, Strategy
{imports}

class Mine(Strategy):
    length: int = {value}

    def on_bar(self, bar: Bar) -> None:
        self.ctx.long()
"""


def write(folder: Path, **files: str) -> Path:
    """Files by name, `__` for a folder; returns the folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def mine(folder: Path, imports: str, value: str, **helpers: str) -> type[Strategy]:
    write(folder, mine=STRATEGY.format(imports=imports, value=value), **helpers)
    return load_strategy(f"{folder / 'mine.py'}:Mine")


def length(strategy: type[Strategy]) -> object:
    return vars(strategy)["length"]


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python itself imports from."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("imports", "value"),
    [
        ("import helper", "helper.LENGTH"),
        ("import helper as h", "h.LENGTH"),
        ("from helper import LENGTH as n", "n"),
        ("from helper import *", "LENGTH"),
        ("from . import helper", "helper.LENGTH"),
        ("from .helper import LENGTH", "LENGTH"),
        ("import tools.sizes", "tools.sizes.LENGTH"),
        ("import math, tools.sizes as sizes, helper", "int(math.sqrt(sizes.LENGTH * helper.LENGTH))"),
        ("from tools import sizes", "sizes.LENGTH"),
        ("from tools.sizes import LENGTH", "LENGTH"),
        ("from tools import above", "above.LENGTH"),
        ("from plain import part", "part.LENGTH"),
        ("import other", "other.helper.LENGTH"),
        ("try:\n    import helper\nexcept ImportError:\n    helper = None", "helper.LENGTH"),
        ("from helper import helper\nimport other", "helper() + 0"),
    ],
)
def test_helpers_beside_a_strategy_are_imported_however_python_writes_it(
    tmp_path: Path, imports: str, value: str
) -> None:
    path, modules = list(sys.path), set(sys.modules)
    strategy = mine(
        tmp_path,
        imports,
        value,
        helper="LENGTH = 7\ndef helper():\n    return LENGTH\n",
        other="import helper\n",
        tools____init__="",
        tools__sizes="LENGTH = 7\n",
        tools__above="from .sizes import LENGTH\nfrom helper import LENGTH as same\nassert LENGTH == same\n",
        plain__part="LENGTH = 7\n",
    )
    assert length(strategy) == 7
    assert sys.path == path
    assert {name.partition(".")[0] for name in set(sys.modules) - modules if name.startswith("mine")} != set()
    assert not {"helper", "tools", "other", "plain", "mine"} & set(sys.modules)


def test_helpers_of_one_name_never_meet(tmp_path: Path) -> None:
    one = mine(tmp_path / "one", "import helper", "helper.LENGTH", helper="LENGTH = 1\n")
    two = mine(tmp_path / "two", "import helper", "helper.LENGTH", helper="LENGTH = 2\n")
    assert (length(one), length(two)) == (1, 2)
    assert strategy_source_hash(one) != strategy_source_hash(two)


def test_all_helpers_of_one_name_are_in_the_hash_of_a_run(tmp_path: Path) -> None:
    one = mine(tmp_path / "one", "import helper", "1", helper="LENGTH = 1\n")
    hashes = {
        code_hash([one, mine(tmp_path / name, "import helper", "1", helper=f"LENGTH = {length}\n")])
        for name, length in (("two", 2), ("three", 3), ("four", 3))
    }
    assert len(hashes) == 2


def test_a_strategy_and_its_neighbour_share_no_state(tmp_path: Path) -> None:
    helper = "SEEN = []\ndef note():\n    SEEN.append(1)\n    return len(SEEN)\n"
    write(tmp_path, helper=helper)
    for name in ("a", "b"):
        write(tmp_path, **{name: STRATEGY.format(imports="from helper import note", value="note()")})
        assert length(load_strategy(f"{tmp_path / name}.py:Mine")) == 1


def test_a_changed_helper_is_seen_though_size_and_time_are_the_same(tmp_path: Path) -> None:
    before = mine(tmp_path, "from helper import LENGTH", "LENGTH", helper="LENGTH = 3\n")
    helper = tmp_path / "helper.py"
    stat = helper.stat()
    helper.write_text("LENGTH = 4\n")
    os.utime(helper, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = load_strategy(f"{tmp_path / 'mine.py'}:Mine")
    assert (length(before), length(after)) == (3, 4)
    assert strategy_source_hash(before) != strategy_source_hash(after)
    assert not list(tmp_path.rglob("*.pyc"))


def test_the_hash_is_that_of_what_runs_wherever_it_lies(tmp_path: Path) -> None:
    first = mine(tmp_path / "a", "import helper", "1", helper="LENGTH = 3\n")
    found = strategy_source_hash(first)
    assert found == strategy_source_hash(mine(tmp_path / "b", "import helper", "1", helper="LENGTH = 3\n"))
    write(tmp_path / "a", helper="LENGTH = 4\n", unused="X = 1\n")
    assert strategy_source_hash(first) == found
    assert set(modules_of(first, Strategy)) == {"mine", "helper"}


def test_what_is_imported_late_is_what_was_looked_through(tmp_path: Path) -> None:
    file = write(
        tmp_path, slip="def slip(taking):\n    import helper\n    return helper.VALUE\n", helper="VALUE = 1\n"
    )
    slip = load_function(f"{file / 'slip.py'}:slip")
    write(tmp_path, helper="VALUE = 2\n")
    assert slip(None) == 1
    assert load_function(f"{file / 'slip.py'}:slip")(None) == 2


def test_an_installed_package_goes_before_a_folder_and_a_file_before_the_library(tmp_path: Path) -> None:
    (tmp_path / "numpy").mkdir()
    imports = "import numpy\nimport statistics\nimport time"
    value = "int(numpy.sum([statistics.LENGTH, 1]))"
    strategy = mine(tmp_path, imports, value, statistics="LENGTH = 4\n", time="raise ValueError\n")
    assert length(strategy) == 5


@pytest.mark.parametrize(
    ("imports", "helper", "text"),
    [
        ("import helper", "\n1 / 0\n", "mine.py raised ZeroDivisionError: division by zero at helper.py:2"),
        ("import helper", "x = (\n", "mine.py raised SyntaxError: '(' was never closed (helper.py, line 1)"),
        (
            "import helper",
            "import nowhere\n",
            "raised ModuleNotFoundError: No module named 'nowhere' at helper",
        ),
        ("from helper import x", "", "mine.py raised ImportError: cannot import name 'x' from"),
        ("from ..helper import x", "", "raised ImportError: attempted relative import beyond top-level"),
    ],
)
def test_a_helper_that_fails_is_named(tmp_path: Path, imports: str, helper: str, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        mine(tmp_path, imports, "1", helper=helper)
    assert text in str(raised.value)
    write(tmp_path, helper="x = 1\n")
    if "relative" not in text:
        assert length(load_strategy(f"{tmp_path / 'mine.py'}:Mine")) == 1


def test_helpers_on_the_search_path_are_in_the_hash_and_their_change_is_not_overlooked(on_path: Path) -> None:
    write(
        on_path,
        own____init__="",
        own__strategy=STRATEGY.format(imports="from own import base", value="base.N"),
    )
    write(on_path, own__base="from beside_all import N\n", beside_all="N = 5\n")
    strategy = load_strategy("own.strategy:Mine")
    assert (length(strategy), strategy.__module__) == (5, "own.strategy")
    assert set(modules_of(strategy, Strategy)) == {"own", "own.strategy", "own.base", "beside_all"}
    before = strategy_source_hash(strategy)
    write(on_path, beside_all="N = 6\n")
    assert strategy_source_hash(strategy) == before
    with pytest.raises(
        ConfigError, match=r"beside_all\.py has changed since this process imported it: start anew"
    ):
        load_strategy("own.strategy:Mine")


def test_a_class_that_python_imported_itself_is_known_with_its_helpers(on_path: Path) -> None:
    write(on_path, given=STRATEGY.format(imports="import given_helper", value="given_helper.N"))
    write(on_path, given_helper="import random\nN = int(random.random())\n")
    import given  # type: ignore[import-not-found]

    with pytest.raises(ConfigError, match=r"given_helper\.py:2: random\.random\(\) would make"):
        check_code(given.Mine, Strategy)


def in_notebook(*cells: str) -> type[Strategy]:
    """The class `Mine` after these cells of a notebook, which have no file."""
    module = ModuleType("a_notebook")
    sys.modules["a_notebook"] = module
    for cell in cells:
        exec(compile(cell, "<cell>", "exec"), vars(module))
    found: type[Strategy] = vars(module)["Mine"]
    return found


def test_what_other_cells_of_a_notebook_give_is_in_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "a_notebook", ModuleType("a_notebook"))
    strategy = STRATEGY.format(imports="", value=1).replace("self.ctx.long()", "weigh(N)")
    cells = ["N = 3", "def weigh(x):\n    return x + 1", strategy]
    hashes = {
        strategy_source_hash(in_notebook(*cells))
        for cells in (cells, cells, ["N = 4", *cells[1:]], ["N = 3", "def weigh(x):\n    return x", strategy])
    }
    assert len(hashes) == 3
