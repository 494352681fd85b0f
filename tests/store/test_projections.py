"""Each message becomes its rows, and the same tape always becomes the same rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from actors.errors import StoreError
from actors.messages.control import TimeReached
from actors.messages.orders import ApprovedReplace, OrderDenied, OrderReplaced, ReplaceRequest, SpecialTerms
from actors.store import database
from actors.store.database import (
    DamagedDatabase,
    broken_audit,
    catch_up,
    database_path,
    open_database,
    rebuild,
    transaction,
)
from actors.store.export import export
from actors.store.layout import list_parts, tape_folder
from actors.store.projections import exact_minus
from actors.store.tape_reader import TapeReader
from actors.store.tape_repair import prune
from tests.store.rows import rows
from tests.store.steps import Step, every_kind, fact, ordered, write_tape
from tests.store.trading import T0, Life


@pytest.fixture
def projected(tmp_path: Path) -> Path:
    last = write_tape(tmp_path, every_kind())
    with closing(open_database(database_path(tmp_path))) as connection:
        assert catch_up(connection, TapeReader(tape_folder(tmp_path)), last) == last
    return tmp_path


def test_every_order_ends_in_the_state_its_last_event_gives(projected: Path) -> None:
    with closing(open_database(database_path(projected))) as connection:
        found = connection.execute(
            "SELECT client_order_id, status, filled, quantity, reason FROM orders ORDER BY client_order_id"
        ).fetchall()
    assert found == [
        ("A", "filled", "0.9", "1", ""),
        ("B", "cancelled", "0", "1", ""),
        ("C", "expired", "0", "2", "day over"),
        ("D", "rejected", "0", "1", "FUNDS: not enough"),
        ("E", "unknown", "0", "1", "submit: timeout"),
        ("F", "submitted", "0", "1", ""),
        ("G", "denied", "0", None, "TOO_LARGE: quantity=2, max=1"),
    ]


def test_a_denied_replace_shows_what_was_wanted_and_an_approved_one_leaves_no_row(tmp_path: Path) -> None:
    tick = TimeReached(ts_event=T0)

    def wanted(name: str) -> ReplaceRequest:
        return ReplaceRequest(
            ts_event=T0, client_order_id="A", new_client_order_id=name, quantity=Decimal(3), price=Decimal(97)
        )

    denied = OrderDenied(ts_event=T0, **fact("R1"), code="TOO_LARGE", figures="quantity=3, max=1")
    approved = ApprovedReplace(
        ts_event=T0, client_order_id="A", new_client_order_id="R2", quantity=Decimal(3), price=Decimal(97)
    )
    steps: list[Step] = [
        (tick, ordered("A")),
        (tick, [wanted("R1"), denied]),
        (tick, [wanted("R2"), approved]),
    ]
    last = write_tape(tmp_path, steps)
    with closing(open_database(database_path(tmp_path))) as connection:
        catch_up(connection, TapeReader(tape_folder(tmp_path)), last)
        found = connection.execute(
            "SELECT client_order_id, status, side, quantity, price, replaces FROM orders"
            " WHERE client_order_id LIKE 'R%'"
        ).fetchall()
    assert found == [("R1", "denied", "buy", "3", "97", "A")]


def test_a_new_trail_is_shown_with_the_rest_of_the_special_terms(tmp_path: Path) -> None:
    special = SpecialTerms(trail=Decimal("1.50"), oca_group="both ways")
    moved = OrderReplaced(
        ts_event=T0, **fact("A"), quantity=Decimal(1), price=None, stop_price=None, trail=Decimal(2)
    )
    tick = TimeReached(ts_event=T0)
    last = write_tape(tmp_path, [(tick, ordered("A", special)), (tick, ordered("B")), (tick, [moved])])
    with closing(open_database(database_path(tmp_path))) as connection:
        catch_up(connection, TapeReader(tape_folder(tmp_path)), last)
    assert [row["special"] for row in export(tmp_path)["orders"]] == [
        {"trail": "2", "oca_group": "both ways"},
        {},
    ]


def test_every_other_message_becomes_its_row_once(projected: Path) -> None:
    with closing(open_database(database_path(projected))) as connection:
        counts = {table: len(found) for table, found in rows(connection).items()}
        kinds = connection.execute("SELECT kind, by FROM audit ORDER BY seq, n").fetchall()
        alerts = [row[0] for row in connection.execute("SELECT kind FROM alerts ORDER BY seq, n")]
    assert counts["fills"] == 3
    assert counts["corrections"] == 2
    assert counts["transfers"] == 1, "the same transfer told twice is one"
    assert (counts["trades"], counts["equity"], counts["positions"], counts["balances"]) == (1, 1, 1, 2)
    assert kinds == [
        ("Halt", "uid=1000"),
        ("StateChanged", "core"),
        ("CommandDone", "core"),
        ("Stop", "uid=1000"),
    ]
    assert alerts == [
        "order_outcome_unknown", "fill_corrected", "fill_corrected", "halted", "difference_found",
        "strategy_failed", "step_failed",
    ]  # fmt: skip


def test_rows_do_not_depend_on_how_the_tape_was_taken_in(projected: Path, tmp_path: Path) -> None:
    reader = TapeReader(tape_folder(projected))
    with closing(open_database(database_path(projected))) as connection:
        expected = rows(connection)
    with closing(open_database(tmp_path / "bit by bit.db")) as connection:
        for seq in range(1, len(every_kind()) + 1):
            assert catch_up(connection, reader, seq) == seq
        assert rows(connection) == expected
        rebuild(connection, reader, len(every_kind()))
        again = rows(connection)
        again["meta"] = [row for row in again["meta"] if row[0] != "seam_seq"]
        assert again == expected


def test_a_rebuild_keeps_what_the_tape_no_longer_tells(tmp_path: Path) -> None:
    life = Life(tmp_path).begin().trade(range(1, 150))
    chain = life.tape.chain
    life.tape.begin_part(life.head(part=2, epoch=1, session="first", chain=chain), life.sequencer.now)
    life.trade(range(150, 300))
    life.tape.close()
    with closing(open_database(database_path(tmp_path))) as connection:
        catch_up(connection, TapeReader(tape_folder(tmp_path)), life.sequencer.seq)
        expected = rows(connection)
        prune(tape_folder(tmp_path), list_parts(tape_folder(tmp_path))[:1])
        seam = list_parts(tape_folder(tmp_path))[0].head.previous_seq
        with transaction(connection):
            connection.execute("DELETE FROM fills WHERE seq > ?", (seam + 3,))
            connection.execute("UPDATE orders SET status = 'wrong' WHERE seq_created > ?", (seam,))
        rebuild(connection, TapeReader(tape_folder(tmp_path)), life.sequencer.seq)
        assert database.read_meta(connection, "seam_seq") == str(seam)
        again = rows(connection)
        again["meta"] = [row for row in again["meta"] if row[0] != "seam_seq"]
        assert again == expected
        assert broken_audit(connection) is None


def test_a_changed_audit_row_breaks_the_chain_at_its_seq(projected: Path) -> None:
    with closing(open_database(database_path(projected))) as connection:
        assert broken_audit(connection) is None
        seqs = [row[0] for row in connection.execute("SELECT seq FROM audit ORDER BY seq, n")]
        connection.execute("UPDATE audit SET by = 'uid=0' WHERE kind = 'Halt'")
        assert broken_audit(connection) == seqs[0]
        connection.execute("UPDATE audit SET by = 'uid=1000' WHERE kind = 'Halt'")
        assert broken_audit(connection) is None
        connection.execute("DELETE FROM audit WHERE kind = 'StateChanged'")
        assert broken_audit(connection) == seqs[2]


def test_amounts_in_sql_are_exact() -> None:
    assert exact_minus("0.3", "0.1") == "0.2"
    assert exact_minus("1e3", "0.000000000000000000000000000000001") == "999." + "9" * 33
    assert exact_minus(None, "1") is None


def test_the_export_holds_orders_fills_positions_and_balances(projected: Path) -> None:
    class Books:
        def accounts(self) -> tuple[str, ...]:
            return ("paper",)

        def balances(self, account: str) -> dict[str, Decimal]:
            return {"USDT": Decimal("899.50"), "BTC": Decimal("0E-8")}

        def trial_balance(self, account: str) -> dict[str, Decimal]:
            return {"USDT": Decimal("0.00"), "BTC": Decimal(0)}

    told = export(projected)
    assert told["balances"] == {"BTC": "0.25", "USDT": "899.5"}
    assert told["trial_balance"] is None
    shown = export(projected, Books())
    assert shown["balances"] == {"USDT": "899.5", "BTC": "0"}
    assert shown["trial_balance"] == "0"
    order, fill = shown["orders"][0], shown["fills"][0]
    assert {key: order[key] for key in ("client_order_id", "venue_order_id", "status", "filled")} == {
        "client_order_id": "A", "venue_order_id": "vA", "status": "filled", "filled": "0.9",
    }  # fmt: skip
    assert (fill["trade_id"], fill["fee"], fill["fee_currency"]) == ("1", "0.00001", "BNB")
    assert len(shown["fills"]) == 3
    assert {row["trade_id"]: (row["quantity"], row["price"], row["revision"]) for row in shown["fills"]} == {
        "1": ("0.4", "100.5", 0), "2": ("0.5", "100.25", 2), "3": ("0", "100.25", 2),
    }  # fmt: skip
    changes = [(row["trade_id"], row["quantity_before"], row["quantity"]) for row in shown["corrections"]]
    assert changes == [("2", "0.6", "0.5"), ("3", "0.25", "0")]


def test_an_export_without_a_database_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="--state"):
        export(tmp_path)


def test_a_later_schema_is_reached_by_its_migrations_and_all_or_nothing(projected: Path) -> None:
    path = database_path(projected)

    def later(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT ''")

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE fills ADD COLUMN note TEXT")
        raise sqlite3.OperationalError("power went")

    now = database.SCHEMA_VERSION
    with closing(open_database(path, version=now + 1, migrations={now: later})) as connection:
        assert connection.execute("SELECT count(note) FROM orders").fetchone() == (7,)
    with pytest.raises(StoreError, match="power went"):
        open_database(path, version=now + 2, migrations={now: later, now + 1: broken})
    with closing(open_database(path, version=now + 1, migrations={now: later})) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (now + 1,)
        names = [row[1] for row in connection.execute("PRAGMA table_info(fills)")]
    assert "note" not in names
    with pytest.raises(StoreError, match="newer"):
        open_database(path)


@pytest.mark.parametrize("version", [1, 2])
def test_a_database_of_a_former_schema_is_migrated_and_not_read_before(projected: Path, version: int) -> None:
    path = database_path(projected)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM corrections")
        connection.execute("UPDATE fills SET revision = 0")
    today = export(projected)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE fills DROP COLUMN revision")
        connection.execute("ALTER TABLE fills DROP COLUMN fee_known")
        connection.execute("DROP TABLE corrections")
        if version == 1:
            connection.execute("ALTER TABLE orders DROP COLUMN special")
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match="tickerd db migrate"):
        export(projected)
    open_database(path).close()
    assert export(projected) == today


def test_what_is_wrong_with_a_database_is_named(tmp_path: Path) -> None:
    path = database_path(tmp_path)
    with closing(open_database(path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(StoreError, match="locked by another"),
            database.errors_named(path),
        ):
            other.execute("BEGIN IMMEDIATE")
    path.write_bytes(b"x" * 5000)
    with pytest.raises(DamagedDatabase, match="rebuilt from the tape"):
        open_database(path)
    with pytest.raises(StoreError, match="permissions"):
        open_database(tmp_path / "nowhere" / "tickerd.db")
