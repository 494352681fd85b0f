"""Export: orders, fills, positions and balances as plain values, for `tickerd db export --json` and reports.

Orders and fills come from the projections, which keep the whole history; balances and the trial balance from
the ledger's own state when its actor is given, else from what it has told the projections.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import msgspec

from actors.errors import StoreError
from actors.store import database
from actors.store.database import database_path
from actors.store.layout import tape_folder
from actors.store.projections import exact_minus
from actors.store.tape_reader import TapeReader


class Books(Protocol):
    """What the ledger actor shows of itself."""

    def accounts(self) -> Sequence[str]:
        """All accounts, in configured order."""

    def balances(self, account: str) -> Mapping[str, Decimal]:
        """Total per asset."""

    def trial_balance(self, account: str) -> Mapping[str, Decimal]:
        """Debits minus credits per asset; anything but 0 is an error in the books."""


_ORDERS = (
    "SELECT client_order_id, venue_order_id, account, strategy, instrument, side, order_type, status, reason,"
    " quantity, filled, price, stop_price, time_in_force, replaces, special, ts_created, ts_updated"
    " FROM orders ORDER BY seq_created, client_order_id"
)
_FILLS = (
    "SELECT trade_id, venue_order_id, client_order_id, account, strategy, instrument, side, quantity, price,"
    " fee, fee_currency, liquidity, ts_event, revision, fee_known FROM fills ORDER BY seq, trade_id"
)
_CORRECTIONS = (
    "SELECT trade_id, venue_order_id, client_order_id, account, strategy, instrument, revision,"
    " quantity_before, price_before, fee_before, quantity, price, fee, fee_currency, ts"
    " FROM corrections ORDER BY seq, n"
)
_NEWEST_FILLS = _FILLS.replace("ORDER BY seq, trade_id", "ORDER BY seq DESC, trade_id DESC LIMIT ?")
_POSITIONS = (
    "SELECT account, strategy, instrument, quantity, entry_price_average, realised_pnl, account_quantity"
    " FROM positions ORDER BY account, strategy, instrument"
)
_BALANCES = "SELECT account, asset, total FROM balances ORDER BY account, asset"


def open_for_reading(state: Path) -> sqlite3.Connection:
    """The database as it is, never made, migrated or changed; works beside a running daemon.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    path = database_path(state)
    if not path.exists():
        raise StoreError(f"{path} does not exist; give the state folder of a run with --state")
    with database.errors_named(path):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("SELECT count(*) FROM meta").fetchone()
            if (
                version := connection.execute("PRAGMA user_version").fetchone()[0]
            ) != database.SCHEMA_VERSION:
                known = database.SCHEMA_VERSION
                raise StoreError(
                    f"{path} has schema {version}, this tickerd reads {known}: run `tickerd db migrate`"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def _table(connection: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query)]


def _with_special(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"special": msgspec.json.decode(row["special"] or b"{}")}


def plain(amount: Decimal) -> str:
    """An amount without exponent and without zeros at its end."""
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if amount else "0"


def summed(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Totals per asset over accounts."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        totals[row["asset"]] = totals.get(row["asset"], Decimal(0)) + Decimal(row["total"])
    return {asset: plain(total) for asset, total in totals.items()}


def newest_fills(state: Path, limit: int) -> list[dict[str, Any]]:
    """The newest settled fills, oldest first; amounts are decimal text.

    Raises:
        StoreError: The database cannot be read.
    """
    connection = open_for_reading(state)
    try:
        with database.errors_named(database_path(state)):
            rows = connection.execute(_NEWEST_FILLS, (limit,))
            return [dict(row) for row in rows][::-1]
    finally:
        connection.close()


def _as_of(connection: sqlite3.Connection, state: Path, seq: int) -> sqlite3.Connection:
    """The database as it will be once it has caught up with the tape to `seq`; the file stays as it is."""
    if database.applied_seq(connection) >= seq:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with closing(connection):
            connection.backup(copy)
        copy.row_factory = sqlite3.Row
        copy.create_function("exact_minus", 2, exact_minus, deterministic=True)
        reader = TapeReader(tape_folder(state))
        if database.applied_seq(copy) < reader.parts[0].head.previous_seq:
            database.rebuild(copy, reader, seq)
        else:
            database.catch_up(copy, reader, seq)
    except BaseException:
        copy.close()
        raise
    return copy


def export(state: Path, books: Books | None = None, *, seq: int = 0) -> dict[str, Any]:
    """What the books hold, as one JSON-ready object; amounts are decimal text.

    Args:
        books: The recovered ledger; without it balances are what it last told, and no trial balance is given.
        seq: Input after which the books are what they are; the projections, which trail, are read up to it.

    Raises:
        StoreError: The database cannot be read.
        TapeError: The tape cannot be read.
    """
    path = database_path(state)
    connection = _as_of(open_for_reading(state), state, seq)
    try:
        with database.errors_named(path):
            orders = [_with_special(row) for row in _table(connection, _ORDERS)]
            fills = _table(connection, _FILLS)
            corrections = _table(connection, _CORRECTIONS)
            positions, told = _table(connection, _POSITIONS), _table(connection, _BALANCES)
            applied = database.applied_seq(connection)
    finally:
        connection.close()
    accounts = list(dict.fromkeys(row["account"] for row in told))
    trial_balance = None
    if books is not None:
        accounts = list(books.accounts())
        off = [value for account in accounts for value in books.trial_balance(account).values()]
        trial_balance = plain(sum(map(abs, off), Decimal(0)))
        told = [
            {"account": account, "asset": asset, "total": plain(total)}
            for account in accounts
            for asset, total in books.balances(account).items()
        ]
    return {
        "orders": orders,
        "fills": fills,
        "corrections": corrections,
        "positions": positions,
        "balances": summed(told),
        "accounts": {
            account: {row["asset"]: row["total"] for row in told if row["account"] == account}
            for account in accounts
        },
        "trial_balance": trial_balance,
        "applied_seq": applied,
    }
