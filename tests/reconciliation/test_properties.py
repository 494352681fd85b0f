"""Reconciliation under any mixture of trades, strangers, transfers, lost lines and restarts.

Whatever evidence comes late, in part, or again: nothing is booked wrongly, and once things are calm the books
equal the venue's truth.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.messages.account import AccountEvidence, CashTransferred
from tests.reconciliation.test_matrix import is_ours, own_trades
from tests.reconciliation.world import ACCOUNT, World

D = Decimal
ACTIONS = (
    "buy", "sell", "rest", "cancel", "hand", "hand rests", "market", "deposit", "withdraw", "noticed",
    "dust", "down", "up", "restart", "wait", "long wait", "lose answers",
)  # fmt: skip
DELIVERIES = ("whole", "whole", "none", "twice", "stale too", "no fills", "no orders", "no balances")


class Mess:
    """A world with a seeded unreliable way of delivering statements."""

    def __init__(self, deliveries: list[str], *, fee_currency: str | None, has_history: bool) -> None:
        self.world = World(fee_currency=fee_currency, has_history=has_history)
        self.world.deliver = self._deliver
        self._deliveries = deliveries
        self._old: list[AccountEvidence] = []
        self._number = 0
        self.expected: dict[str, tuple[str, Decimal]] = {}
        self.is_calm = True

    def _deliver(self, evidence: AccountEvidence) -> list[AccountEvidence]:
        self._old.append(evidence)
        how = self._deliveries[len(self._old) % len(self._deliveries)] if self._deliveries else "whole"
        if self.is_calm:
            return [evidence]
        match how:
            case "none":
                return []
            case "twice":
                return [evidence, evidence]
            case "stale too":
                return [self._old[0], evidence, self._old[len(self._old) // 2]]
            case "no fills":
                return [msgspec.structs.replace(evidence, fills=None)]
            case "no orders":
                return [msgspec.structs.replace(evidence, orders=None)]
            case "no balances":
                return [msgspec.structs.replace(evidence, balances=None, transfers=None)]
        return [evidence]

    def act(self, action: str) -> None:
        """Do one thing."""
        world, self._number = self.world, self._number + 1
        number = self._number
        match action:
            case "buy":
                world.order("buy", "0.1")
            case "sell":
                world.order("sell", "0.06")
            case "rest":
                world.order("buy", "0.2", str(99 - number % 3))
            case "cancel":
                for order in world.engine.open_orders(ACCOUNT)[:1]:
                    if is_ours(order.client_order_id):
                        world.cancel_at_venue(order.client_order_id)
            case "hand":
                world.by_hand("buy", "0.1", "105", name=f"web_{number}")
            case "hand rests":
                world.by_hand("buy", "0.1", "97.5", name=f"web_{number}")
            case "market":
                world.market(96.0 + number % 5, 97.0 + number % 5)
            case "deposit" | "withdraw" | "noticed":
                self._transfer(action, number)
            case "dust":
                self._dust(number)
            case "down":
                world.disconnect()
            case "up":
                world.connect()
            case "restart":
                world.restart()
            case "wait":
                world.go(1.5)
            case "long wait":
                world.go(400)
            case "lose answers":
                world.loses_answers = True

    def _transfer(self, action: str, number: int) -> None:
        # No sum of such amounts and trades comes to nothing by chance.
        amount = (D(100 + number) + D(2**number) / D(10**12)) * (-1 if action == "withdraw" else 1)
        name = f"row-{number}"
        if not self.world.has_history and (
            action != "noticed" or self.world.loses_answers or not self.world.is_up
        ):
            return  # without a word from the venue nobody could know
        self.world.transfer("USDT", str(amount), row=name, notice=action == "noticed")
        self.expected[name] = ("USDT", amount)

    def _dust(self, number: int) -> None:
        if not self.world.has_history:
            return
        amount = D(number) / D(100_000_000)
        self.world.transfer("BNB", str(amount), row=f"row-{number}", reason="conversion")
        self.expected[f"row-{number}"] = ("BNB", amount)

    def calm(self) -> None:
        """The line is up, everything is answered, and time passes."""
        self.is_calm = True
        self.world.loses_answers = False
        self.world.connect()
        self.world.go(1_000)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    actions=st.lists(st.sampled_from(ACTIONS), min_size=3, max_size=30),
    deliveries=st.lists(st.sampled_from(DELIVERIES), max_size=6),
    fee_currency=st.sampled_from([None, "USDT", "BNB"]),
    has_history=st.booleans(),
)
def test_stale_partial_and_repeated_evidence_books_nothing_wrongly(
    actions: list[str], deliveries: list[str], fee_currency: str | None, has_history: bool
) -> None:
    mess = Mess(deliveries, fee_currency=fee_currency, has_history=has_history)
    world = mess.world
    world.connect()
    world.go(5)
    mess.is_calm = False
    world.market(100.0, 101.0)
    for action in actions:
        mess.act(action)
    mess.calm()

    assert world.state() == "active"
    assert sorted(world.booked_fills()) == sorted(own_trades(world))
    strangers = [f.trade_id for f in world.engine.fills(ACCOUNT) if not is_ours(f.client_order_id)]
    assert sorted(world.external_fills()) == sorted(strangers)
    booked = sum_of(each for each in world.heard(CashTransferred) if each.reason != "opening")
    assert set(booked) <= {"USDT", "BNB"}
    assert world.books() == world.totals(), world.differences()
    assert [each for each in world.differences() if each.status in ("open", "rejected")] == []
    assert not any(world.core.ledger.trial_balance(ACCOUNT).values())


def sum_of(transfers: object) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for each in transfers:  # type: ignore[attr-defined]
        total[each.asset] = total.get(each.asset, D(0)) + each.amount
    return total
