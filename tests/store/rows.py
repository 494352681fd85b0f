"""Everything a database holds that the tape can tell again."""

from __future__ import annotations

import sqlite3
from typing import Any

from actors.store import database

TABLES = (*database.BY_SEQ, "orders", "meta")


def rows(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
