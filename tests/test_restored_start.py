"""A start out of a backup: what was under way then may have gone on, and is never sent a second time."""

from __future__ import annotations

from pathlib import Path

from actors.messages.orders import CancelOrder, OrderDenied, SubmitOrder
from actors.store.backup import Backup
from actors.store.check import check
from actors.store.places import FolderPlace
from actors.store.restore import restore
from tests.startup_rig import Life, a_config, mine

REPLACER = """
from decimal import Decimal
from actors import Quote, State, Strategy

class Mine(Strategy):
    class Seen(State):
        quotes: int = 0

    state: Seen

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes == 2:
            self.ctx.limit("buy", Decimal("0.001"), Decimal("59000"))
        if self.state.quotes == 4:
            [order] = self.ctx.open_orders()
            self.ctx.replace(order.client_order_id, price=Decimal("59001"))
"""


def test_a_replace_under_way_at_the_backup_is_sent_by_one_of_the_two_stores_only(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path, REPLACER))
    life = Life(config)
    life.connect()
    life.quotes(4)
    [first] = life.of(SubmitOrder)
    assert life.of(CancelOrder)
    life.checkpoint()
    place = FolderPlace(tmp_path / "backups")
    Backup(life.state, place, check=check).ship()
    life.cancelled(first.client_order_id)
    second = life.of(SubmitOrder)[1]
    life.crash()

    restore(place, tmp_path / "new", check=check)
    fresh = Life(a_config(tmp_path / "new", mine=mine(tmp_path, REPLACER)), now=life.now)
    fresh.connect()
    fresh.cancelled(first.client_order_id)
    fresh.crash()
    assert fresh.of(SubmitOrder) == []
    assert [(each.client_order_id, each.code) for each in fresh.of(OrderDenied)] == [
        (second.client_order_id, "FORMER_STORE")
    ]
