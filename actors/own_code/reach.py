"""Which of the user's functions run where: in the core, only in `on_setup`, or only off the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from actors.own_code.names import LOCAL, SETUP, Names, Unit, Use


class Where(IntEnum):
    """Where a function runs; one that runs in two places runs in the later one of these."""

    NOWHERE = 0
    OFF_LOOP = 1
    SETUP = 2
    CORE = 3


class Program:
    """All modules of the user's own that belong together."""

    def __init__(self, modules: Mapping[str, Names]) -> None:
        self.modules = modules
        self.units = [unit for names in modules.values() for unit in names.units]
        self._stars()

    def full_name(self, name: str) -> tuple[str, str, str] | str:
        """What a name stands for behind imports: module, name and what is asked of it, or a foreign one."""
        for _ in range(len(self.modules) + 10):
            owner, rest = self._split(name)
            if owner is None:
                return name
            first, _, more = rest.partition(".")
            behind = self.modules[owner].scope.get(first, f"{owner}.{first}")
            if not behind or behind == f"{owner}.{first}":
                return owner, first, more
            name = f"{behind}.{more}" if more else behind
        return name

    def _split(self, name: str) -> tuple[str | None, str]:
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            if ".".join(parts[:count]) in self.modules:
                return ".".join(parts[:count]), ".".join(parts[count:])
        return None, name

    def _stars(self) -> None:
        """Names taken by `from own import *`."""
        for _ in self.modules:
            for names in self.modules.values():
                for module, _ in names.stars:
                    if module in self.modules:
                        for name, full in self.modules[module].scope.items():
                            names.scope.setdefault(name, full or f"{module}.{name}")

    def places(
        self, entry: str, *, roots: frozenset[str] | None = None, is_program: bool = False
    ) -> dict[int, Where]:
        """Index of each unit → where it runs.

        Args:
            entry: The module that is asked for something.
            roots: What it is asked for; None for all of it.
            is_program: Its statements at the top are those of a program, and no part of what it is asked for.
        """
        found = [Where.NOWHERE] * len(self.units)
        waiting = list(self._begin(entry, roots, is_program))
        while waiting:
            index, place = waiting.pop()
            if place <= found[index]:
                continue
            found[index] = place
            waiting += self._called(self.units[index], place)
        return dict(enumerate(found))

    def _begin(
        self, entry: str, roots: frozenset[str] | None, is_program: bool
    ) -> Iterator[tuple[int, Where]]:
        asked = {name for unit in self.units for name in unit.attributes}
        named = {key for unit in self.units for use in unit.uses if (key := self._key(use)) is not None}
        for index, unit in enumerate(self.units):
            if not unit.name:
                if not is_program or unit.module != entry or roots is None or unit.binds & roots:
                    yield index, Where.CORE
            elif unit.owner and unit.name.startswith("on_"):
                if unit.module == entry and (roots is None or unit.owner in roots):
                    yield index, _own_place(unit)
            elif unit.module == entry and (roots is None or (unit.owner or unit.name) in roots):
                is_asked = unit.name in asked if unit.owner else (unit.module, unit.name) in named
                if not is_asked:
                    yield index, Where.CORE

    def _called(self, unit: Unit, place: Where) -> Iterator[tuple[int, Where]]:
        """What may run because a unit runs."""
        for use in unit.uses:
            key = self._key(use)
            if key is not None:
                yield from self._reached(key, Where.OFF_LOOP if use.is_off_loop else place)
        for index, other in enumerate(self.units):
            if other.owner and other.name in unit.attributes and other.name != SETUP:
                yield index, place

    def _reached(self, key: tuple[str, str], place: Where) -> Iterator[tuple[int, Where]]:
        """A function, all of a class, or the statements that give a name its value."""
        module, name = key
        for index, unit in enumerate(self.units):
            if unit.module != module:
                continue
            if not unit.name and name in unit.binds:
                yield index, place
            elif unit.owner == name:
                yield index, min(place, _own_place(unit))
            elif not unit.owner and unit.name == name:
                yield index, place

    def _key(self, use: Use) -> tuple[str, str] | None:
        full = self.full_name(use.name) if use.name != LOCAL else use.name
        return (full[0], full[1]) if isinstance(full, tuple) else None


def _own_place(unit: Unit) -> Where:
    return Where.SETUP if unit.name == SETUP else Where.CORE
