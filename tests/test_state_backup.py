"""The day's state in words: what the core holds, written whole or not at all, and never a reason to stop."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from daemon.state_backup import FILE, StateBackup
from tests.startup_rig import BTC, T0, Life, a_config, mine


def a_life(folder: Path) -> Life:
    """One order filled, others rest."""
    life = Life(a_config(folder / "state", mine=mine(folder)))
    life.connect()
    life.quotes(9)
    life.fill(next(iter(life.order_states())))
    return life


async def test_balances_positions_open_orders_and_limits_stand_there(tmp_path: Path) -> None:
    life = a_life(tmp_path)
    await StateBackup(life.state, life.core, now_ns=lambda: T0).write()
    life.crash()
    plain = json.loads((life.state / FILE).read_text())
    assert (plain["written_at"], plain["seq"]) == ("2027-01-15T08:00:00+00:00", life.core.sequencer.seq)
    main, other = plain["accounts"]["main"], plain["accounts"]["other"]
    assert {asset: Decimal(text) for asset, text in main["balances"].items()} == {
        asset: total for asset, total in life.core.ledger.balances("main").items() if total
    }
    assert [(row["strategy"], row["instrument"], row["quantity"]) for row in main["positions"]] == [
        ("mine", BTC, "0.001")
    ]
    resting = [name for name, state in life.order_states().items() if state == "accepted"]
    assert [row["client_order_id"] for row in main["open_orders"]] == resting
    assert resting
    assert (other["positions"], other["open_orders"]) == ([], [])
    assert {row["account"] for row in plain["limits"]} == {"main", "other"}


async def test_a_failed_write_keeps_the_former_file_and_stops_nothing(tmp_path: Path) -> None:
    life = a_life(tmp_path)
    backup = StateBackup(life.state, life.core, now_ns=lambda: T0)
    await backup.write()
    before = (life.state / FILE).read_bytes()
    (life.state / f"{FILE}.tmp").mkdir()  # nobody can write there
    life.quotes(9)
    await backup.write()
    life.crash()
    assert (life.state / FILE).read_bytes() == before
