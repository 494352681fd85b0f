"""`tickerd doctor` in front of the fake TWS, and of nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daemon.cli.doctor_checks import Finding
from daemon.cli.doctor_ib import tws_answers
from daemon.exchange.ib.sessions import Switches
from tests.e2e.ib.rig import a_config, a_tws

pytestmark = pytest.mark.slow


async def findings(folder: Path, **switches: bool) -> list[Finding]:
    async with a_tws(folder) as tws:
        tws.sessions.switches = Switches(**switches)
        config = a_config(tws, folder / "state")
        return await asyncio.to_thread(tws_answers, "ib", config)


async def test_a_tws_that_takes_orders_is_found_fit(tmp_path: Path) -> None:
    found = await findings(tmp_path)
    assert {finding.result for finding in found} == {"ok"}
    assert "takes orders" in found[-1].text


async def test_a_read_only_api_is_named_with_the_box_to_untick(tmp_path: Path) -> None:
    found = await findings(tmp_path, is_read_only=True)
    assert (found[-1].result, "untick" in found[-1].text) == ("fail", True)


async def test_a_port_where_nothing_listens_is_named(tmp_path: Path) -> None:
    async with a_tws(tmp_path) as tws:
        config = a_config(tws, tmp_path / "state")
    (found,) = await asyncio.to_thread(tws_answers, "ib", config)
    assert found.result == "fail"
    assert f"nothing listens at 127.0.0.1:{tws.port}" in found.text


async def test_a_port_that_answers_otherwise_is_named(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with a_tws(tmp_path) as tws, server:
        tws.port = server.sockets[0].getsockname()[1]
        config = a_config(tws, tmp_path / "state")
        (found,) = await asyncio.to_thread(tws_answers, "ib", config)
    assert (found.result, "enable the API" in found.text) == ("fail", True)
