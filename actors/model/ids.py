"""Client order ids: `T` + 4 store id + 4 epoch + 7 counter, fixed-width base36, 16 characters."""

from __future__ import annotations

import msgspec

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)
EPOCH_ZERO_S = 1_735_689_600  # 2025-01-01T00:00:00Z
EPOCH_PERIOD_S = 300


def base36(number: int, width: int) -> str:
    """Fixed-width, upper case, zero-padded.

    Raises:
        OverflowError: The number needs more than `width` digits, or is negative.
    """
    if number < 0 or number >= 36**width:
        raise OverflowError(f"{number} does not fit into {width} base36 digits")
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def next_epoch(last_epoch: int, now_ns: int) -> int:
    """max(last + 1, five-minute periods since 2025): unique even when the state folder was rolled back."""
    return max(last_epoch + 1, (now_ns // 1_000_000_000 - EPOCH_ZERO_S) // EPOCH_PERIOD_S)


class IdState(msgspec.Struct, array_like=True):
    """Everything an id is made of, as checkpoints keep it."""

    store_id: str
    epoch: int
    counter: int


class ClientOrderIds:
    """Hands out ids that no other process life and no other store has ever used."""

    def __init__(self, *, store_id: str, epoch: int, counter: int = 0) -> None:
        if len(store_id) != 4 or any(c not in _DIGITS for c in store_id):
            raise ValueError(f"a store id is four base36 digits, not {store_id!r}")
        self._store_id = store_id
        self.begin(epoch, counter)

    def begin(self, epoch: int, counter: int = 0) -> None:
        """Start a new process life."""
        self._epoch = epoch
        self._counter = counter
        self._prefix = f"T{self._store_id}{base36(epoch, 4)}"
        self._high = -1
        self._front = ""
        """Prefix and the digits of `_high`: all but the last two, which change seldom."""

    def take_over(self, store_id: str) -> None:
        """Go on as another store: a folder restored from a backup never makes an id of its former one."""
        self._store_id = store_id
        self.begin(self._epoch, self._counter)

    def next(self) -> str:
        """A fresh id."""
        self._counter += 1
        high, low = divmod(self._counter, len(_PAIRS))
        if high != self._high:
            self._high, self._front = high, self._prefix + base36(high, 5)
        return self._front + _PAIRS[low]

    def is_ours(self, client_order_id: str) -> bool:
        """Whether this store, in any of its lives, could have made the id."""
        return len(client_order_id) == 16 and client_order_id.startswith(f"T{self._store_id}")

    def snapshot(self) -> IdState:
        """State for the checkpoint."""
        return IdState(self._store_id, self._epoch, self._counter)

    def restore(self, state: IdState) -> None:
        """Take a checkpoint's state."""
        self._store_id = state.store_id
        self.begin(state.epoch, state.counter)


def looks_like_tickerd(client_order_id: str) -> bool:
    """Whether some tickerd made this id: ours or another's."""
    return (
        len(client_order_id) == 16
        and client_order_id[0] == "T"
        and all(c in _DIGITS for c in client_order_id)
    )


PANIC_PREFIX = "panic-"
"""Of orders sent by `tickerd panic`: the operator's own, in no book of ours, and never taken for a `T` id."""


def panic_order_id(now_ms: int, number: int) -> str:
    """Id of the n-th order of one panic."""
    return f"{PANIC_PREFIX}{now_ms}-{number}"


def is_panic_id(client_order_id: str) -> bool:
    """Whether `tickerd panic` has sent the order."""
    return client_order_id.startswith(PANIC_PREFIX)
