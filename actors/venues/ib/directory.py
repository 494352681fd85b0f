"""The contracts we trade, asked from IB once and kept: by our name and by IB's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors.venues.ib.contracts import (
    ContractSpec,
    Listed,
    contract_from,
    listed,
    one_of,
    rule_id_of,
    spec_of,
)
from actors.venues.ib.reasons import RequestFailed
from actors.venues.ib.session import Session

NO_CONTRACT = 200


class Directory:
    """Filled as names are asked for; what is in it stays for the life of the process."""

    def __init__(self, session: Session, configured: Mapping[str, ContractSpec]) -> None:
        self._session = session
        self._configured = configured
        self._by_symbol: dict[str, Listed] = {}
        self._by_con_id: dict[int, Listed] = {}
        self._steps: dict[int, tuple[float, ...]] = {}

    async def find(self, symbols: Sequence[str]) -> list[Listed]:
        """In the order asked for, from the cache where they are there.

        Raises:
            VenueUnreachable: No answer.
            ConfigError: A name that stands for no contract, or for more than one.
        """
        for symbol in symbols:
            if symbol not in self._by_symbol:
                await self._add(symbol)
        return [self._by_symbol[symbol] for symbol in symbols]

    def of(self, symbol: str) -> Listed | None:
        """If it has been asked for before."""
        return self._by_symbol.get(symbol)

    def by_con_id(self, con_id: int) -> Listed | None:
        """What an order or a position is about; None for what we do not trade."""
        return self._by_con_id.get(con_id)

    def forget_hours(self) -> None:
        """Ask for details anew when they are needed next: hours are told for a week only."""
        self._by_symbol.clear()

    async def _add(self, symbol: str) -> None:
        session = self._session
        library = session.library
        assert library is not None
        wanted = contract_from(spec_of(symbol, self._configured), library)
        try:
            answers = await session.ask(
                f"contract {symbol}",
                "contractDetailsEnd",
                lambda number: session.client.reqContractDetails(number, wanted),
            )
        except RequestFailed as error:
            if error.code != NO_CONTRACT:
                raise
            answers = []
        details = one_of(symbol, [values[0] for values in answers])
        found = listed(symbol, session.venue, details, await self._steps_of(details))
        self._by_symbol[symbol] = self._by_con_id[details.contract.conId] = found

    async def _steps_of(self, details: Any) -> tuple[float, ...]:
        rule_id = rule_id_of(details)
        if rule_id is None:
            return ()
        if rule_id not in self._steps:
            session = self._session
            answers = await session.ask(
                f"market rule {rule_id}",
                "marketRule",
                lambda number: session.client.reqMarketRule(rule_id),
                number=-1_000_000 - rule_id,
            )
            self._steps[rule_id] = tuple(band.increment for band in answers[0][0])
        return self._steps[rule_id]
