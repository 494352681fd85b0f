"""Every actor opens with its contract: one sentence, then Reads, Writes, State and Fails."""

from __future__ import annotations

import ast

from tests.architecture.source import Source, assert_clean, sources

HEADINGS = ["Reads", "Writes", "State", "Fails"]
BASE = "actors/core/actor.py"


def is_actor(source: Source) -> bool:
    """Core actors, and edge actors that keep the name; the base of all is none itself."""
    return source.path.endswith("/actor.py") and source.path != BASE


def missing_headings(source: Source) -> list[str]:
    """What the docstring of an actor's file lacks; a heading needs text beside it, in the given order."""
    docstring = ast.get_docstring(source.tree) or ""
    if ": " not in docstring.partition("\n")[0]:
        return [f"{source.path}: opens without a line `Name: what it does.`"]
    found = [words[0] for line in docstring.splitlines() if len(words := line.split()) > 1 and line[0] != " "]
    if [word for word in found if word in HEADINGS] != HEADINGS:
        return [f"{source.path}: its docstring needs {', '.join(HEADINGS)}, once each and in this order"]
    return []


def test_every_actor_states_its_contract() -> None:
    actors = [source for source in sources("actors") if is_actor(source)]
    assert_clean(missing_headings, actors)


def test_an_incomplete_contract_is_found() -> None:
    whole = '"""Risk: the gate.\n\nReads   A\n        B\nWrites  C\nState   none\nFails   never\n"""'
    assert missing_headings(Source("actor.py", whole)) == []
    assert missing_headings(Source("actor.py", whole.replace("Fails   never\n", "")))
    assert missing_headings(Source("actor.py", whole.replace("State   none", "State")))
    assert missing_headings(Source("actor.py", whole.replace("Risk: the gate.", "The gate.")))
    assert missing_headings(Source("actor.py", ""))
