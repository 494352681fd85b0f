"""What moved while the books were being opened.

An account is opened by a statement, and money may move between the reading of its balances and the booking:
the notice of a deposit that the statement has in it comes later, or one that it does not have in it comes
first. Nobody can tell at that moment; the statements that follow can, to the last unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations

import msgspec

from actors.model.money import ZERO

NOT_YET = 2**63 - 1
WEIGHED_MAX = 8
"""So many movements are tried in every combination, the newest."""


class Movement(msgspec.Struct, frozen=True, array_like=True):
    """What one input has moved; of a trade all assets or none were in a statement."""

    seq: int
    off: dict[str, Decimal]
    """Per asset by how much the venue shows more than our books if the wrong side was taken."""


class Opening(msgspec.Struct, array_like=True):
    """Movements of which the opening may have taken the wrong side."""

    until: int = NOT_YET
    """Movements stamped later came after the opening for certain; nanoseconds, the venue's clock."""
    near: list[Movement] = []

    def moved(self, seq: int, asset: str, change: Decimal) -> None:
        """Booked before the opening, and taken to be in its statement; or after it, and taken not to be."""
        off = {asset: change if self.until == NOT_YET else -change}
        near = list(self.near)
        if near and near[-1].seq == seq:
            off = {**near.pop().off, **off}
        self.near = [*near, Movement(seq, off)][-WEIGHED_MAX:]

    def explains(self, amounts: Mapping[str, Decimal]) -> bool:
        """Whether the opening is why the venue shows so much more of these assets, and of no other.

        What explains only a part proves nothing: amounts are often alike. What has explained is forgotten.
        """
        for count in range(1, len(self.near) + 1):
            for some in combinations(self.near, count):
                off: dict[str, Decimal] = {}
                for movement in some:
                    for asset, amount in movement.off.items():
                        off[asset] = off.get(asset, ZERO) + amount
                if {asset: amount for asset, amount in off.items() if amount} == amounts:
                    self.near = [movement for movement in self.near if movement not in some]
                    return True
        return False
