"""What moved while the books were being opened.

An account is opened by a statement, and money may move between the reading of its balances and the booking:
the notice of a deposit that the statement has in it comes later, or one that it does not have in it comes
first. Nobody can tell at that moment; the statements that follow can, to the last unit.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import msgspec

from actors.model.money import ZERO

NOT_YET = 2**63 - 1
WEIGHED_MAX = 8
"""So many movements of an asset are tried in every combination, the newest."""


class Opening(msgspec.Struct, array_like=True):
    """Movements of which the opening may have taken the wrong side."""

    until: int = NOT_YET
    """Movements stamped later came after the opening for certain; nanoseconds, the venue's clock."""
    near: dict[str, list[Decimal]] = {}
    """Per asset by how much the venue shows more than our books if the wrong side was taken."""

    def moved(self, asset: str, change: Decimal) -> None:
        """Booked before the opening, and taken to be in its statement; or after it, and taken not to be."""
        off = change if self.until == NOT_YET else -change
        self.near = {**self.near, asset: [*self.near.get(asset, []), off][-WEIGHED_MAX:]}

    def explains(self, asset: str, amount: Decimal) -> bool:
        """Whether the venue shows so much more because of the opening; it is forgotten if so."""
        near = self.near.get(asset, [])
        for count in range(1, len(near) + 1):
            for some in combinations(near, count):
                if sum(some, ZERO) == amount:
                    self.near = {name: rest for name, rest in self.near.items() if name != asset}
                    return True
        return False
