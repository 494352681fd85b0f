"""Configuration: strict, with the place of each error and the origin of each value."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.errors import ConfigError
from daemon.config import Config
from daemon.config_sources import Loaded, load_config, overridden

TOML = """\
# A comment = not a key
[daemon]
state = "elsewhere"   # why
drain_seconds = 2.5

[venues.binance]

[accounts.paper]
venue = "binance"
mode = "paper"
base_currency = "USDT"
limits = { order_notional_max = 1000.10, price_collar = "off" }

[accounts.paper.simulated]
opening_balances = { USDT = "10000.000000000000000001" }

[strategies.sma]
use = "strategies/sma.py:Sma"
account = "paper"
instruments = [
    "BTCUSDT@binance",  # the first
    "ETHUSDT@binance",
]
bars = ["1m"]
parameters = { fast = 10, threshold = 0.25 }

[instruments."BTCUSDT@binance"]
base = "BTC"
quote = "USDT"

[[backtest.data]]
path = "btc.csv"
instrument = "BTCUSDT@binance"

[[backtest.data]]
path = "/data/eth.csv"
instrument = "ETHUSDT@binance"
interval = "1m"
"""


def write(folder: Path, text: str = TOML, name: str = "bot.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def loaded(folder: Path, text: str = TOML, *overrides: str, **environ: str) -> Loaded:
    return load_config(write(folder, text), overrides=overrides, environ=environ)


def error(folder: Path, text: str = TOML, *overrides: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, *overrides, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_values_arrive_typed_and_money_keeps_every_digit(tmp_path: Path) -> None:
    config = loaded(tmp_path).config
    account = config.accounts["paper"]
    assert account.limits.order_notional_max == Decimal("1000.10")
    assert account.simulated.opening_balances == {"USDT": Decimal("10000.000000000000000001")}
    assert config.daemon.drain_seconds == 2.5
    assert config.strategies["sma"].instruments == ("BTCUSDT@binance", "ETHUSDT@binance")
    assert config.strategies["sma"].parameters == {"fast": 10, "threshold": 0.25}


def test_the_word_off_switches_a_limit_off_that_is_on_by_default(tmp_path: Path) -> None:
    assert loaded(tmp_path).config.accounts["paper"].limits.price_collar is None


def test_every_origin_names_file_and_line(tmp_path: Path) -> None:
    done = loaded(tmp_path)
    place = f"{tmp_path}/bot.toml"
    rows = TOML.splitlines()
    for path, row in {
        ("daemon", "state"): 'state = "elsewhere"   # why',
        ("accounts", "paper", "limits", "price_collar"): rows[11],
        ("strategies", "sma", "instruments", "1"): "instruments = [",
        ("strategies", "sma", "bars"): 'bars = ["1m"]',
        ("instruments", "BTCUSDT@binance", "base"): 'base = "BTC"',
        ("backtest", "data", "1", "path"): 'path = "/data/eth.csv"',
    }.items():
        assert done.origin(path) == f"{place}:{rows.index(row) + 1}", path
    assert done.origin(("http", "port")) == "default"


def test_paths_in_the_file_are_meant_from_its_folder_and_the_state_is_not(tmp_path: Path) -> None:
    config = loaded(tmp_path).config
    assert config.strategies["sma"].use == f"{tmp_path}/strategies/sma.py:Sma"
    assert [data.path for data in config.backtest.data] == [f"{tmp_path}/btc.csv", "/data/eth.csv"]
    assert config.daemon.state == "elsewhere"


def test_a_path_given_by_set_is_meant_from_here(tmp_path: Path) -> None:
    config = loaded(tmp_path, TOML, "strategies.sma.use=mine.py:Mine").config
    assert config.strategies["sma"].use == "mine.py:Mine"


def test_environment_wins_over_the_file_and_set_over_both(tmp_path: Path) -> None:
    done = loaded(
        tmp_path, TOML, "http.port=0", TICKERD__HTTP__PORT="1", TICKERD__ACCOUNTS__PAPER__BASE_CURRENCY="EUR"
    )
    assert done.config.http.port == 0
    assert done.origin(("http", "port")) == "--set http.port"
    assert done.config.accounts["paper"].base_currency == "EUR"
    assert done.origin(("accounts", "paper", "base_currency")) == "TICKERD__ACCOUNTS__PAPER__BASE_CURRENCY"


def test_the_state_argument_wins_over_everything(tmp_path: Path) -> None:
    done = load_config(
        write(tmp_path), overrides=["daemon.state=b"], state="c", environ={"TICKERD__DAEMON__STATE": "a"}
    )
    assert done.config.daemon.state == "c"
    assert done.origin(("daemon", "state")) == "--state"


def test_a_text_is_taken_as_its_field_wants_it(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        TOML,
        "accounts.paper.account_id=123",
        "strategies.sma.bars=1m, 5m",
        'strategies.sma.instruments=["BTCUSDT@binance"]',
        "strategies.sma.parameters.fast=7",
        "strategies.sma.parameters.name=seven",
        "accounts.paper.limits.price_collar=0.1",
        "accounts.paper.limits.order_rate_max=none",
        'instruments."BTCUSDT@binance".tick_size=0.10',
        "backtest.data.1.path=x",
    ).config
    assert config.accounts["paper"].account_id == "123"
    assert config.strategies["sma"].bars == ("1m", "5m")
    assert config.strategies["sma"].instruments == ("BTCUSDT@binance",)
    assert config.strategies["sma"].parameters == {"fast": 7, "threshold": 0.25, "name": "seven"}
    assert config.accounts["paper"].limits.price_collar == 0.1
    assert config.accounts["paper"].limits.order_rate_max is None
    assert str(config.instruments["BTCUSDT@binance"].tick_size) == "0.10"
    assert config.backtest.data[1].path == "x"


def test_what_a_text_holds_has_the_texts_origin(tmp_path: Path) -> None:
    done = loaded(tmp_path, TOML, "strategies.sma.bars=1m,5m")
    assert done.origin(("strategies", "sma", "bars", "1")) == "--set strategies.sma.bars"
    assert done.origin(("strategies", "sma", "sizing", "amount")) == "default"


def test_an_environment_name_finds_a_key_with_capitals_and_dashes(tmp_path: Path) -> None:
    text = TOML.replace("[strategies.sma]", "[strategies.SMA-Cross]")
    config = loaded(tmp_path, text, TICKERD__STRATEGIES__SMA_CROSS__BARS="5m").config
    assert config.strategies["SMA-Cross"].bars == ("5m",)


def test_toml_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    plain = {
        "venues": {"binance": {}},
        "accounts": {
            "paper": {"venue": "binance", "mode": "paper", "base_currency": "USDT", "snapshot_seconds": 2.5}
        },
    }
    as_json = load_config(write(tmp_path, json.dumps(plain, indent=1), "a.json"), environ={})
    yaml = "venues: {binance: {}}\naccounts:\n  paper:\n    venue: binance\n    mode: paper\n"
    yaml += "    base_currency: USDT\n    snapshot_seconds: 2.5\n"
    as_yaml = load_config(write(tmp_path, yaml, "a.yaml"), environ={})
    toml = '[venues.binance]\n[accounts.paper]\nvenue="binance"\nmode="paper"\nbase_currency="USDT"\n'
    toml += "snapshot_seconds=2.5"
    as_toml = load_config(write(tmp_path, toml, "a.toml"), environ={})
    assert as_json.config == as_yaml.config == as_toml.config
    place = ("accounts", "paper", "snapshot_seconds")
    assert as_yaml.origin(place) == f"{tmp_path}/a.yaml:7"
    assert as_json.origin(place) == f"{tmp_path}/a.json:10"
    assert as_toml.origin(place) == f"{tmp_path}/a.toml:6"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("drain_seconds", "drain_second", "bot.toml:4: daemon.drain_second: unknown key, did you mean"),
        ("[daemon]", "[deamon]", "bot.toml:2: deamon: unknown key, did you mean 'daemon'?"),
        ("price_collar", "price_color", "did you mean 'price_collar'?"),
        ("= 2.5", '= "soon"', "bot.toml:4: daemon.drain_seconds: 'soon' is not a number"),
        ("= 2.5", "= -1", "bot.toml:4: daemon.drain_seconds: -1 is not a number > 0.0"),
        ('mode = "paper"', 'mode = "papr"', "bot.toml:10: accounts.paper.mode: 'papr' is not one of paper"),
        ('venue = "binance"\n', "", "bot.toml:8: accounts.paper: 'venue' is missing"),
        ('venue = "binance"', 'venue = "binanse"', "there is no venue 'binanse', did you mean 'binance'?"),
        ('account = "paper"', 'account = "papers"', "there is no account 'papers', did you mean 'paper'?"),
        ('"BTCUSDT@binance",', '"BTCUSDT",', "strategies.sma.instruments[0]: 'BTCUSDT' is no instrument"),
        ('bars = ["1m"]', 'bars = ["1x"]', "bot.toml:24: strategies.sma.bars[0]: '1x' is not a timeframe"),
        ('bars = ["1m"]', "bars = [1]", "bot.toml:24: strategies.sma.bars: [1] is not a text (at [0])"),
        ("sma.py:Sma", "sma.py", "strategies.sma.use: 'strategies/sma.py' names no strategy"),
        ('mode = "paper"', 'mode = "live"', 'mode = "live" needs account_id: add the venue\'s own'),
        ('mode = "paper"', 'mode = "testnet"', 'mode = "testnet" needs api_key'),
        ("[venues.binance]", "[venues.binance]\nkind = 'simulated'", "is not defined: add a table"),
        ("= 1000.10", "= nan", "bot.toml:12: accounts.paper.limits.order_notional_max: NaN is not a"),
        ("= 1000.10", '= "NaN"', "order_notional_max: NaN is not a number to calculate with"),
        ("= 1000.10", "= 9, margin_check = true", "margin_check: a cash account has no margin"),
        ("= 1000.10", "= 9, margin_cushion_min = 0.2", "min: nobody asks for the figures: set margin_check"),
        ("= 1000.10", "= 9, margin_cushion_min = 20", "margin_cushion_min: 20.0 is not a fraction below 1"),
        (
            'paper"\nbase_currency = "USDT"\nlimits = {',
            'testnet"\nbase_currency = "USDT"\nlimits = { margin_check = true,',
            "limits.margin_check: binance does not say what an order would do to the margin: leave it off",
        ),
        ("= 1000.10", "= 0", "order_notional_max: 0 is not greater than 0; \"off\" switches it off"),
        ("= 2.5", "= inf", "bot.toml:4: daemon.drain_seconds: inf is not a number to calculate with"),
        ("threshold = 0.25", "threshold = nan", "strategies.sma.parameters.threshold: NaN is not a number"),
        ('USDT = "10', 'USDT = "-10', "opening_balances.USDT: -10000.000000000000000001 is neg"),
        ("[venues.binance]", "[venues.binance]\nrest_url = 'ws://x'", "must be an address that starts with"),
        ("[[backtest.data]]", "[backtest]\nequity_interval='x'\n[[backtest.data]]", "'x' is not a time"),
        ("[daemon]", "[daemon", "bot.toml is not valid TOML"),
        ("# A comment = not a key\n[daemon]", "daemon = 3\n[http]", "bot.toml:1: daemon: 3 is not a table"),
        ("drain_seconds = 2.5", "", None),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_place_and_next_step(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    assert old in TOML
    text = TOML.replace(old, new, 1)
    if message is None:
        assert loaded(tmp_path, text).config.daemon.drain_seconds == 10.0
    else:
        assert message in error(tmp_path, text)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("http.prot=1", "--set http.prot: unknown key, did you mean 'port'?"),
        ("http.port=x", "--set http.port: 'x' is not a whole number"),
        ("http.port=70000", "70000 is not a whole number <= 65535"),
        ("http.port", "write it as --set section.key=value"),
        ("http=1", "--set http: it is a table, set one of its keys"),
        (
            "backtest.data=1",
            "--set backtest.data: it is a list of tables, set a key of one (`backtest.data.0.…`)",
        ),
        ("accounts.paper=1", "--set accounts.paper: it is a table"),
        ("daemon.state.x=1", "unknown key"),
        ("backtest.data.7.path=x", "there are only 2 entries"),
        ("strategies.other.bars=1m", "--set strategies.other.bars: strategies.other: 'use' is missing"),
    ],
)
def test_a_wrong_override_is_refused(tmp_path: Path, override: str, message: str) -> None:
    assert message in error(tmp_path, TOML, override)


def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    assert error(tmp_path, TOML, TICKERD__HTTP__PROT="1").startswith(
        "TICKERD__HTTP__PROT: http.prot: unknown key"
    )


def test_a_secret_in_place_of_its_name_is_refused_and_not_repeated(tmp_path: Path) -> None:
    secret = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    message = error(tmp_path, TOML.replace('mode = "paper"', f'mode = "paper"\napi_key = "{secret}"'))
    assert "must be the *name* of a secret" in message
    assert secret not in message


def test_keys_leave_the_machine_only_encrypted(tmp_path: Path) -> None:
    keys = 'mode = "testnet"\napi_key = "A_KEY"\napi_secret = "A_SECRET"'
    text = TOML.replace('mode = "paper"', keys)
    for place, is_refused in (("127.0.0.1:8080", False), ("example.com", True)):
        plain = text.replace("[venues.binance]", f'[venues.binance]\nrest_url = "http://{place}"')
        if is_refused:
            assert "venues.binance.rest_url: sends keys unencrypted" in error(tmp_path, plain)
        else:
            assert loaded(tmp_path, plain).config.accounts["paper"].mode == "testnet"


@pytest.mark.parametrize("name", ["gone.toml", "bot.ini", "folder.toml"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigError, match=name):
        load_config(tmp_path / name, environ={})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "http:\n  port: 1\n  port: 2\n"),
        ("a.json", '{"http": {"port": 1, "port": 2}}'),
        ("a.toml", "[http]\nport = 1\nport = 2\n"),
    ],
)
def test_a_key_given_twice_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config(write(tmp_path, text, name), environ={})


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", "- 1\n"), ("a.json", "[]"), ("a.json", "{"), ("a.yaml", "a: [\n"), ("a.yaml", "1: 2\n")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config(write(tmp_path, text, name), environ={})


def test_without_a_file_everything_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = load_config(None, environ={})
    assert done.config == Config()
    assert done.path is None
    write(tmp_path, "[http]\nport = 5\n", "tickerd.toml")
    assert load_config(None, environ={}).config.http.port == 5


def test_a_configuration_survives_the_tape(tmp_path: Path) -> None:
    config = loaded(tmp_path).config
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(config), type=Config) == config


def test_a_configuration_that_is_there_takes_single_values_as_a_file_does(tmp_path: Path) -> None:
    config = loaded(tmp_path).config
    assert overridden(config, []) is config
    other = overridden(config, ["accounts.paper.simulated.latency_ms=7"])
    assert other.accounts["paper"].simulated.latency_ms == 7.0
    assert overridden(other, ["accounts.paper.simulated.latency_ms=1"]) == config
    with pytest.raises(ConfigError, match="did you mean 'latency_ms'"):
        overridden(config, ["accounts.paper.simulated.latncy_ms=7"])


def test_a_list_of_tables_can_be_emptied_and_a_table_cannot(tmp_path: Path) -> None:
    assert loaded(tmp_path, TOML, "backtest.data=[]").config.backtest.data == ()
    assert "--set http: it is a table" in error(tmp_path, TOML, "http=[]")
