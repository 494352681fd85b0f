"""Positions with their average cost, and the values TWS shows of an account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.model.contracts import Contracts, restate
from actors.venues.simulated.engine import MatchingEngine
from daemon.exchange.ib.contracts import Catalogue, Contract
from daemon.exchange.ib.orders import Execution, IbOrder
from daemon.exchange.market_data.market import SymbolMarket

ZERO = Decimal(0)
BASE = "USD"


class Realised(NamedTuple):
    """What an execution has realised."""

    net: Decimal | None
    """After fees; None when it has closed nothing."""
    gross: Decimal


class Holding(msgspec.Struct):
    """One contract of one account."""

    contract: Contract
    quantity: Decimal = ZERO
    """Signed."""
    cost: Decimal = ZERO
    """Of all of it, fees included, signed like the quantity."""
    value: Decimal = ZERO
    """The same without fees."""
    realized: Decimal = ZERO

    @property
    def average_cost(self) -> Decimal:
        """Of one contract, multiplier and fees included."""
        return self.cost / self.quantity if self.quantity else ZERO


class Holdings:
    """All accounts."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._held: dict[tuple[str, int], Holding] = {}

    def of(self, account: str) -> list[Holding]:
        """Everything ever held, what is closed included, in the order it came."""
        return [holding for (name, _), holding in self._held.items() if name == account]

    def open(self, account: str, contract: Contract, quantity: Decimal) -> None:
        """Held from before."""
        price = Decimal(str(contract.listing.start_price))
        cost = quantity * price * contract.instrument.multiplier
        self._held[account, contract.con_id] = Holding(contract, quantity, cost, cost)

    def fill(self, order: IbOrder, quantity: Decimal, price: Decimal, fee: Decimal) -> Realised:
        """Take an execution in."""
        holding = self._held.setdefault((order.account, order.contract.con_id), Holding(order.contract))
        signed = quantity if order.is_buy else -quantity
        value = signed * price * order.contract.instrument.multiplier
        closing = ZERO
        if holding.quantity and (holding.quantity > 0) != (signed > 0):
            closing = min(abs(signed), abs(holding.quantity))
        if not closing:
            holding.quantity += signed
            holding.cost += value + fee
            holding.value += value
            return Realised(None, ZERO)
        share = closing / abs(holding.quantity)
        cost_out, value_out = holding.cost * share, holding.value * share
        taken = value * closing / abs(signed)
        net = -taken - cost_out - fee
        holding.quantity += signed
        holding.cost += value - taken - cost_out
        holding.value += value - taken - value_out
        holding.realized += net
        return Realised(net, -taken - value_out)

    def correct(self, engine: MatchingEngine, old: Execution, new: Execution) -> dict[str, Decimal]:
        """An execution is stated anew; returns what that has moved, by asset."""
        order, was, becomes = old.order, old.signed, new.signed
        instrument, multiplier = order.contract.instrument, order.contract.instrument.multiplier
        holding = self._held[order.account, order.contract.con_id]
        held = Contracts(holding.quantity, holding.value / multiplier)
        after, gained = restate(held, was.quantity, was.price, becomes.quantity, becomes.price)
        worth = after.cost * multiplier - holding.value
        holding.quantity, holding.value = after.quantity, holding.value + worth
        holding.cost += worth + becomes.fee - was.fee
        holding.realized += gained * multiplier
        before = engine.balances(order.account)
        engine.restate(order.account, instrument.id, was, becomes)
        return {
            asset: balance.total - (before[asset].total if asset in before else ZERO)
            for asset, balance in engine.balances(order.account).items()
        }

    def values(
        self, account: str, engine: MatchingEngine, markets: Mapping[str, SymbolMarket]
    ) -> list[tuple[str, str, str]]:
        """(tag, value, currency) as account updates show them."""
        cash = {asset: balance.total for asset, balance in engine.balances(account).items()}
        currencies = [name for name in cash if name in (BASE, "EUR")]
        total_cash = sum((cash[name] * self._rate(name, markets) for name in currencies), ZERO)
        stocks = ZERO
        for holding in self.of(account):
            if holding.contract.sec_type != "CASH":
                stocks += holding.quantity * mark(holding.contract, markets)
        net = total_cash + stocks
        rows = [
            ("AccountCode", account, ""),
            ("AccountType", "INDIVIDUAL", ""),
            ("NetLiquidation", f"{net:.2f}", BASE),
            ("TotalCashValue", f"{total_cash:.2f}", BASE),
            ("AvailableFunds", f"{max(total_cash, ZERO):.2f}", BASE),
            ("BuyingPower", f"{max(total_cash, ZERO):.2f}", BASE),
            ("GrossPositionValue", f"{abs(stocks):.2f}", BASE),
            ("EquityWithLoanValue", f"{net:.2f}", BASE),
        ]
        for name in currencies:
            rows += [("CashBalance", f"{cash[name]:f}", name), ("TotalCashBalance", f"{cash[name]:f}", name)]
        rows += [("CashBalance", f"{total_cash:f}", "BASE"), ("TotalCashBalance", f"{total_cash:f}", "BASE")]
        return rows

    def _rate(self, currency: str, markets: Mapping[str, SymbolMarket]) -> Decimal:
        if currency == BASE:
            return Decimal(1)
        contract = self._catalogue.by_symbol.get(f"{currency}.{BASE}")
        return mark(contract, markets) if contract is not None else ZERO


def mark(contract: Contract, markets: Mapping[str, SymbolMarket]) -> Decimal:
    """What one contract is worth now, multiplier included."""
    top = markets[contract.listing.symbol].top
    price = (
        (Decimal(top.bid_price) + Decimal(top.ask_price)) / 2
        if top is not None
        else Decimal(str(contract.listing.start_price))
    )
    return price * contract.instrument.multiplier
