"""The dashboard: valid, in order of what an operator needs, and about figures that exist."""

from __future__ import annotations

import json
import re
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from tests.test_prometheus import exposed_names, labels_of, names_in, promtool_accepts


@pytest.fixture(scope="module")
def dashboard(repo_root: Path) -> dict[str, Any]:
    text = (repo_root / "configs" / "grafana" / "tickerd.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def expressions(dashboard: dict[str, Any]) -> list[str]:
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return [target["expr"] for target in targets] + [dashboard["annotations"]["list"][0]["expr"]]


def test_every_figure_it_names_exists(dashboard: dict[str, Any]) -> None:
    known = exposed_names()
    named = {name for expression in expressions(dashboard) for name in names_in(expression)}
    assert len(named) > 25
    assert named - known == set()


def test_every_label_it_shows_exists(dashboard: dict[str, Any]) -> None:
    known = labels_of()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            for name in names_in(target["expr"]):
                assert shown <= known[name] | {"instance"}, (panel["title"], name)


def test_what_an_operator_needs_comes_first(dashboard: dict[str, Any]) -> None:
    first = [panel["title"] for panel in dashboard["panels"] if panel["gridPos"]["y"] == 0]
    assert first == ["Trading state", "Unknown orders, oldest", "Equity", "Drawdown", "Feed age"]
    second = [panel["title"] for panel in dashboard["panels"] if panel["gridPos"]["y"] == 5]
    assert {"Tick to order, p99", "Loop lag, p99", "Tape durable, p99"} <= set(second)


def test_panels_have_their_own_place_and_number(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x, y in product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        )
    ]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) <= 23
    assert all(first["gridPos"]["y"] <= second["gridPos"]["y"] for first, second in pairwise(panels))


def test_its_queries_are_promql(dashboard: dict[str, Any], tmp_path: Path) -> None:
    rules = [
        {
            "record": f"panel:{number}",
            "expr": expression.replace("$__rate_interval", "1m").replace("$instance", ".*"),
        }
        for number, expression in enumerate(expressions(dashboard))
    ]
    promtool_accepts(tmp_path, {"groups": [{"name": "dashboard", "rules": rules}]})


def test_the_source_is_asked_for_and_not_built_in(dashboard: dict[str, Any]) -> None:
    sources = {
        target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    }
    assert sources == {"${datasource}"}
    assert {each["name"] for each in dashboard["templating"]["list"]} == {"datasource", "instance"}
