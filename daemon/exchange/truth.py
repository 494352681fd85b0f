"""What really happened at the exchange: an append-only file, one JSON object a line, and its sum.

Kinds of lines: `account`, `request`, `order`, `rejected`, `cancelled`, `expired`, `trade`, `correction`,
`balance`. The sum uses nothing but the file, so it can be held against the engine's own figures and against
a client's books.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import msgspec

from actors.errors import BadDataFile


class TrueOrder(msgspec.Struct, kw_only=True):
    """One order as the exchange knows it."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: str
    status: str
    quantity: Decimal
    filled: Decimal


class TrueTrade(msgspec.Struct, kw_only=True, frozen=True):
    """One execution for one account."""

    trade_id: str
    venue_order_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str


class TrueAccount(msgspec.Struct, kw_only=True):
    """Everything of one account."""

    orders: dict[str, TrueOrder] = {}
    """By venue order id."""
    trades: list[TrueTrade] = []
    balances: dict[str, Decimal] = {}
    requests: int = 0
    rejected: int = 0


class Truth(msgspec.Struct):
    """The sum of all lines."""

    accounts: dict[str, TrueAccount] = {}

    def account(self, name: str) -> TrueAccount:
        """Of this name, made when first heard of."""
        return self.accounts.setdefault(name, TrueAccount())

    def take(self, line: dict[str, Any]) -> None:
        """Add one line."""
        account = self.account(line["account"]) if line.get("account") else None
        if account is None:
            return
        match line["kind"]:
            case "request":
                account.requests += 1
            case "rejected":
                account.rejected += 1
            case "order":
                fields = ("client_order_id", "venue_order_id", "symbol", "side")
                account.orders[line["venue_order_id"]] = TrueOrder(
                    **{field: line[field] for field in fields},
                    status="accepted",
                    quantity=Decimal(line["quantity"]),
                    filled=Decimal(0),
                )
            case "cancelled" | "expired" as status:
                account.orders[line["venue_order_id"]].status = status
            case "trade":
                self._take_trade(account, line)
            case "correction":
                _correct(account, line)
            case "balance":
                asset = line["asset"]
                account.balances[asset] = account.balances.get(asset, Decimal(0)) + Decimal(line["change"])

    def _take_trade(self, account: TrueAccount, line: dict[str, Any]) -> None:
        trade = TrueTrade(
            trade_id=line["trade_id"],
            venue_order_id=line["venue_order_id"],
            client_order_id=line["client_order_id"],
            symbol=line["symbol"],
            side=line["side"],
            quantity=Decimal(line["quantity"]),
            price=Decimal(line["price"]),
            fee=Decimal(line["fee"]),
            fee_currency=line["fee_currency"],
        )
        account.trades.append(trade)
        order = account.orders[trade.venue_order_id]
        order.filled += trade.quantity
        order.status = "filled" if order.filled == order.quantity else "partially_filled"


def _correct(account: TrueAccount, line: dict[str, Any]) -> None:
    """An execution has other figures from now on; one of quantity 0 was busted."""
    place = next(i for i, trade in enumerate(account.trades) if trade.trade_id == line["trade_id"])
    trade = account.trades[place]
    figures = {name: Decimal(line[name]) for name in ("quantity", "price", "fee")}
    new = account.trades[place] = msgspec.structs.replace(trade, **figures)
    account.orders[trade.venue_order_id].filled += new.quantity - trade.quantity


class TruthLog:
    """Writes the lines, each one flushed, and keeps the sum of what it wrote."""

    def __init__(self, path: Path | None, now_ms: Any) -> None:
        self._now_ms = now_ms
        self._file: IO[bytes] | None = None
        self.sum = Truth()
        self.lines = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")

    def write(self, kind: str, account: str | None, **fields: Any) -> None:
        """Append one line."""
        self.lines += 1
        line = {"seq": self.lines, "ms": self._now_ms(), "kind": kind, "account": account, **fields}
        if self._file is not None:
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()
        self.sum.take(line)

    def close(self) -> None:
        """Nothing more will be written."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_truth(path: Path) -> Truth:
    """Sum a file; a last line cut off by a kill is left out.

    Raises:
        BadDataFile: The file cannot be read, or a line before the last is damaged.
    """
    truth = Truth()
    for line in _lines(path):
        truth.take(line)
    return truth


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        raw_lines: Iterable[bytes] = path.read_bytes().split(b"\n")
    except OSError as error:
        raise BadDataFile(
            f"{path} cannot be read ({error.strerror}): give the file named by --truth"
        ) from error
    *whole, _torn = raw_lines
    for number, raw in enumerate(whole, start=1):
        try:
            yield msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
            raise BadDataFile(
                f"{path.name} line {number} is damaged ({error}): the file was changed"
            ) from error
