"""The venue's book of one symbol, kept in the strings it is sent in."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.exchange.market_data.events import DepthChange, DepthSnapshot, Level


class DepthBook:
    """All levels at one update id."""

    def __init__(self) -> None:
        self.last_id = 0
        self._bids: dict[float, Level] = {}
        self._asks: dict[float, Level] = {}

    def replace(self, snapshot: DepthSnapshot) -> None:
        """Start anew."""
        self.last_id = snapshot.last_id
        self._bids.clear()
        self._asks.clear()
        _put(self._bids, snapshot.bids)
        _put(self._asks, snapshot.asks)

    def apply(self, change: DepthChange) -> bool:
        """Take a change; False, and nothing done, when it is older than the book."""
        if change.last_id <= self.last_id:
            return False
        self.last_id = change.last_id
        _put(self._bids, change.bids)
        _put(self._asks, change.asks)
        return True

    def bids(self, limit: int) -> list[Level]:
        """Best first."""
        return [self._bids[price] for price in sorted(self._bids, reverse=True)[:limit]]

    def asks(self, limit: int) -> list[Level]:
        """Best first."""
        return [self._asks[price] for price in sorted(self._asks)[:limit]]

    def changes_to(self, target: DepthSnapshot) -> tuple[list[Level], list[Level]]:
        """Bids and asks of the one change that turns this book into `target`."""
        return _difference(self._bids, target.bids), _difference(self._asks, target.asks)


def _put(side: dict[float, Level], levels: Iterable[Level]) -> None:
    for level in levels:
        price, size = level
        key = float(price)
        if float(size):
            side[key] = level
        else:
            side.pop(key, None)


def _difference(side: dict[float, Level], target: Iterable[Level]) -> list[Level]:
    wanted = {float(price): (price, size) for price, size in target}
    gone = [(price, "0.00000000") for key, (price, _) in side.items() if key not in wanted]
    return gone + [level for key, level in wanted.items() if side.get(key) != level]
