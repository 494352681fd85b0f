"""What dying on purpose has shown, and who dies."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.chaos.kills.judge import Judgement

VICTIM = ("-m", "tests.chaos.kills.victim")
KILLED = -9


@dataclass
class Deaths:
    """What dying before every effect has shown."""

    reached: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    judgement: Judgement = field(default_factory=Judgement)

    def merge(self, other: Deaths) -> None:
        """Add another stage's."""
        self.reached += other.reached
        self.missed += other.missed
        self.judgement.merge(other.judgement)

    @property
    def is_clean(self) -> bool:
        return self.judgement.is_clean and not self.missed
