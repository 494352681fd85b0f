"""Holds the daemon's books against what really happened at the exchange, and its tape against itself."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.store.export import export, open_for_reading
from actors.store.replay import replay
from daemon.exchange.truth import TrueAccount, read_truth
from daemon.startup import core_of_head, read_core


class Verdict:
    """What a session left behind; every method asserts one promise."""

    def __init__(self, state: Path, truth: Path) -> None:
        core = read_core(state)
        assert core is not None, "the session has left no tape"
        self.books = export(state, core.ledger)
        self.truth: TrueAccount = read_truth(truth).accounts["demo"]
        self.alerts = _alerts(state)
        self._state = state

    def all_is_well(self) -> None:
        """Every promise at once."""
        self.no_order_is_doubled()
        self.orders_agree()
        self.fills_agree()
        self.money_agrees()
        self.nothing_seemed_different()
        self.replay_is_identical()

    def no_order_is_doubled(self) -> None:
        """The exchange has accepted each client order id at most once."""
        ids = Counter(order.client_order_id for order in self.truth.orders.values())
        doubled = [name for name, count in ids.items() if count > 1]
        assert not doubled, doubled

    def orders_agree(self) -> None:
        """What the exchange accepted we know under the same ids, as ended as it is, and nothing beyond."""
        ours = {row["client_order_id"]: row for row in self.books["orders"]}
        assert len(ours) == len(self.books["orders"])
        theirs = {order.client_order_id: order for order in self.truth.orders.values()}
        differ = []
        for name, order in theirs.items():
            row = ours.get(name)
            known = (row["venue_order_id"], row["status"], Decimal(row["filled"])) if row else None
            if known != (order.venue_order_id, order.status, order.filled):
                differ.append((name, known, (order.venue_order_id, order.status, order.filled)))
        assert not differ, differ
        lively = ("accepted", "partially_filled", "filled", "cancelled", "expired")
        ghosts = [name for name, row in ours.items() if row["status"] in lively and name not in theirs]
        assert not ghosts, ghosts

    def fills_agree(self) -> None:
        """Each execution is booked once, under the same figures."""
        theirs = Counter(
            (trade.client_order_id, trade.venue_order_id, trade.trade_id, f"{trade.symbol}@binance",
             trade.side.lower(), trade.quantity, trade.price, trade.fee, trade.fee_currency)
            for trade in self.truth.trades
        )  # fmt: skip
        ours = Counter(
            (row["client_order_id"], row["venue_order_id"], row["trade_id"], row["instrument"], row["side"],
             Decimal(row["quantity"]), Decimal(row["price"]), Decimal(row["fee"]), row["fee_currency"])
            for row in self.books["fills"]
        )  # fmt: skip
        assert not theirs - ours, f"lost: {theirs - ours}"
        assert not ours - theirs, f"counted twice, or never happened: {ours - theirs}"

    def money_agrees(self) -> None:
        """Balances are equal to the last unit, and the books balance."""
        ours = {asset: Decimal(total) for asset, total in self.books["balances"].items()}
        theirs = self.truth.balances
        assets = ours.keys() | theirs.keys()
        off = {asset: ours.get(asset, Decimal(0)) - theirs.get(asset, Decimal(0)) for asset in assets}
        assert not any(off.values()), off
        assert self.books["trial_balance"] == "0"

    def nothing_seemed_different(self) -> None:
        """The venue's statements never cast doubt on books that were right all along."""
        doubts = [text for kind, text in self.alerts if kind == "difference_found"]
        assert not doubts, doubts

    def replay_is_identical(self) -> None:
        """The tape, run again, gives every message again."""
        result = replay(self._state, build=lambda head: core_of_head(head).sequencer)
        assert result.identical, result.difference

    def statuses(self) -> dict[str, int]:
        """How many of our orders ended how."""
        return dict(Counter(row["status"] for row in self.books["orders"]))

    def order(self, client_order_id: str) -> dict[str, Any]:
        """One row of ours."""
        return next(row for row in self.books["orders"] if row["client_order_id"] == client_order_id)


def _alerts(state: Path) -> list[tuple[str, str]]:
    """Kind and text of each, oldest first."""
    connection = open_for_reading(state)
    try:
        rows = connection.execute("SELECT kind, text FROM alerts ORDER BY seq, n").fetchall()
    finally:
        connection.close()
    return [(row["kind"], row["text"]) for row in rows]
