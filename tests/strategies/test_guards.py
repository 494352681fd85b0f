from __future__ import annotations

from pathlib import Path

import pytest

from actors import ConfigError
from actors.strategies.guards import check_source
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
        ("import pandas as pd\nclock = pd.Timestamp.now\nclock()", "mine.py:3: pandas.Timestamp.now() would"),
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
