"""What code in the core must not call, by full name or by what the name begins with.

An installed library is not looked into: what it offers may be used, but for the clocks, chance and input or
output named here. A guard against mistakes, not a sandbox.
"""

from __future__ import annotations

CLOCK = "use ctx.now"
_CHANCE = "draw numbers in a function given to ctx.run_off_loop"
_OUTSIDE = "do it in a function given to ctx.run_off_loop"
_PROGRAM = 'put it under `if __name__ == "__main__":`'
_NUMBERED = "key it by a name or a number of its own"
LOADING = "import what it needs at the top of the file, and call it by its name"
READING = "read it in on_setup, or in a function given to ctx.run_off_loop"
NO_CTX = "use what ctx offers without an underscore"
NAMED_CTX = "call what ctx offers by its name, as ctx.long()"


def _all(advice: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


FORBIDDEN: dict[str, str] = {
    **_all(
        CLOCK,
        "time datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today "
        "pandas.Timestamp.now pandas.Timestamp.today pandas.Timestamp.utcnow pandas.Period.now",
    ),
    "time.sleep": "use ctx.set_timer",
    **_all(_NUMBERED, "hash id"),
    **_all(
        _CHANCE,
        "random secrets uuid.uuid1 uuid.uuid4 numpy.random torch.rand torch.randn torch.randint "
        "torch.randperm",
    ),
    **_all(
        LOADING,
        "__import__ __builtins__ builtins eval exec compile globals importlib runpy pkgutil sys.modules "
        "sys.meta_path sys.path sys._getframe sys._current_frames gc inspect.stack inspect.currentframe "
        "inspect.trace",
    ),
    **_all(
        _OUTSIDE,
        "input os ctypes cffi socket socketserver ssl select selectors subprocess threading "
        "multiprocessing concurrent asyncio shutil tempfile glob fcntl mmap sqlite3 http.client "
        "ftplib smtplib imaplib urllib.request requests aiohttp httpx urllib3 websocket websockets redis "
        "psycopg psycopg2 sqlalchemy pymongo boto3 zmq ccxt yfinance sys.stdin sys.argv io.FileIO "
        "pandas.read_sql pandas.read_html polars.read_database polars.read_database_uri",
    ),
    **_all(
        _OUTSIDE,
        "pathlib.Path.write_text pathlib.Path.write_bytes pathlib.Path.mkdir pathlib.Path.unlink "
        "pathlib.Path.touch pathlib.Path.rename pathlib.Path.cwd pathlib.Path.home",
    ),
    **_all(_PROGRAM, "daemon actors.store actors.venues"),
}
"""Name → what to do instead."""
ALLOWED: frozenset[str] = frozenset({
    "os.path.join", "os.path.basename", "os.path.dirname", "os.path.split", "os.path.splitext",
    "os.path.normpath", "os.path.abspath", "os.path.realpath", "os.path.relpath", "os.path.isabs",
    "os.path.commonpath", "os.sep", "os.linesep", "os.name", "os.fspath", "os.PathLike", "time.struct_time",
    "actors.venues.simulated",
})  # fmt: skip
"""Parts of those that only calculate, or say where a file lies."""
READERS: frozenset[str] = frozenset({
    "open", "io.open", "duckdb", "pathlib.Path.read_text", "pathlib.Path.read_bytes", "pathlib.Path.open",
    "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap",
    "pandas.read_csv", "pandas.read_parquet", "pandas.read_feather", "pandas.read_pickle", "pandas.read_json",
    "pandas.read_excel", "pandas.read_hdf", "pandas.read_orc", "pandas.read_table",
    "polars.read_csv", "polars.read_parquet", "polars.read_ipc", "polars.read_json", "polars.read_ndjson",
    "polars.read_excel", "polars.read_avro", "polars.read_delta", "polars.scan_csv", "polars.scan_parquet",
    "polars.scan_ipc", "polars.scan_ndjson", "polars.scan_delta",
    "pyarrow.parquet.read_table", "pyarrow.parquet.ParquetFile", "pyarrow.csv.read_csv",
    "pyarrow.feather.read_table", "pyarrow.feather.read_feather",
})  # fmt: skip
"""Files read: allowed in `on_setup`, before anything runs, and in what only `on_setup` calls."""
LISTERS: frozenset[str] = frozenset({
    "pathlib.Path.exists", "pathlib.Path.is_file", "pathlib.Path.is_dir", "pathlib.Path.stat",
    "pathlib.Path.iterdir", "pathlib.Path.glob", "pathlib.Path.rglob",
    "os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.getsize", "os.listdir", "glob.glob",
})  # fmt: skip
"""Files looked for: allowed where they may be read."""

MAKERS = frozenset({"pathlib.Path"})
"""Calls that give what the methods of which are named above."""
FILE_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes"})
"""Methods that reach for files whatever they are asked of."""

NOW = frozenset({"now", "today", "utcnow"})
"""As a text to one of these the same as their `now()`."""
TAKES_NOW: frozenset[str] = frozenset({
    "numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime", "pandas.DatetimeIndex", "pandas.Period",
    "pandas.date_range", "pandas.period_range", "operator.attrgetter", "operator.methodcaller",
})  # fmt: skip
LIBRARIES = frozenset({"numpy", "pandas", "polars", "torch", "pyarrow"})
"""Most of what they hold may be called: a name that is only known when it runs passes."""
PUBLIC = frozenset({"actors"})
"""What they offer by name is free of what is forbidden, though folders in them are not."""
TYPE_QUESTIONS = frozenset({"isinstance", "issubclass"})
"""Calls that only ask about what they are given."""


def advice_on(name: str) -> str | None:
    """What to do in the place of a forbidden name; None where it is not."""
    bare = name.removeprefix("builtins.")
    if bare in ALLOWED or name.rpartition(".")[0] in ALLOWED:
        return None
    if is_reader(bare):
        return None
    return next((FORBIDDEN[part] for part in _beginnings(bare) if part in FORBIDDEN), None)


def is_reader(name: str) -> bool:
    """Whether it reads or looks for a file."""
    return any(part in READERS or part in LISTERS for part in _beginnings(name.removeprefix("builtins.")))


def holds_forbidden(name: str) -> bool:
    """Whether it, or something in it, is forbidden."""
    return name not in PUBLIC and (
        name in ("builtins", "sys")
        or advice_on(name) is not None
        or any(each.startswith(f"{name}.") for each in FORBIDDEN)
    )


def _beginnings(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
