"""Who may import whom. The tables are the rule; a new folder states its arrows here."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import (
    Import,
    Source,
    assert_clean,
    full_names,
    has_segment,
    imports,
    resolved,
    sources,
)

SHARED = frozenset({"messages", "model", "core", "errors"})

# Folder (or module) of `actors` → the others it may import, beside itself.
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "model": frozenset({"errors"}),
    "messages": frozenset({"model", "errors"}),
    "core": frozenset({"messages", "model", "errors"}),
    "indicators": frozenset({"messages", "model", "errors"}),
    "analytics": frozenset({"messages", "model", "errors"}),
    "views": SHARED,
    "bars": SHARED,
    "own_code": frozenset({"errors"}),
    "strategies": SHARED | {"indicators", "own_code", "views"},
    "portfolio": SHARED | {"views"},
    "risk": SHARED | {"views"},
    "oms": SHARED | {"views"},
    "ledger": SHARED | {"views"},
    "reconciliation": SHARED,
    "venues": SHARED,
    "store": SHARED,
}
# The surface for users' code; only what is written as users write may import it.
SURFACE = "actors"
SURFACE_READERS = ("actors/strategies/library",)

# Folder of `daemon` → modules of `daemon` it must not know.
DAEMON_FORBIDDEN: dict[str, frozenset[str]] = {
    "exchange": frozenset(
        {"supervisor", "control", "telemetry", "notify", "alerts", "http", "cli", "demo", "research"}
    ),
}

# Where core actors may be built, and which ones ("" for all).
BUILDERS = {"daemon/graph.py": "", "daemon/exchange": "actors.venues.simulated"}

# Library → the folders that may import it.
LIBRARIES = {
    "ib_insync": ("actors/venues/ib",),
    "eventkit": ("actors/venues/ib",),
    "binance": (),
    "aiohttp": ("actors/venues", "daemon"),
    "websockets": ("actors/venues", "daemon"),
    "aiosqlite": ("actors/store", "daemon"),
    "sqlite3": ("actors/store", "daemon"),
    "prometheus_client": ("daemon",),
    "uvloop": ("daemon",),
}


def actor_folder(module: str) -> str | None:
    """`risk` of `actors.risk.limits`; None outside `actors`, empty for `actors` itself."""
    parts = module.split(".")
    if parts[0] != "actors":
        return None
    return parts[1] if len(parts) > 1 else ""


def module_of(item: Import) -> str:
    """`from actors import risk` means actors.risk; `from actors import Strategy` means the surface."""
    if item.module == SURFACE and item.name in ALLOWED:
        return item.target
    return item.module


def arrows_from_actors(source: Source) -> list[str]:
    """Imports of `daemon`, of another actor, or of the surface."""
    own = source.path.removeprefix("actors/").removesuffix(".py").partition("/")[0]
    if own == "__init__":
        return [
            f"{source.path}:{i.line}: imports daemon"
            for i in imports(source)
            if i.target.startswith("daemon")
        ]
    if own not in ALLOWED:
        return [f"{source.path}: `{own}` has no row in ALLOWED: say there what it may import"]
    found = []
    for item in imports(source):
        module = module_of(item)
        target = actor_folder(module)
        if module.partition(".")[0] == "daemon":
            found.append(f"{source.path}:{item.line}: actors never import daemon")
        elif target == "":
            if not any(has_segment(source.path, reader) for reader in SURFACE_READERS):
                found.append(f"{source.path}:{item.line}: imports the users' surface")
        elif target is not None and target != own and target not in ALLOWED[own]:
            found.append(f"{source.path}:{item.line}: `{own}` must not import `{target}`")
    return found


def arrows_between_venues(source: Source) -> list[str]:
    """Imports of one venue's folder from anywhere but itself and `daemon/graph.py`."""
    found = []
    for item in imports(source):
        parts = item.target.split(".")
        if parts[:2] != ["actors", "venues"] or len(parts) < 3:
            continue
        home = "/".join(parts[:3])
        if has_segment(source.path, home):
            continue
        if {"wire", "translate"} & set(parts[3:]):
            found.append(f"{source.path}:{item.line}: the words of {home} stay in its folder")
        elif source.path.startswith("actors/venues/") and source.path.count("/") > 2 and len(parts) > 4:
            found.append(f"{source.path}:{item.line}: one venue imports another, {home}")
    return found


def arrows_within_daemon(source: Source) -> list[str]:
    parts = source.path.split("/")
    forbidden = DAEMON_FORBIDDEN.get(parts[1], frozenset()) if parts[0] == "daemon" else frozenset()
    return [
        f"{source.path}:{item.line}: `{parts[1]}` must not know {item.target}"
        for item in imports(source)
        if item.target.startswith("daemon.") and item.target.split(".")[1] in forbidden
    ]


def foreign_libraries(source: Source) -> list[str]:
    return [
        f"{source.path}:{item.line}: {item.target} belongs to {LIBRARIES[library] or 'tests'}"
        for item in imports(source)
        if (library := item.module.partition(".")[0]) in LIBRARIES
        if not any(has_segment(source.path, folder) for folder in LIBRARIES[library])
    ]


def core_actor_classes(tree: tuple[Source, ...]) -> frozenset[str]:
    """Full names of the classes that are core actors by their base."""
    return frozenset(
        f"{source.path.removesuffix('.py').replace('/', '.')}.{node.name}"
        for source in tree
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        if any(ast.unparse(base).rpartition(".")[2] == "CoreActor" for base in node.bases)
    )


def built_actors(source: Source, classes: frozenset[str]) -> list[str]:
    """Core actors built where none may be."""
    names = full_names(source)
    here = source.path.removesuffix(".py").replace("/", ".")
    allowed = [prefix for place, prefix in BUILDERS.items() if has_segment(source.path, place)]
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = resolved(node.func, names)
        if not {name, f"{here}.{name}"} & classes or any(name.startswith(prefix) for prefix in allowed):
            continue
        found.append(f"{source.at(node)}: builds {name}; daemon/graph.py does that")
    return found


def test_actors_import_only_what_their_row_allows() -> None:
    assert_clean(arrows_from_actors, sources("actors"))


def test_no_venue_knows_another_and_its_words_stay_in_its_folder() -> None:
    assert_clean(arrows_between_venues, sources("actors", "daemon"))


def test_the_exchange_process_knows_nothing_of_the_live_daemon() -> None:
    assert_clean(arrows_within_daemon, sources("daemon"))


def test_libraries_stay_at_the_edge_they_serve() -> None:
    assert_clean(foreign_libraries, sources("actors", "daemon"))


def test_only_the_graph_builds_core_actors() -> None:
    classes = core_actor_classes(sources("actors"))
    assert_clean(lambda source: built_actors(source, classes), sources("actors", "daemon"))


def test_every_row_names_folders_that_have_rows() -> None:
    assert {target for row in ALLOWED.values() for target in row} <= set(ALLOWED)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("actors/risk/actor.py", "from daemon.config import Config"),
        ("actors/risk/actor.py", "from actors.oms.orders import Order"),
        ("actors/risk/actor.py", "from ..oms import orders"),
        ("actors/risk/actor.py", "from actors import oms"),
        ("actors/risk/actor.py", "from actors import Strategy"),
        ("actors/risk/actor.py", "import actors.ledger.lots"),
        ("actors/model/money.py", "from actors.messages.orders import Side"),
        ("actors/gossip/actor.py", ""),
        ("actors/__init__.py", "import daemon"),
    ],
)
def test_a_forbidden_arrow_is_found(path: str, text: str) -> None:
    assert arrows_from_actors(Source(path, text))


def test_an_allowed_arrow_is_not_found() -> None:
    text = "from actors.messages.orders import Side\nfrom .limits import Limits\nfrom actors import model\n"
    assert arrows_from_actors(Source("actors/risk/actor.py", text)) == []
    assert arrows_from_actors(Source("actors/strategies/library/x.py", "from actors import Strategy")) == []


def test_a_venues_words_outside_its_folder_are_found() -> None:
    text = "from actors.venues.binance.wire import Depth"
    assert arrows_between_venues(Source("daemon/graph.py", text))
    assert arrows_between_venues(Source("daemon/graph.py", "from actors.venues.binance import wire"))
    assert arrows_between_venues(
        Source("actors/venues/ib/feed.py", "from actors.venues.binance.session import S")
    )
    assert arrows_between_venues(Source("actors/venues/binance/feed.py", text)) == []
    assert (
        arrows_between_venues(Source("actors/venues/ib/feed.py", "from actors.venues.ports import Feed"))
        == []
    )


def test_an_exchange_that_knows_the_daemon_is_found() -> None:
    assert arrows_within_daemon(
        Source("daemon/exchange/server.py", "from daemon.supervisor import supervise")
    )
    assert arrows_within_daemon(Source("daemon/exchange/server.py", "from daemon import control"))
    assert arrows_within_daemon(Source("daemon/exchange/server.py", "from daemon.config import load")) == []


def test_a_library_out_of_place_is_found() -> None:
    assert foreign_libraries(Source("actors/oms/actor.py", "import aiohttp"))
    assert foreign_libraries(Source("daemon/research/run.py", "from binance.client import Client"))
    assert foreign_libraries(Source("actors/venues/ib/session.py", "import ib_insync")) == []


def test_a_core_actor_built_out_of_place_is_found() -> None:
    risk = Source("actors/risk/actor.py", "class RiskActor(CoreActor): pass\nRiskActor()")
    venue = Source("actors/venues/simulated/actor.py", "class SimulatedVenue(CoreActor): pass")
    classes = core_actor_classes((risk, venue))
    build = "from actors.risk.actor import RiskActor as R\nR(limits=None)"
    assert built_actors(risk, classes)
    assert built_actors(Source("daemon/cli/run.py", build), classes)
    assert built_actors(Source("daemon/exchange/server.py", build), classes)
    assert built_actors(
        Source("daemon/cli/run.py", "import actors.risk.actor\nactors.risk.actor.RiskActor()"), classes
    )
    assert built_actors(Source("daemon/graph.py", build), classes) == []
    simulated = "from actors.venues.simulated.actor import SimulatedVenue\nSimulatedVenue()"
    assert built_actors(Source("daemon/exchange/server.py", simulated), classes) == []
