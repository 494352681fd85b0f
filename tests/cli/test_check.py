"""`tickerd check`: what is in force, where it comes from, and no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STRATEGY = """\
from actors import Bar, Strategy


class Mine(Strategy):
    length: int = 3

    def on_bar(self, bar: Bar) -> None:
        pass
"""

CONFIG = """\
[http]
port = 0

[venues.binance]

[accounts.test]
venue = "binance"
mode = "testnet"
base_currency = "USDT"
api_key = "CHECKED_KEY"
api_secret = "CHECKED_SECRET"

[strategies.mine]
use = "mine.py:Mine"
account = "test"
instruments = ["BTCUSDT@binance"]
parameters = { length = 5 }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHECKED_KEY", "the key itself")
    monkeypatch.setenv("CHECKED_SECRET_FILE", str(tmp_path / "secret.txt"))
    (tmp_path / "secret.txt").write_text("the secret itself")
    (tmp_path / "mine.py").write_text(STRATEGY)
    path = tmp_path / "tickerd.toml"
    path.write_text(CONFIG)
    return path


def test_every_value_is_shown_with_its_origin(config: Path, tickerd: Callable[..., Any]) -> None:
    ran = tickerd("check", "--config", config, "--set", "store.checkpoint_seconds=5")
    assert ran.code == 0, ran.err
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in ran.out.splitlines() if line.strip()}
    assert rows["http.port"] == ["0", f"{config}:2"]
    assert rows["http.host"] == ['"127.0.0.1"', "default"]
    assert rows["store.checkpoint_seconds"] == ["5.0", "--set store.checkpoint_seconds"]
    assert rows["strategies.mine.parameters.length"] == ["5", f"{config}:17"]
    assert rows["accounts.test.limits.order_quantity_max"] == ["off", "default"]


def test_json_is_one_object_with_everything(config: Path, tickerd: Callable[..., Any]) -> None:
    ran = tickerd("check", "--config", config, "--json")
    assert ran.code == 0, ran.err
    report = ran.json
    assert report["file"] == str(config)
    assert report["config"]["accounts"]["test"]["mode"] == "testnet"
    assert report["origins"]["accounts.test.mode"] == f"{config}:8"
    assert report["errors"] == []


def test_secrets_are_found_and_never_shown(config: Path, tickerd: Callable[..., Any]) -> None:
    for more in ((), ("--json",)):
        ran = tickerd("check", "--config", config, *more)
        assert "CHECKED_KEY" in ran.out
        for secret in ("the key itself", "the secret itself"):
            assert secret not in ran.out + ran.err
    assert ran.json["secrets"] == [
        {"place": "accounts.test.api_key", "name": "CHECKED_KEY", "origin": "environment CHECKED_KEY"},
        {
            "place": "accounts.test.api_secret",
            "name": "CHECKED_SECRET",
            "origin": f"file {config.parent}/secret.txt",
        },
    ]  # fmt: skip


def test_a_missing_secret_is_a_wrong_configuration(
    config: Path, tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHECKED_KEY")
    ran = tickerd("check", "--config", config)
    assert ran.code == 78
    assert "accounts.test.api_key: the secret CHECKED_KEY is missing: set the environment variable" in ran.err


def test_keys_named_ahead_of_time_do_not_stop_a_paper_account(
    config: Path, tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHECKED_KEY")
    ran = tickerd("check", "--config", config, "--set", "accounts.test.mode=paper")
    assert ran.code == 0
    assert "accounts.test.simulated.opening_balances is empty" in ran.err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("strategies.mine.parameters.lenght=5", "lenght"),
        ('strategies.mine.parameters.length="long"', "length"),
        ("strategies.mine.use=gone.py:Mine", "gone.py cannot be read"),
        ("strategies.mine.use=actors:Bar", "is not a strategy"),
    ],
)
def test_a_strategy_that_would_not_start_is_a_wrong_configuration(
    config: Path, tickerd: Callable[..., Any], override: str, message: str
) -> None:
    ran = tickerd("check", "--config", config, "--set", override, "--json")
    assert ran.code == 78
    [error] = ran.json["errors"]
    assert error.startswith("strategies.mine: ")
    assert message in error


def test_the_file_may_be_given_by_itself_but_not_twice(config: Path, tickerd: Callable[..., Any]) -> None:
    assert tickerd("check", config, "--json").json == tickerd("check", "--config", config, "--json").json
    ran = tickerd("check", config, "--config", config)
    assert (ran.code, "two configurations are given" in ran.err) == (2, True)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_wrong_key_is_one_sentence_and_78(
    config: Path, tickerd: Callable[..., Any], more: tuple[str, ...]
) -> None:
    config.write_text(CONFIG.replace("port", "prot"))
    ran = tickerd("check", "--config", config, *more)
    sentence = f"{config}:2: http.prot: unknown key, did you mean 'port'?"
    assert (ran.code, ran.err) == (78, f"tickerd check: {sentence}\n")
    if more:
        assert ran.json == {"error": sentence, "exit_code": 78}


def test_without_a_configuration_the_next_step_is_named(
    tmp_path: Path, tickerd: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tickerd("check")
    assert (ran.code, ran.out) == (78, "")
    assert "tickerd init" in ran.err


ORDERS = """\
from actors import Bar, Strategy


class Mine(Strategy):
    length: int = 3
    maker: bool = False

    def on_bar(self, bar: Bar) -> None:
        self.ctx.limit("buy", 1, 2, post_only=self.maker, time_in_force=bar.instrument)
        self.ctx.trailing_stop("sell", 1, distance=2)
        self.ctx.market("sell", 1, on="close")


class Another(Strategy):
    def on_bar(self, bar: Bar) -> None:
        self.ctx.limit("buy", 1, 2, adaptive="urgent")
"""


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (
            [],
            [
                "mine.py:10 places an order that binance does not take, ORDER_TYPE_NOT_SUPPORTED: ",
                "mine.py:11 places an order that binance does not take, TIME_IN_FORCE_NOT_SUPPORTED: ",
            ],
        ),
        (
            ["accounts.test.mode=paper"],
            [
                "mine.py:10 places an order that only a paper account takes, binance itself would deny it: ",
                "mine.py:11 places an order that the simulated venue denies, TIME_IN_FORCE_NOT_SUPPORTED: ",
            ],
        ),
        (["venues.binance.kind=ib"], []),
        (
            ["venues.binance.kind=ib", "strategies.mine.parameters.maker=true"],
            ["mine.py:9 places an order that binance does not take, POST_ONLY_NOT_SUPPORTED: "],
        ),
    ],
)
def test_orders_that_the_venue_does_not_take_are_named_with_their_lines(
    config: Path, tickerd: Callable[..., Any], sets: list[str], said: list[str]
) -> None:
    (config.parent / "mine.py").write_text(ORDERS)
    ran = tickerd("check", "--config", config, *(part for each in sets for part in ("--set", each)))
    assert ran.code == 0, ran.err
    notes = [line for line in ran.err.splitlines() if "places an order" in line]
    assert len(notes) == len(said)
    for note, expected in zip(notes, said, strict=True):
        assert note.startswith("tickerd check: note: strategies.mine: ")
        assert expected in note


def test_a_calendar_that_nobody_knows_is_named_with_its_place(
    config: Path, tickerd: Callable[..., Any]
) -> None:
    config.write_text(CONFIG + '\n[instruments."BTCUSDT@binance"]\ncalendar = "XNYZ"\n')
    ran = tickerd("check", "--config", config)
    assert ran.code == 78
    assert "instruments.BTCUSDT@binance.calendar: there is no calendar 'XNYZ'" in ran.err
    config.write_text(CONFIG + '\n[instruments."BTCUSDT@binance"]\ncalendar = "XNYS"\n')
    ran = tickerd("check", "--config", config)
    assert ran.code == 0, ran.err
