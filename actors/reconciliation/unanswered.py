"""Orders of whose fills a venue's statement may know more than our books. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.messages.orders import OrderOutcomeUnknown, SubmitOrder
from actors.model.instrument import Instrument


class Unanswered:
    """Orders that the venue has not named yet, and those of unknown outcome."""

    def __init__(self) -> None:
        self.unknown: dict[str, tuple[str, str]] = {}
        """Order → account and instrument."""
        self.submitted: dict[str, tuple[str, str, int]] = {}
        """The same, and the seq at which it was sent."""

    def sent(self, submit: SubmitOrder, seq: int) -> None:
        """An order is on its way."""
        terms = submit.terms
        self.submitted[terms.client_order_id] = (terms.account, terms.instrument, seq)

    def lost(self, fact: OrderOutcomeUnknown) -> None:
        """Nobody knows what became of it."""
        self.submitted.pop(fact.client_order_id, None)
        self.unknown[fact.client_order_id] = (fact.account, fact.instrument)

    def named(self, client_order_id: str, *, is_settled: bool) -> None:
        """The venue has spoken of it: its fills find it from now on."""
        self.submitted.pop(client_order_id, None)
        if is_settled:
            self.unknown.pop(client_order_id, None)

    def may_explain(
        self, instruments: Sequence[Instrument], account: str, asset: str, *, asked_seq: int
    ) -> bool:
        """Whether one of these orders may have moved the asset in a statement that was asked for then.

        An order sent after the question is not looked at: somebody who always trades would never be judged.
        """
        traded = any(asset in (each.base, each.quote) for each in instruments)
        for owner, name in self._before(asked_seq):
            if owner != account:
                continue
            instrument = next((each for each in instruments if each.id == name), None)
            # A fee may be taken from any asset that is not traded here.
            if not traded or instrument is None or asset in (instrument.base, instrument.quote):
                return True
        return False

    def _before(self, asked_seq: int) -> Iterator[tuple[str, str]]:
        yield from self.unknown.values()
        for account, instrument, seq in self.submitted.values():
            if seq <= asked_seq:
                yield account, instrument
