"""Faults of the fake TWS: what cannot happen is refused, and what is named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actors.errors import UsageError
from daemon.exchange.faults import Fault, FaultBook
from daemon.exchange.ib import faults as tws
from daemon.exchange.ib import requests as ask
from daemon.exchange.ib.order_request import Request


def a_book() -> FaultBook:
    return FaultBook(tws.KINDS, symbols=("AAPL",), accounts=("DU1",))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Fault(kind="lose_request", method="place"),
            "no method 'place': write one of placeOrder, c",
        ),
        (Fault(kind="swallow_report", method="placeOrder"), "write one of accountDownloadEnd, "),
        (Fault(kind="reset", method="placeOrder"), "reset takes no method: it takes count, milliseconds"),
        (Fault(kind="drop", milliseconds=5), "drop takes no milliseconds: it takes count"),
        (Fault(kind="trade_by_hand", symbol="AAPLE"), "knows no symbol 'AAPLE': write one of AAPL"),
        (Fault(kind="lose_request", account="DU2"), "knows no account 'DU2': write one of DU1"),
    ],
)
def test_what_can_never_happen_is_refused_and_names_what_can(fault: Fault, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        a_book().add(fault)


@pytest.mark.parametrize("kind", list(tws.KINDS))
def test_every_kind_takes_all_that_it_says_it_takes(kind: str) -> None:
    known = tws.KINDS[kind]
    said = {"method": known.methods[:1], "symbol": ("AAPL",), "account": ("DU1",)}
    given = {field: said[field][0] if field in said else 7 for field in known.fields}
    a_book().add(Fault(kind=kind, **given))  # type: ignore[arg-type]


def test_every_request_and_every_message_of_the_fake_has_a_name() -> None:
    requests = [each for each in vars(ask).values() if isinstance(each, type) and issubclass(each, Request)]
    assert requests
    for each in requests:
        assert each is Request or each in tws.NAMES
    source = "".join(path.read_text() for path in Path(tws.__file__).parent.glob("*.py"))
    sent = set(re.findall(r'\.send\(\s*"(\w+)"', source))
    assert sent == set(tws.MESSAGES)
