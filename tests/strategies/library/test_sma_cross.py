from __future__ import annotations

import inspect
from textwrap import dedent

import pytest

from actors import ConfigError
from actors.messages.orders import Signal
from actors.strategies import base
from actors.strategies.library import sma_cross
from actors.strategies.library.sma_cross import SmaCross
from tests.strategies.stage import BTC, ETH, Stage, a_bar, a_host, a_spec


def code_lines(source: str) -> int:
    return sum(1 for line in source.splitlines() if line.strip())


def test_the_strategy_fits_into_fifteen_lines() -> None:
    source = inspect.getsource(sma_cross)
    assert code_lines(source[source.index("from actors") :]) <= 15


def test_the_example_of_the_api_is_shorter_still_and_runs() -> None:
    example = dedent((base.__doc__ or "").partition("\n\n")[2])
    assert code_lines(example) <= 12
    scope: dict[str, object] = {}
    exec("from actors import SMA, Bar, Strategy\n" + example, scope)
    stage = Stage(a_spec(scope["SmaCross"], parameters={"fast": 1, "slow": 2}))  # type: ignore[arg-type]
    stage.start()
    assert [signals(stage, minute, close) for minute, close in enumerate((10.0, 11.0, 10.0), 1)] == [
        [],
        [(BTC, "long")],
        [(BTC, "flat")],
    ]


def signals(stage: Stage, minute: int, close: float, instrument: str = BTC) -> list[tuple[str, str]]:
    sent = stage.run(a_bar(minute, close, instrument))
    return [(message.instrument, message.direction) for message in sent if isinstance(message, Signal)]


def test_it_is_long_above_the_slow_average_and_flat_below_in_each_instrument() -> None:
    stage = Stage(a_spec(SmaCross, instruments=(BTC, ETH), parameters={"fast": 1, "slow": 2}))
    stage.start()
    assert signals(stage, 1, 10) == []
    assert signals(stage, 1, 10, ETH) == []
    assert signals(stage, 2, 11) == [(BTC, "long")]
    assert signals(stage, 2, 9, ETH) == [(ETH, "flat")]
    assert signals(stage, 3, 12) == []
    assert signals(stage, 4, 11) == [(BTC, "flat")]


def test_a_length_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="SmaCross: parameter 'fast' is 'ten': expected `int`, got `str`"):
        a_host(a_spec(SmaCross, parameters={"fast": "ten"}))
