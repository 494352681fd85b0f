"""The judge: the exchange's own truth against `db export --json`, and the tape against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.store.layout import list_parts, tape_folder
from daemon.exchange.truth import TrueAccount
from tests.chaos.kills.phases import TruthTail, orders_on_tape
from tests.e2e.rig import exported, nonzero, one_object, tickerd

ACCEPTED = ("accepted", "partially_filled", "filled", "cancelled", "expired")
FEW = 5


@dataclass
class Judgement:
    """What is wrong; nothing, if all promises were kept."""

    lost: list[str] = field(default_factory=list)
    """Orders or fills of the exchange that we do not know."""
    duplicated: list[str] = field(default_factory=list)
    """Ids that carried two orders; fills booked twice, or never made."""
    differences: list[str] = field(default_factory=list)
    orders: int = 0
    fills: int = 0
    replayed: int = 0
    """Inputs run again through all parts."""
    replay_seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicated or self.differences)

    def merge(self, other: Judgement) -> None:
        """Add another store's."""
        self.lost += other.lost
        self.duplicated += other.duplicated
        self.differences += other.differences
        self.orders += other.orders
        self.fills += other.fills
        self.replayed += other.replayed
        self.replay_seconds += other.replay_seconds

    def said(self) -> list[str]:
        """The first faults of each kind."""
        return [
            f"{kind}: {text}"
            for kind, texts in (
                ("lost", self.lost),
                ("doubled", self.duplicated),
                ("differs", self.differences),
            )
            for text in texts[:FEW]
        ]


def judge(
    state: Path, truth: TruthTail, account: str, known: Set[str] = frozenset(), venue: str = "binance"
) -> Judgement:
    """Judge a store whose daemon has ended, against everything that the exchange has written.

    Args:
        known: Client order ids that were on parts of the tape that are pruned by now.
    """
    truth.read_on()
    true, books = truth.sum.account(account), exported(state)
    found = Judgement(orders=len(true.orders), fills=len(true.trades))
    judge_orders(true, books["orders"], found)
    judge_fills(true, books["fills"], found, venue)
    judge_money(true, books, account, found, venue)
    on_tape = orders_on_tape(state) | known
    found.differences += [
        f"{name} was on the wire and not on the tape" for name in truth.wire if name not in on_tape
    ]
    found.duplicated += [f"{name} was sent twice" for name, count in Counter(truth.wire).items() if count > 1]
    judge_replay(state, found)
    return found


def judge_orders(true: TrueAccount, rows: Sequence[Mapping[str, Any]], found: Judgement) -> None:
    """Every order of the exchange once in our books, as it ended there."""
    theirs = Counter(order.client_order_id for order in true.orders.values())
    found.duplicated += [f"{name} carried {n} orders at the exchange" for name, n in theirs.items() if n > 1]
    ours = Counter(row["client_order_id"] for row in rows)
    found.duplicated += [f"{name} stands {n} times in our books" for name, n in ours.items() if n > 1]
    known = {row["client_order_id"]: row for row in rows}
    for order in true.orders.values():
        row = known.get(order.client_order_id)
        if row is None or row["venue_order_id"] != order.venue_order_id:
            found.lost.append(f"order {order.client_order_id} ({order.venue_order_id}, {order.status})")
            continue
        said = (row["status"], Decimal(row["quantity"]), Decimal(row["filled"]), row["side"])
        wanted = (order.status, order.quantity, order.filled, order.side.lower())
        if said != wanted:
            found.differences.append(f"order {order.client_order_id} is {said}, at the exchange {wanted}")
    ghosts = [row for row in rows if row["status"] in ACCEPTED and row["client_order_id"] not in theirs]
    found.differences += [
        f"order {row['client_order_id']} is {row['status']}, the exchange never had it" for row in ghosts
    ]
    unsettled = [row for row in rows if row["status"] == "unknown"]
    found.differences += [f"order {row['client_order_id']} is still unknown" for row in unsettled]


def judge_fills(
    true: TrueAccount, rows: Sequence[Mapping[str, Any]], found: Judgement, venue: str = "binance"
) -> None:
    """Every execution once, under the same figures."""
    theirs = Counter(
        (t.trade_id, t.venue_order_id, t.client_order_id, f"{t.symbol}@{venue}", t.side.lower(),
         t.quantity, t.price, t.fee, t.fee_currency)
        for t in true.trades
    )  # fmt: skip
    ours = Counter(
        (row["trade_id"], row["venue_order_id"], row["client_order_id"], row["instrument"], row["side"],
         Decimal(row["quantity"]), Decimal(row["price"]), Decimal(row["fee"]), row["fee_currency"])
        for row in rows
    )  # fmt: skip
    found.lost += [f"fill {key[:4]}" for key in theirs - ours]
    found.duplicated += [f"fill {key[:4]}" for key in ours - theirs]


def judge_money(
    true: TrueAccount, books: Mapping[str, Any], account: str, found: Judgement, venue: str = "binance"
) -> None:
    """Balances and positions equal to the last unit, debits equal to credits."""
    ours, theirs = nonzero(books["accounts"][account]), nonzero(true.balances)
    for asset in sorted(ours.keys() | theirs.keys()):
        if ours.get(asset) != theirs.get(asset):
            found.differences.append(
                f"{asset}: we hold {ours.get(asset)}, at the exchange {theirs.get(asset)}"
            )
    held: dict[str, Decimal] = {}
    for trade in true.trades:
        name = f"{trade.symbol}@{venue}"
        signed = trade.quantity if trade.side.lower() == "buy" else -trade.quantity
        paid = trade.fee if trade.fee_currency == trade.symbol.removesuffix("USDT") else Decimal(0)
        held[name] = held.get(name, Decimal(0)) + signed - paid
    positions: dict[str, Decimal] = {}
    for row in books["positions"]:
        positions[row["instrument"]] = positions.get(row["instrument"], Decimal(0)) + Decimal(row["quantity"])
    if nonzero(held) != nonzero(positions):
        found.differences.append(f"positions {nonzero(positions)}, by the exchange's trades {nonzero(held)}")
    if books["trial_balance"] != "0":
        found.differences.append(f"the trial balance is {books['trial_balance']}")


def judge_replay(state: Path, found: Judgement) -> None:
    """`replay --verify` through every part of the record."""
    parts = [part.number for part in list_parts(tape_folder(state))]
    options = ("--verify", "--json", "--state", str(state))
    done = tickerd("replay", "--parts", f"{parts[0]}-{parts[-1]}", *options)
    if done.returncode or not (answer := one_object(done))["identical"]:
        found.differences.append(f"replay: {done.stdout.strip() or done.stderr.strip()}")
        return
    found.replayed, found.replay_seconds = answer["inputs"], answer["seconds"]
