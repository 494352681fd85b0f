"""Random delays, the same in every run: the n-th draw is a function of seed, account and n alone."""

from __future__ import annotations

from math import exp
from statistics import NormalDist
from typing import Literal
from zlib import crc32

import msgspec

_NORMAL = NormalDist()
_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15


class Delay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long something takes, milliseconds, never below zero."""

    model: Literal["fixed", "normal", "lognormal", "recorded"] = "fixed"
    ms: float = 0.0
    """Fixed: the delay; normal: its mean; lognormal: its median."""
    spread: float = 0.0
    """Normal: standard deviation, milliseconds; lognormal: that of the logarithm."""
    recorded_ms: tuple[float, ...] = ()
    """Recorded: figures of which each is as likely as any other."""

    @property
    def is_constant(self) -> bool:
        """Whether every draw is the same."""
        return self.model == "fixed" or (self.model != "recorded" and not self.spread)

    def at(self, chance: float) -> int:
        """Nanoseconds at a chance in (0, 1)."""
        match self.model:
            case "fixed":
                ms = self.ms
            case "normal":
                ms = self.ms + self.spread * _NORMAL.inv_cdf(chance)
            case "lognormal":
                ms = self.ms * exp(self.spread * _NORMAL.inv_cdf(chance))
            case "recorded":
                ms = self.recorded_ms[int(chance * len(self.recorded_ms))]
        return max(round(ms * 1_000_000), 0)


class Chances:
    """One stream of even chances; `drawn` is its whole state."""

    __slots__ = ("_start", "drawn")

    def __init__(self, seed: int, name: str) -> None:
        self._start = _mixed((seed << 32) + crc32(name.encode()))
        self.drawn = 0

    def next(self) -> float:
        """In (0, 1).

        Source:
            Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
        """
        self.drawn += 1
        return ((_mixed(self._start + self.drawn * _STEP) >> 11) + 0.5) / 2**53


def _mixed(state: int) -> int:
    state &= _MASK
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)
