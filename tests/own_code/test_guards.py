from __future__ import annotations

from pathlib import Path

import pytest

from actors import ConfigError
from actors.own_code.guards import ForbiddenCall, check_modules, check_source
from actors.own_code.modules import OwnModule
from actors.strategies.library import quote_maker, sma_cross
from actors.strategies.loading import load_strategy


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import time\nx = time.time()", "mine.py:2: time.time() would make a replay differ"),
        ("import time as t\nt.monotonic_ns()", "time.monotonic_ns()"),
        ("from time import time\ndef f() -> None:\n    time()", "mine.py:3: time.time()"),
        ("import time\ntime.sleep(1)", "use ctx.set_timer"),
        ("from datetime import datetime as dt\ndt.now()", "datetime.datetime.now() would"),
        ("import datetime\ndatetime.date.today()", "datetime.date.today()"),
        ("import random\nrandom.Random(1)", "random.Random()"),
        ("import numpy as np\nnp.random.default_rng()", "numpy.random.default_rng()"),
        ("class A:\n    def on_bar(self) -> None:\n        open('x')", "mine.py:3: open()"),
        ("import requests\nrequests.get('x')", "do it in a function given to ctx.run_off_loop"),
        ("from uuid import uuid4\nuuid4()", "uuid.uuid4()"),
        ("import pandas as pd\npd.Timestamp.now()", "pandas.Timestamp.now() would"),
        ("side = hash('AAPL') % 2", "hash() would"),
        ("import os\nos.system('true')", "os.system() would"),
        ("import numpy as np\n\nnp.datetime64('now')", "mine.py:3: numpy.datetime64('now') would"),
        ("from numpy import datetime64\ndatetime64(' Today ', 's')", "numpy.datetime64('today') would"),
        ("import numpy as np\nnp.array(['now'], dtype='datetime64[s]')", "numpy.array('now') would"),
        ("import pandas as pd\npd.to_datetime('now', utc=True)", "pandas.to_datetime('now') would"),
        ("import pandas as pd\npd.Timestamp('today')", "use ctx.now"),
        ("import pandas as pd\nclock = pd.Timestamp.now\nclock()", "mine.py:2: pandas.Timestamp.now would"),
        ("import time\ngetattr(time, 'time')()", "mine.py:2: time.time() would"),
        ("from datetime import datetime\ngetattr(datetime, 'now')()", "datetime.datetime.now() would"),
        ("import os\nx = 'getp' + 'id'\ngetattr(os, x)()", "mine.py:3: getattr(os, …) would"),
        ("import time\nlist(map(time.localtime, [1]))", "time.localtime would"),
        (
            "import time\nclass A:\n    def f(self):\n        self.clock = time.time",
            "mine.py:4: time.time would",
        ),
        ("import time\ndef f(clock=time.time): ...", "mine.py:2: time.time would"),
        ("__import__('time').time()", "mine.py:1: __import__() would"),
        ("class A:\n    def f(self):\n        eval('1')", "mine.py:3: eval() would"),
        ("exec('x = 1')", "exec() would"),
        ("compile('1', '', 'eval')", "compile() would"),
        ("import builtins\nbuiltins.eval('1')", "builtins.eval() would"),
        ("__builtins__['eval']('1')", "__builtins__ would"),
        ("from importlib import import_module\nimport_module('time')", "importlib.import_module() would"),
        ("import importlib as i\ni.import_module('time')", "call it by its name"),
        ("import ctypes\nctypes.CDLL(None).time(None)", "mine.py:2: ctypes.CDLL() would"),
        ("from time import *\ntime()", "mine.py:1: from time import * would"),
    ],
)
def test_what_no_replay_could_repeat_is_found(text: str, found: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_source("mine.py", text.encode())
    assert found in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\nx = datetime.datetime(2024, 1, 1)",
        "from datetime import timedelta\ntimedelta(1)",
        "import uuid\nuuid.UUID('0' * 32)",
        "time = self.time()",
        "import numpy as np\nnp.mean([1])",
        "class A:\n    def f(self) -> None:\n        self.open('x')\n        random = 1",
        "import re\nfrom re import compile\nre.compile('a')\ncompile('a')",
        "import pandas as pd\npd.to_datetime('2024-01-01')\npd.DataFrame({'now': [1]})",
        "import numpy as np\ngetattr(np, kind)([1])\ngetattr(self, name)\nnp.array(['now'])",
        "from pathlib import Path\nisinstance(x, Path)",
        "def f(id, input):\n    g(id)\n    data = input\n    data.sort()\n    frame.eval('a + b')",
        "import datetime\nx = datetime.datetime\nf(x, datetime.UTC)",
        "import random\ndef draw() -> float:\n    return random.random()\nself.ctx.run_off_loop(draw)",
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))",
        "import actors\n\ndef of(name):\n    return getattr(actors, name)(3)",
        "from actors import *\nX: type[Strategy]",
        (
            "def of(x):\n    match x:\n        case [hash, *id]:\n            return id\n"
            "        case {'a': 1, **vars}:\n            return vars"
        ),
        (
            "import time\nclass A:\n    @property\n    def time(self): return 1\n"
            "    @time.setter\n    def time(self, x): self.x = x"
        ),
        (
            "import glob, os\nclass A:\n    def on_setup(self):\n        self.a = glob.glob('*.csv')\n"
            "        self.b = os.path.exists('a.csv') and os.listdir('.')"
        ),
    ],
)
def test_what_a_replay_can_repeat_is_let_through(text: str) -> None:
    check_source("mine.py", text.encode())


def test_shipped_strategies_pass() -> None:
    for module in (sma_cross, quote_maker):
        check_source("shipped.py", Path(module.__file__ or "").read_bytes())


def test_a_strategy_is_looked_through_when_it_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "clocked.py"
    file.write_text(
        "import time\nfrom actors import Quote, Strategy\n"
        "class Clocked(Strategy):\n    def on_quote(self, quote: Quote) -> None:\n        time.time()\n"
    )
    with pytest.raises(ConfigError, match=r"clocked\.py:5: time\.time\(\) would make a replay differ"):
        load_strategy(f"{file}:Clocked")


HELPED = """
import helper
from actors import Bar, Strategy

class Helped(Strategy):
    file: str = "prices.csv"

    def on_setup(self) -> None:
        self.table = helper.prepared(self.file)

    def on_bar(self, bar: Bar) -> None:
        if helper.rising(bar):
            self.ctx.run_off_loop(helper.fetched, 1)
"""
BUGS = [
    ("import time\ndef rising(bar):\n    return time.time()", "helper.py:3: time.time() would"),
    (
        "import deeper\ndef rising(bar):\n    return deeper.now()",
        "deeper.py:3: datetime.datetime.now() would",
    ),
    ("from deeper import now as rising", "deeper.py:3: datetime.datetime.now() would"),
    (
        "from deeper import *\ndef rising(bar):\n    return now()",
        "deeper.py:3: datetime.datetime.now() would",
    ),
    ("from deeper import clock\ndef rising(bar):\n    return clock()", "helper.py:3: time.monotonic() would"),
    ("import random as r\nSEED = r.random()", "helper.py:2: random.random() would"),
    ("import sys\ndef rising(bar):\n    return sys.modules['time'].time()", "helper.py:3: sys.modules would"),
    ("rising = lambda bar: __import__('time').time()", "helper.py:1: __import__() would"),
    (
        "import importlib\nrising = importlib.import_module('random').random",
        "importlib.import_module() would",
    ),
    (
        "import builtins\ndef rising(bar):\n    return getattr(builtins, 'o' + 'pen')('x')",
        "getattr(builtins, …)",
    ),
    (
        "import builtins\ndef rising(bar):\n    return vars(builtins)['open']",
        "helper.py:3: vars(builtins, …)",
    ),
    ("import time\ndef rising(bar):\n    return time.__dict__['time']()", "helper.py:3: time.__dict__ would"),
    (
        "from time import time\nCLOCKS = [time]\ndef rising(bar):\n    return CLOCKS[0]()",
        "helper.py:2: time.time",
    ),
    (
        "import operator, datetime\nrising = operator.methodcaller('now')",
        "operator.methodcaller('now') would",
    ),
    ("import polars as pl\nTABLE = pl.read_csv('x.csv')", "helper.py:2: polars.read_csv() would"),
    (
        "class Reader:\n    def rising(self, bar):\n        return open('x')\nrising = Reader().rising",
        "open() would",
    ),
    (
        "import requests\ndef rising(bar):\n    return fetched(1)\ndef fetched(x):\n    requests.get('x')",
        "requests.get",
    ),
    ("import sys\ndef rising(bar):\n    return sys._getframe(3).f_locals['block']", "sys._getframe() would"),
    ("import gc\ndef rising(bar):\n    return gc.get_objects()", "helper.py:3: gc.get_objects() would"),
    ("import functools, os\nrising = functools.partial(os.listdir, '.')", "helper.py:2: os.listdir would"),
    ("def prepared(file):\n    open(file, 'w')", "helper.py:2: open() would"),
    (
        "def rising(bar):\n    return prepared('x')\ndef prepared(file):\n    return open(file)",
        "helper.py:4: open()",
    ),
    ("import uuid\ndef rising(bar, make=uuid.uuid4):\n    return make()", "helper.py:2: uuid.uuid4 would"),
    ("def rising(bar):\n    import secrets\n    return secrets.token_hex()", "secrets.token_hex() would"),
    ("from package.part import rising", "part.py:3: random.choice() would"),
    ("from pathlib import Path\nTEXT = Path('x').read_text()", "helper.py:2: pathlib.Path.read_text() would"),
    (
        "from pathlib import Path\nP = Path('x')\ndef rising(bar):\n    return P.exists()",
        "Path.exists() would",
    ),
    (
        "from pathlib import Path\nP = Path('x')\ndef rising(b):\n    (P / 'y').read_bytes()",
        "read_bytes() would",
    ),
]
GOOD = [
    "def rising(bar): ...\ndef prepared(file):\n    import json\n    return json.load(open(file))",
    (
        "import polars as pl\ndef prepared(file):\n    return _read(file)\n"
        "def _read(file):\n    return pl.read_csv(file)"
    ),
    "from pathlib import Path\ndef prepared(file):\n    return Path(file).read_text()",
    (
        "import requests, time\ndef fetched(x):\n    time.sleep(1)\n    return _get(x)\n"
        "def _get(x):\n    requests.get(x)"
    ),
    "import time\ndef timed(work):\n    return time.perf_counter()\ndef rising(bar): ...",
    "import numpy as np\nW = np.exp(-np.arange(9.0))\ndef rising(bar):\n    return np.dot(W, W) > 0.5",
    (
        "import pandas as pd\ndef rising(bar):\n"
        "    return pd.DataFrame({'a': [1]}).eval('a + 1').rolling(3).mean()"
    ),
    (
        "import polars as pl\ndef rising(bar):\n"
        "    return pl.DataFrame({'time': [1]}).select(pl.col('time').hash())"
    ),
    "from sklearn.linear_model import LogisticRegression\nMODEL = LogisticRegression(random_state=0)",
    "from pathlib import Path\nHERE = Path(__file__).parent\ndef prepared(file):\n    HERE.exists()",
    "import joblib\ndef prepared(file):\n    return joblib.load(file)",
    (
        "import datetime as dt\nDAY = dt.timedelta(1)\ndef rising(bar):\n"
        "    return dt.datetime.fromtimestamp(1, dt.UTC)"
    ),
    (
        "class Key:\n    def __hash__(self):\n        return hash((1, 2))\n"
        "def rising(bar):\n    return {Key(): 1}"
    ),
    (
        "from functools import lru_cache, partial\n@lru_cache\ndef rising(bar):\n"
        "    id = 3\n    return partial(max, id)"
    ),
    "import logging, re, math, itertools\ndef rising(bar):\n    return re.compile('a').match('a'), math.pi",
    "if __name__ == '__main__':\n    import time\n    print(time.time())\ndef rising(bar): ...",
    (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from socket import socket\ndef rising(s: 'socket'): ..."
    ),
    "def rising(random, time, open):\n    hash = time.time()\n    return open(random.random(), hash)",
]


def load_helped(folder: Path, helper: str) -> None:
    files = {
        "mine.py": HELPED,
        "helper.py": helper,
        "deeper.py": "import datetime, time\ndef now(*_):\n    return datetime.datetime.now()\n"
        "clock = time.monotonic",
        "package/__init__.py": "",
        "package/part.py": "import random\ndef rising(bar):\n    return random.choice('ab')\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    load_strategy(f"{folder / 'mine.py'}:Helped")


@pytest.mark.parametrize(("helper", "found"), BUGS)
def test_what_a_helper_must_not_do_is_found_before_it_runs(tmp_path: Path, helper: str, found: str) -> None:
    with pytest.raises(ForbiddenCall) as raised:
        load_helped(tmp_path, helper)
    assert found in str(raised.value)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("helper", [text for text in GOOD if "sklearn" not in text and "joblib" not in text])
def test_what_a_helper_may_do_is_let_through(tmp_path: Path, helper: str) -> None:
    load_helped(tmp_path, helper)


@pytest.mark.parametrize("helper", GOOD)
def test_what_libraries_offer_is_let_through_without_running_it(helper: str) -> None:
    modules = {
        "mine": OwnModule("mine", "mine.py", HELPED.encode()),
        "helper": OwnModule("helper", "helper.py", helper.encode()),
    }
    check_modules(modules, "mine", roots=frozenset({"Helped"}))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("self.ctx._runner.host", "mine.py:5: ctx._runner.host would"),
        ("getattr(self.ctx, '_runner')", "mine.py:5: ctx._runner would"),
        ("getattr(self.ctx, name)", "mine.py:5: getattr(ctx, …) would"),
        ("c = self.ctx; c._runner", "use what ctx offers without an underscore"),
        ("self.ctx.__dict__", "mine.py:5: ctx.__dict__ would"),
    ],
)
def test_what_lies_behind_ctx_is_refused(line: str, found: str) -> None:
    head = "from actors import Strategy\nclass A(Strategy):\n    length: int = 2\n"
    source = f"{head}    def on_bar(self, bar):\n        {line}"
    with pytest.raises(ForbiddenCall) as raised:
        check_source("mine.py", source.encode())
    assert found in str(raised.value)


def test_a_program_may_do_anything_around_its_strategy() -> None:
    source = (
        "import time\nimport polars as pl\nfrom actors import Strategy\nSTART = time.time()\nN = 3\n"
        "table = pl.read_csv('x.csv')\nclass A(Strategy):\n    def on_bar(self, bar):\n        {line}\n"
        "def main():\n    print(time.time() - START)\n"
    )
    for line, found in (
        ("print(N)", None),
        ("table.max()", "mine.py:6: polars.read_csv()"),
        ("START", ":4: time.time"),
    ):
        modules = {"mine": OwnModule("mine", "mine.py", source.format(line=line).encode())}
        if found is None:
            check_modules(modules, "mine", roots=frozenset({"A"}), is_program=True)
        else:
            with pytest.raises(ForbiddenCall, match=found):
                check_modules(modules, "mine", roots=frozenset({"A"}), is_program=True)
