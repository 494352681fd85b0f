"""`tickerd data`: what it prints, its exit codes, and one sentence for every mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.data import EXAMPLES

ROWS = (
    "timestamp,open,high,low,close,volume\n"
    "2024-01-01,1,3,0.5,2,10\n2024-01-02,2,2,2,2,1\n2024-01-03,2,2,2,2,1\n"
)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def data(tickerd: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def run(command: str, *words: object) -> Any:
        return tickerd("data", command, *words, "--catalogue", tmp_path / "data")

    return run


def test_a_file_goes_in_is_listed_and_comes_out(
    data: Callable[..., Any], prices: Path, tmp_path: Path
) -> None:
    done = data("import", prices, "--instrument", "A@x", "--json").json
    assert [(row["form"], row["rows"], row["new"]) for row in done["imported"]] == [("bars", 3, 3)]
    (series,) = data("list", "--json").json["series"]
    assert (series["instrument"], series["kind"], series["interval"], series["rows"]) == (
        "A@x",
        "bars",
        "1d",
        3,
    )
    assert (series["first"], series["last"], series["gaps"]) == (
        "2024-01-02T00:00:00Z",
        "2024-01-04T00:00:00Z",
        0,
    )
    (info,) = data("info", "A@x", "--json").json["series"]
    assert info["sources"][0]["source"] == str(prices)
    out = tmp_path / "out.csv"
    assert data("convert", "A@x", "--to", out).code == 0
    assert out.read_text().splitlines()[1] == "2024-01-01T00:00:00.000000000Z,1.0,3.0,0.5,2.0,10.0"


def test_sums_of_volumes_come_out_as_people_write_them(data: Callable[..., Any], tmp_path: Path) -> None:
    minutes = tmp_path / "minutes.csv"
    volumes = ("0.1", "0.2", "0.00000003", "0")
    rows = [f"2024-01-01T00:0{n}:00Z,1.1,1.3,0.9,1.2,{volume}" for n, volume in enumerate(volumes)]
    minutes.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
    out = tmp_path / "out.csv"
    assert data("convert", minutes, "--timeframe", "2m", "--to", out).code == 0
    assert [line.split(",")[5] for line in out.read_text().splitlines()[1:]] == ["0.3", "3e-8"]


def test_info_of_a_plain_file_says_what_is_in_it(data: Callable[..., Any], prices: Path) -> None:
    (info,) = data("info", prices, "--json").json["series"]
    assert (info["form"], info["kind"], info["interval"]) == (
        "bars (columns of time, open, high, low, close)",
        "bars",
        "1d",
    )
    assert (info["rows"], info["gaps"], info["findings"]) == (3, 0, [])
    assert (info["first"], info["last"]) == ("2024-01-02T00:00:00Z", "2024-01-04T00:00:00Z")
    assert "2024-01-04T00:00:00Z" in data("info", prices).out


def test_people_get_tables(data: Callable[..., Any], prices: Path) -> None:
    assert "holds nothing yet" in data("list").out
    assert "holds nothing of A@x" in data("list", "A@x").out
    assert "1d bars of A@x" in data("import", prices, "--instrument", "A@x").out
    assert "A@x" in data("list").out
    assert "sources" in data("info", "A@x").out


def test_many_files_are_told_by_series_and_by_reason(
    data: Callable[..., Any], prices: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for month in (1, 2, 3):
        gap = ROWS.replace("2024-01-0", f"2024-0{month}-0") + f"2024-0{month}-09,,2,2,2,1\n"
        (folder / f"{month}.csv").write_text(gap)
        (folder / f"notes-{month}.txt").write_text("a,b\n1,2\n")
    ran = data("import", folder, "--instrument", "A@x", "--skip-bad")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[:2] == [["SERIES", "FILES", "ROWS", "NEW"], ["1d", "bars", "of", "A@x", "3", "9", "9"]]
    assert ran.out.count("warning:") == 1
    assert "(and so in 3 files)" in ran.out
    assert ran.out.count("left out:") == 1
    assert "(and 2 more files)" in ran.out


def test_validate_ends_with_1_only_on_errors(data: Callable[..., Any], prices: Path) -> None:
    assert data("validate", prices).code == 0
    prices.write_text(ROWS + "2024-01-08,2,2,2,2,1\n")
    warned = data("validate", prices)
    assert warned.code == 0
    assert "warning:" in warned.out
    prices.write_text(ROWS + "2024-01-04,2,1,2,2,1\n")
    wrong = data("validate", prices, "--json")
    assert (wrong.code, wrong.json["errors"]) == (1, 1)
    assert {each["row"] for each in wrong.json["findings"] if each["severity"] == "error"} == {5}


def test_validate_without_words_looks_through_the_catalogue(data: Callable[..., Any], prices: Path) -> None:
    data("import", prices, "--instrument", "A@x")
    assert data("validate", "--json").json["looked_at"] == 1
    assert data("validate", "A@x", "--json").json["looked_at"] == 1


def test_bad_files_may_be_left_out(data: Callable[..., Any], prices: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    refused = data("import", tmp_path / "bad.csv", prices, "--instrument", "A@x")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.count("\n") == 1
    assert "wrong columns" in refused.err
    done = data("import", tmp_path / "bad.csv", prices, "--instrument", "A@x", "--skip-bad", "--json")
    assert done.code == 0
    assert len(done.json["left_out"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("import", "none.csv"), 1, "no such file"),
        (("info", "none.csv"), 1, "no such file"),
        (
            ("import", "good.csv", "--instrument", "A@x", "--catalogue", "good.csv"),
            1,
            "cannot be used (",
        ),
        (("convert", "good.csv", "--to", "good.csv/a.csv"), 1, "cannot be used ("),
        (("info", "A@x"), 1, "import or download it first"),
        (("validate", "none.csv"), 1, "no such file"),
        (("convert", "none.csv", "--to", "a.csv"), 1, "no such file"),
        (("download", "BTCUSDT", "--from", "yesterday"), 2, "is no time"),
        (("download", "BTCUSDT", "--from", "2024-01-01", "--interval", "7x"), 78, "not a timeframe"),
        (("download", "X", "--from", "2024-02-01", "--to", "2024-01-01"), 2, "is not before --to 2024-01-01"),
        (("download", "X", "--from", "2999-01-01"), 2, "is in the future"),
        (("download", "X", "--from", "2024-01-01", "--base-url", "nowhere"), 2, "'nowhere' is no address"),
        (
            ("convert", "bad.csv", "--to", "a.csv"),
            1,
            "bad.csv: row 2: open 1.0, high 3.0",
        ),
        (("record", "--instrument", "A@x", "--config", "none.toml"), 78, "none.toml"),
    ],
)
def test_a_mistake_is_one_sentence(
    tickerd: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(ROWS)
    Path("bad.csv").write_text(ROWS.replace("1,3,0.5,2,", "1,3,0.5,9,", 1))
    ran = tickerd("data", *words)
    assert ran.code == code
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_help_of_each_command_ends_with_an_example(tickerd: Callable[..., Any], command: str) -> None:
    ran = tickerd("data", command, "--help")
    assert ran.code == 0
    assert f"example:\n  tickerd data {command} " in ran.out or EXAMPLES[command] in ran.out


def test_download_alone_means_data_download(tickerd: Callable[..., Any]) -> None:
    assert "usage: tickerd data download" in tickerd("download", "--help").out
