from __future__ import annotations

import subprocess
import sys

import pytest

import actors


@pytest.mark.parametrize("name", actors.__all__)
def test_every_name_of_the_surface_is_there(name: str) -> None:
    value = getattr(actors, name)
    assert getattr(value, "__name__", name) in (name, "Literal")  # unions have no name, literals not this one


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Strategi'"):
        actors.Strategi  # noqa: B018


def test_the_surface_imports_only_what_is_asked_for() -> None:
    script = "import sys, actors.errors; print('actors.strategies' in sys.modules, 'msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
