"""`tickerd ctl` against a real control socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.messages.assigning import AssignHolding, AssignOrder, AssignPosition
from actors.messages.control import Approve, ResolveDifference, ResolveOrder, SetLimit
from daemon.__main__ import main
from tests.test_control import Daemon


class Operator:
    def __init__(self, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
        self.daemon, self._capsys = daemon, capsys

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr of one command line."""
        code = await asyncio.to_thread(main, ["ctl", *words, "--state", str(self.daemon.folder)])
        out, err = self._capsys.readouterr()
        return code, out, err


@pytest.fixture
async def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Operator]:
    daemon = Daemon(tmp_path)
    await daemon.server.start()
    yield Operator(daemon, capsys)
    await daemon.server.close()


def scopes(ctl: Operator) -> list[str]:
    return [f"{type(command).__name__} {command.scope}" for command in ctl.daemon.port.commands]


async def test_every_command_reaches_the_core_with_its_scope(ctl: Operator) -> None:
    for words in (
        ("pause",), ("resume", "--account", "paper"), ("reduce-only", "--strategy", "sma"),
        ("flatten", "--instrument", "BTCUSDT@binance"), ("halt", "--reason", "odd"), ("clear-halt", "--all"),
        ("cancel-all", "--all"), ("reconcile", "--account", "paper"),
        ("set-limit", "daily_loss_max", "100", "--strategy", "sma"), ("approve", "a1"),
    ):  # fmt: skip
        assert await ctl(*words) == (0, "done: it is so\n", "")
    assert scopes(ctl) == [
        "Pause all", "Resume account=paper", "ReduceOnly account=paper strategy=sma",
        "Flatten account=paper instrument=BTCUSDT@binance", "Halt all", "ClearHalt all", "CancelAll all",
        "Reconcile account=paper", "SetLimit account=paper strategy=sma", "Approve all",
    ]  # fmt: skip


async def test_a_limit_and_an_approval_carry_what_was_said(ctl: Operator) -> None:
    await ctl("set-limit", "drawdown_max", "off", "--account", "paper")
    await ctl("approve", "a7", "--refuse")
    await ctl("approve", "a8")
    limit, refused, granted = ctl.daemon.port.commands
    assert isinstance(limit, SetLimit)
    assert (limit.limit, limit.value) == ("drawdown_max", "off")
    assert isinstance(refused, Approve)
    assert (refused.approval_id, refused.is_granted) == ("a7", False)
    assert isinstance(granted, Approve)
    assert (granted.approval_id, granted.is_granted) == ("a8", True)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("set-limit", "daily_loss_max", "1"), "needs an account or a strategy"),
        (("set-limit", "daily_loss_max", "1", "--strategy", "smaa"), "there is no strategy 'smaa'"),
        (("approve", ""), "tickerd ctl approvals"),
    ],
)
async def test_a_limit_or_approval_that_names_nothing_is_wrong_usage(
    ctl: Operator, words: tuple[str, ...], text: str
) -> None:
    code, _, err = await ctl(*words)
    assert code == 2
    assert text in err
    assert ctl.daemon.port.commands == []


async def test_reading_limits_and_approvals_gives_the_core_nothing(ctl: Operator) -> None:
    assert (await ctl("approvals"))[1].splitlines()[0] == "ID  WHAT                   ASKED_BY  ASKED_AT"
    assert len((await ctl("limits", "--strategy", "sma"))[1].splitlines()) == 2
    assert ctl.daemon.port.commands == []


async def test_reads_print_tables_or_one_json_object(ctl: Operator) -> None:
    assert await ctl("status") == (0, "session  s\n", "")
    code, out, _ = await ctl("positions")
    assert code == 0
    assert out.splitlines() == [
        "ACCOUNT  STRATEGY  INSTRUMENT       QUANTITY",
        "paper    sma       BTCUSDT@binance      0.10",
    ]
    assert (await ctl("orders"))[1] == "no orders\n"
    code, out, _ = await ctl("--json", "fills", "--limit", "2")
    assert [row["trade_id"] for row in json.loads(out)["fills"]] == ["0", "1"]
    assert json.loads((await ctl("metrics", "--json"))[1]) == {"inputs": 3}
    assert ctl.daemon.port.commands == []


async def test_stop_and_log_level(ctl: Operator) -> None:
    assert (await ctl("stop", "--keep-orders"))[0] == 0
    assert [cancels for _, cancels in ctl.daemon.port.stops] == [False]
    code, out, _ = await ctl("log-level", "--json")
    assert (code, set(json.loads(out))) == (0, {"level"})


async def test_a_command_the_core_refuses_ends_with_4(ctl: Operator) -> None:
    ctl.daemon.port.accepts = False
    assert await ctl("resume") == (4, "refused: it is so\n", "")
    code, out, _ = await ctl("resume", "--json")
    assert (code, json.loads(out)["accepted"]) == (4, False)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("flatten",), 2, "or say all"),
        (("pause", "--strategy", "smx"), 2, "there is no strategy 'smx': known are sma"),
        (("orders", "--account", "x"), 2, "there is no account 'x': known are paper"),
        (("checkpoint",), 1, "the disk is full: free some space"),
    ],
)
async def test_a_mistake_ends_with_its_code_and_one_sentence(
    ctl: Operator, words: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = await ctl(*words)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert err.startswith("tickerd ctl: ")
    found, out, _ = await ctl(*words, "--json")
    answer: dict[str, Any] = json.loads(out)
    assert answer["exit_code"] == found == code
    assert message in answer["error"]


async def test_an_answer_that_does_not_come_ends_with_6(ctl: Operator) -> None:
    ctl.daemon.port.gate = asyncio.Event()
    code, _, err = await ctl("pause", "--timeout", "0.05")
    assert code == 6
    assert "may still take effect" in err


def test_without_a_daemon_it_ends_with_1_and_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ctl", "status", "--state", str(tmp_path)]) == 1
    assert "no daemon runs on the state folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["panic"], "invalid choice: 'panic'"),
        (["status", "--account", "x"], "unrecognized arguments"),
        (["pause", "--timeout", "0"], "'0' is not a number of seconds greater than 0"),
        (["log-level", "loud"], "invalid choice: 'loud'"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ctl", *words])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


async def test_differences_are_shown_and_answered(ctl: Operator) -> None:
    code, out, _ = await ctl("reconcile", "show")
    assert (code, "d1" in out, "balance" in out) == (0, True, True)
    for verdict in ("accept", "reject", "undo"):
        assert (await ctl("reconcile", verdict, "d1"))[0] == 0
    assert [
        (command.difference_id, command.verdict)
        for command in ctl.daemon.port.commands
        if isinstance(command, ResolveDifference)
    ] == [("d1", "accept"), ("d1", "reject"), ("d1", "undo")]
    code, _, err = await ctl("reconcile", "accept")
    assert (code != 0, "reconcile show" in err) == (True, True)


async def test_an_order_is_settled_by_hand_with_evidence(ctl: Operator) -> None:
    words = ("--as", "filled", "--price", "100.5", "--evidence", "seen on the web page")
    assert (await ctl("orders", "resolve", "TTEST00010000001", *words))[0] == 0
    (command,) = ctl.daemon.port.commands
    assert isinstance(command, ResolveOrder)
    assert (command.client_order_id, command.outcome, command.price, command.evidence) == (
        "TTEST00010000001", "filled", Decimal("100.5"), "seen on the web page",
    )  # fmt: skip
    code, _, err = await ctl("orders", "resolve", "TTEST00010000001")
    assert (code != 0, "--as" in err) == (True, True)


async def test_an_order_or_a_holding_that_is_not_in_the_books_is_given_to_a_strategy(ctl: Operator) -> None:
    words = ("--strategy", "sma", "--evidence", "the log")
    assert (await ctl("assign", "28", *words))[0] == 0
    holding = ("assign", "BTCUSDT@binance", "--quantity", "0.5", "--price", "60000")
    assert (await ctl(*holding, *words))[0] == 0
    assert (await ctl("assign", "BTCUSDT@binance", "--from", "gone", *words))[0] == 0
    order, lot, position = ctl.daemon.port.commands
    assert isinstance(position, AssignPosition)
    assert (position.instrument, position.former, position.scope.strategy) == (
        "BTCUSDT@binance",
        "gone",
        "sma",
    )
    assert isinstance(order, AssignOrder)
    assert (order.reference, order.scope.strategy, order.evidence) == ("28", "sma", "the log")
    assert isinstance(lot, AssignHolding)
    assert (lot.instrument, lot.quantity, lot.price) == ("BTCUSDT@binance", Decimal("0.5"), Decimal(60000))
    code, out, _ = await ctl("assign")
    assert (code, "28" in out) == (0, True)
    for wrong, word in (
        (("28",), "--strategy"),
        (("BTCUSDT@binance", "--quantity", "0.5", *words), "--price"),
    ):
        code, _, err = await ctl("assign", *wrong)
        assert (code != 0, word in err) == (True, True)
