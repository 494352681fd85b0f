"""Off-loop work: runs in another process, answers as an input, and a failure is an answer too."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from actors.messages.base import Message
from actors.messages.control import OffLoopRequest, OffLoopResult
from actors.own_code.loading import load_module
from daemon.off_loop import OffLoop


async def answer_to(function: str, *arguments: object) -> OffLoopResult:
    answers: asyncio.Queue[Message] = asyncio.Queue()
    off_loop = OffLoop(offer=answers.put_nowait, now=lambda: 7)
    off_loop.request(
        OffLoopRequest(
            ts_event=1,
            request_id=3,
            strategy="sma",
            function=function,
            arguments=msgspec.msgpack.encode(arguments),
        )
    )
    try:
        answer = await answers.get()
    finally:
        off_loop.close()
    assert isinstance(answer, OffLoopResult)
    assert (answer.request_id, answer.strategy, answer.ts_event) == (3, "sma", 7)
    return answer


@pytest.mark.slow
async def test_work_runs_in_another_process_and_its_value_comes_back() -> None:
    answer = await answer_to("os:getpid")
    assert answer.value is not None
    assert msgspec.msgpack.decode(answer.value) != os.getpid()


@pytest.mark.slow
async def test_an_exception_is_the_answer_by_its_type_only() -> None:
    answer = await answer_to("math:sqrt", -1)
    assert (answer.value, answer.error) == (None, "ValueError")


@pytest.mark.slow
async def test_a_function_beside_a_strategy_is_found_in_the_other_process(tmp_path: Path) -> None:
    (tmp_path / "fetching.py").write_text("import helper\ndef fetched(n):\n    return helper.twice(n)\n")
    (tmp_path / "helper.py").write_text("def twice(n):\n    return 2 * n\n")
    module = load_module(str(tmp_path / "fetching.py"), "strategy").__name__
    (tmp_path / "helper.py").write_text("def twice(n):\n    return 3 * n\n")  # after it was looked through
    answer = await answer_to(f"{module}:fetched", 21)
    assert answer.value is not None, answer.error
    assert msgspec.msgpack.decode(answer.value) == 42
