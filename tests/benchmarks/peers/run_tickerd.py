"""tickerd itself, in a process of its own like every peer."""

from __future__ import annotations

from importlib.metadata import version

from actors.messages.market import MarketData
from actors.messages.orders import SubmitOrder
from actors.strategies.library.sma_cross import SmaCross
from tests.benchmarks.engine import Engine, a_config
from tests.benchmarks.peers.given import Given, given, measure
from tests.benchmarks.peers.messages import messages_of
from tests.benchmarks.strategies import EveryThousand, NoBars


def _engine(data: Given, first: int) -> Engine:
    if data.workload == "C":
        return Engine(a_config(EveryThousand, bars=False), first)
    if data.workload == "N":
        return Engine(a_config(NoBars, bars=True), first)
    names = tuple(data.series)
    parameters = {"fast": data.fast, "slow": data.slow}
    return Engine(a_config(SmaCross, instruments=names, bars=True, parameters=parameters), first)


def _run(prepared: tuple[Engine, list[MarketData]]) -> Engine:
    engine, messages = prepared
    engine.feed(messages)
    return engine


def main() -> None:
    """Run the workload."""
    data = given()
    messages = messages_of(data)
    measure(
        data,
        version("tickerd"),
        lambda: (_engine(data, messages[0].ts_event), messages),
        _run,
        lambda engine: engine.count(SubmitOrder),
    )


if __name__ == "__main__":
    main()
