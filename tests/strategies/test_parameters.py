from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest

from actors import ConfigError, State, Strategy, UsageError


class Memory(State):
    count: int = 0
    names: dict[str, list[int]] = msgspec.field(default_factory=dict)


class Configured(Strategy):
    symbol: str
    length: Annotated[int, msgspec.Meta(ge=1)] = 10
    share: float = 0.5
    size: Decimal = Decimal("1")
    mode: Literal["fast", "slow"] = "fast"
    weights: tuple[float, ...] = ()
    LIMIT: ClassVar[int] = 3

    state: Memory


def test_parameters_come_typed_and_defaults_fill_the_rest() -> None:
    strategy = Configured(symbol="x", size="0.25", share=1, weights=[1, 2])
    assert (strategy.symbol, strategy.length, strategy.share) == ("x", 10, 1.0)
    assert strategy.size == Decimal("0.25")
    assert strategy.weights == (1.0, 2.0)
    assert isinstance(strategy.state, Memory)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "Configured needs the parameter 'symbol': give it a value"),
        ({"symbol": "x", "lenght": 3}, "Configured has no parameter 'lenght'; did you mean 'length'?"),
        ({"symbol": "x", "LIMIT": 3}, "Configured has no parameter 'LIMIT'; it has symbol, length, share"),
        ({"symbol": "x", "state": 3}, "Configured has no parameter 'state'"),
        ({"symbol": 1}, "parameter 'symbol' is 1: expected `str`, got `int`"),
        ({"symbol": "x", "length": 0}, "parameter 'length' is 0: expected `int` >= 1"),
        ({"symbol": "x", "mode": "medium"}, "parameter 'mode' is 'medium': invalid enum value 'medium'"),
        ({"symbol": "x", "weights": [1, "a"]}, r"expected `float`, got `str` - at `$[1]`"),
    ],
)
def test_a_wrong_parameter_is_named(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Configured(**given)
    assert text in str(raised.value)


def test_two_strategies_do_not_share_their_state() -> None:
    one, two = Configured(symbol="x"), Configured(symbol="x")
    one.state.names["a"] = [1]
    assert two.state.names == {}


class Inner(msgspec.Struct):
    seen: set[str] = msgspec.field(default_factory=set)


class Nested(State):
    inner: list[Inner] = msgspec.field(default_factory=list)


class Bare(State):
    count: int


def test_a_state_that_no_checkpoint_can_keep_is_refused() -> None:
    class Unordered(Strategy):
        state: Nested

    class Undefined(Strategy):
        state: Bare

    class Wrong(Strategy):
        state: int  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="Nested holds a set, whose order no checkpoint keeps"):
        Unordered()
    with pytest.raises(ConfigError, match="give every field of Bare a default"):
        Undefined()
    with pytest.raises(ConfigError, match="must be annotated with a subclass of State"):
        Wrong()


def test_a_sealed_strategy_keeps_its_attributes_and_hands_out_dicts_read_only() -> None:
    strategy: Any = Configured(symbol="x")
    strategy.table = {"a": 1}
    strategy.seal()
    with pytest.raises(UsageError, match=r"Configured\.length cannot be set here"):
        strategy.length = 3
    with pytest.raises(UsageError, match=r"Configured\.state cannot be set here"):
        strategy.state = Memory()
    with pytest.raises(UsageError, match="cannot be deleted"):
        del strategy.length
    with pytest.raises(TypeError):
        strategy.table["a"] = 2
    strategy.state.count += 1
