"""The contracts we trade, asked from IB once and kept: by our name and by IB's number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

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

log = structlog.get_logger(__name__)

NO_CONTRACT = 200


class Directory:
    """Filled as names are asked for; what a name stands for stays so for the life of the process."""

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

    async def refresh(self) -> None:
        """Ask for all details anew, of the very contracts that are known: hours are told for a week only.

        Raises:
            VenueUnreachable, RequestFailed: What is known stays as it is.
        """
        library = self._session.library
        assert library is not None
        for symbol, known in list(self._by_symbol.items()):
            contract = library.Contract(conId=known.contract.conId, exchange=known.contract.exchange)
            found = await self._details(symbol, contract)
            if len(found) == 1:
                await self._take(symbol, found[0])
            else:
                log.warning("contract is not listed any more", symbol=symbol, con_id=known.contract.conId)

    async def _add(self, symbol: str) -> None:
        library = self._session.library
        assert library is not None
        wanted = contract_from(spec_of(symbol, self._configured), library)
        await self._take(symbol, one_of(symbol, await self._details(symbol, wanted)))

    async def _take(self, symbol: str, details: Any) -> None:
        found = listed(symbol, self._session.venue, details, await self._steps_of(details))
        self._by_symbol[symbol] = self._by_con_id[details.contract.conId] = found

    async def _details(self, symbol: str, wanted: Any) -> list[Any]:
        session = self._session
        try:
            answers = await session.ask(
                f"contract {symbol}",
                "contractDetailsEnd",
                lambda number: session.client.reqContractDetails(number, wanted),
            )
        except RequestFailed as error:
            if error.code != NO_CONTRACT:
                raise
            return []
        return [values[0] for values in answers]

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
