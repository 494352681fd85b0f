"""Scrape configuration and alerts: judged by promtool and by a real Prometheus, about figures that exist."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from daemon.http.metrics import registry_of
from daemon.http.server import HttpServer
from daemon.telemetry import AccountFigures, FeedData, LineFigures, Telemetry
from tests.http.test_server import Health


def a_full_telemetry() -> Telemetry:
    """Every labelled figure has a value."""
    telemetry = Telemetry(now_ns=lambda: 10_000_000_000, version="1", session="s")
    telemetry.queue_depth["inputs"] = telemetry.restarts["http"] = telemetry.feed_last_ns["binance"] = 1
    telemetry.feed_connected["binance"] = True
    telemetry.feed_data["binance"] = FeedData(1, 1, "")
    telemetry.orders["paper", "accepted"] = telemetry.orders_denied["paper", "X"] = 1
    telemetry.orders_rejected["paper", "X"] = telemetry.differences["paper", "balance"] = 1
    telemetry.strategy_failures["paper", "sma"] = telemetry.fills["paper"] = telemetry.orders_sent[
        "paper"
    ] = 1
    telemetry.differences_open["paper"] = telemetry.alerts_sent["desk"] = telemetry.alerts_failed["desk"] = 1
    telemetry.alerts_dropped["desk"] = telemetry.alerts_raised["critical", "halted"] = 1
    telemetry.losses["paper", "", "daily_loss"] = telemetry.losses["paper", "", "peak_loss"] = (90.0, 100.0)
    telemetry.positions["paper", "sma", "BTCUSDT@binance"] = 1.0
    line = telemetry.lines["ib"] = LineFigures(alarm_seconds=600.0)
    line.troubles["delayed"] = 1
    account = telemetry.accounts["paper"] = AccountFigures(currency="USDT", state="active")
    account.equity = 1000.0
    return telemetry


def labels_of() -> dict[str, set[str]]:
    """Every sample's name with its labels, as a scrape shows them."""
    found: dict[str, set[str]] = defaultdict(set)
    for family in registry_of(a_full_telemetry()).collect():
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found | {"up": {"job", "instance"}}


def exposed_names() -> set[str]:
    return set(labels_of())


def names_in(expression: str) -> set[str]:
    """The figures a query is about."""
    return set(re.findall(r"\b(?:tickerd_\w+|up(?=\{))", expression))


def promtool(*words: object, cwd: Path | None = None) -> str:
    """Run promtool; the test fails with what it says."""
    binary = shutil.which("promtool")
    if binary is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    command = [binary, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def promtool_accepts(folder: Path, rules: dict[str, Any]) -> None:
    (folder / "rules.json").write_text(json.dumps(rules))
    promtool("check", "rules", folder / "rules.json")


@pytest.fixture(scope="module")
def folder(repo_root: Path) -> Path:
    return repo_root / "configs" / "prometheus"


@pytest.fixture(scope="module")
def alerts(folder: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load((folder / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_promtool_accepts_configuration_and_alerts(folder: Path) -> None:
    promtool("check", "config", "prometheus.yml", cwd=folder)


@pytest.mark.slow
def test_every_alert_fires_when_it_should_and_not_before(folder: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml", cwd=folder)


def test_every_alert_has_a_test_of_firing_and_of_silence(folder: Path, alerts: list[dict[str, Any]]) -> None:
    cases = [
        (case["alertname"], bool(case.get("exp_alerts")))
        for test in yaml.safe_load((folder / "alerts_test.yml").read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    for rule in alerts:
        assert (rule["alert"], True) in cases, f"{rule['alert']} is never shown firing"
        assert (rule["alert"], False) in cases, f"{rule['alert']} is never shown silent"


def test_every_figure_an_alert_names_exists(alerts: list[dict[str, Any]]) -> None:
    known = labels_of()
    for rule in alerts:
        named = names_in(rule["expr"])
        assert named, rule["alert"]
        assert named <= set(known), rule["alert"]
        shown = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        for name in named:
            assert shown <= known[name] | {"job", "instance"}, rule["alert"]


def test_every_alert_says_how_urgent_it_is_and_what_to_do(alerts: list[dict[str, Any]]) -> None:
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["description"].endswith("."), rule["alert"]


def test_the_exposition_keeps_to_prometheus_conventions(tmp_path: Path) -> None:
    from prometheus_client.exposition import generate_latest

    binary = shutil.which("promtool")
    if binary is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    text = generate_latest(registry_of(a_full_telemetry()))
    done = subprocess.run(
        [binary, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


async def query(client: aiohttp.ClientSession, base: str, expression: str) -> list[Any]:
    try:
        async with client.get(f"{base}/api/v1/query", params={"query": expression}) as answer:
            if answer.status != 200:
                return []
            found: list[Any] = (await answer.json())["data"]["result"]
            return found
    except aiohttp.ClientConnectionError:
        return []


@pytest.mark.slow
async def test_a_real_prometheus_scrapes_the_daemon(tmp_path: Path, folder: Path) -> None:
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    server = HttpServer(host="127.0.0.1", port=0, telemetry=a_full_telemetry(), health=Health())
    await server.start()
    config = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "100ms", "scrape_timeout": "100ms", "evaluation_interval": "100ms"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = ["{}:{}".format(*server.address)]
    config["rule_files"] = [str(folder / "alerts.yml")]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        binary, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={listen}", "--log.level=error",
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as client, asyncio.timeout(60):
            ticks = asyncio.Event()
            while not (
                found := await query(client, f"http://{listen}", 'tickerd_trading_state{state="active"}')
            ):
                assert process.returncode is None, "Prometheus ended"
                try:
                    await asyncio.wait_for(ticks.wait(), 0.1)
                except TimeoutError:
                    continue
            assert found[0]["value"][1] == "1"
            assert found[0]["metric"]["account"] == "paper"
            up = await query(client, f"http://{listen}", 'up{job="tickerd"}')
            assert [each["value"][1] for each in up] == ["1"]
    finally:
        process.terminate()
        await process.wait()
        await server.close()
