"""The check that can run the core: the state folder's files, and the recovered ledger's trial balance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.errors import ConfigError, TradingError
from actors.store.check import Checked, Fault, check
from actors.store.database import newest_checkpoint
from actors.store.export import Books, plain
from actors.store.layout import list_parts, tape_folder
from actors.store.rerun import decode_snapshot
from actors.strategies.recorded import AbsentStrategy
from daemon.graph import Core
from daemon.startup import core_of_head, read_core
from daemon.tape_configuration import from_tape_configuration


def check_all(state: Path) -> Checked:
    """Check everything, the books last.

    Raises:
        StoreError: There is nothing to check.
    """
    found = check(state)
    if found.state_of("tape") == "ok":
        _check_books(state, found)
    return found


def _check_books(state: Path, found: Checked) -> None:
    try:
        core = _core(state, found)
    except (TradingError, msgspec.ValidationError, ValueError) as error:
        found.faults.append(
            Fault("books", f"seq {found.tape.last_seq}", f"they cannot be recovered: {error}")
        )
        return
    found.checked.append("books")
    found.faults.extend(unbalanced(core.ledger, core.sequencer.seq))


def unbalanced(books: Books, seq: int) -> Iterator[Fault]:
    """Accounts and assets whose debits are not their credits, as the books stand after an input."""
    for account in books.accounts():
        for asset, amount in books.trial_balance(account).items():
            if amount:
                what = f"debits and credits differ by {plain(amount)}"
                yield Fault("books", f"account {account}, {asset}, after seq {seq}", what)


def _core(state: Path, found: Checked) -> Core:
    """The core at the tape's end; without the strategies' code, at the newest state that is kept."""
    try:
        core = read_core(state)
        assert core is not None, "there is a tape"
        return core
    except ConfigError as error:
        found.notes.append(
            f"the books are those of the newest checkpoint, for the tail cannot be run: {error}"
        )
    head = list_parts(tape_folder(state))[-1].head
    strategies = from_tape_configuration(head.config)[0].strategies
    core = core_of_head(head, classes=dict.fromkeys(strategies, AbsentStrategy), changed=strategies)
    checkpoint = newest_checkpoint(state, after_seq=head.previous_seq)
    core.sequencer.restore(decode_snapshot(checkpoint.snapshot if checkpoint else head.snapshot))
    return core
