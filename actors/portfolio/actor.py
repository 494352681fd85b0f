"""Portfolio: turns what strategies want into sized orders.

Reads   Signal, OrderRequest             from strategies
        OrderDenied, order facts, PositionChanged, BalanceChanged, ContractsChanged
        CorporateAction                  a split changes what a share is
        StateChanged, Flatten            when to size again, and when to forget
Writes  OrderIntent                      to risk
        OrderDenied                      what cannot be sized or cannot exist at the venue
        CancelRequest                    to oms: orders of an older signal in the way
State   last signal and target per (strategy, instrument), signal orders under way, holdings
Fails   fatal: an error here must not become an order

An order made from a signal never goes through zero: a reversal closes first and opens when that is booked, so
the closing half also passes where new exposure is shut, and a cash account still gets flat. Signal orders of
one strategy and instrument never work against each other: those on the other side are cancelled first. The
same signal again keeps the quantity it was first sized at while that is held; a share of equity is rebalanced
by every signal. An order that the strategy placed itself, once it fills, supersedes its last signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor
from actors.errors import ConfigError
from actors.messages.account import BalanceChanged, PositionChanged
from actors.messages.clearing import ContractsChanged
from actors.messages.control import Flatten, StateChanged
from actors.messages.corrections import FillCorrected
from actors.messages.market import CorporateAction
from actors.messages.orders import (
    CancelRequest,
    CommandRefused,
    OrderCancelled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderIntent,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReplaced,
    OrderRequest,
    OrderTerms,
    Side,
    Signal,
)
from actors.model.instrument import Instrument
from actors.model.money import ZERO, round_to_lot
from actors.portfolio.sizing import Sizing
from actors.portfolio.target import NoTarget, check_signal, needs_equity, target_quantity, wants_something
from actors.portfolio.wants import Key, Want, Wants, WantsState
from actors.views.definition import definition_of
from actors.views.holdings import Holdings, HoldingsState
from actors.views.open_orders import OpenOrder
from actors.views.terms import ORDER_ID_NOT_NEW, fault_in_bracket, fault_in_terms
from actors.views.valuation import Valuation


class StrategyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where a strategy's orders go and how large they become."""

    account: str
    base_currency: str
    """Of the account; what its equity is expressed in."""
    sizing: Sizing


class PortfolioState(msgspec.Struct, array_like=True):
    """The portfolio as checkpoints keep it."""

    wants: WantsState
    holdings: HoldingsState


class PortfolioActor(CoreActor):
    """Sizes for all strategies."""

    name = "portfolio"
    state_type = PortfolioState

    def __init__(
        self, *, strategies: Mapping[str, StrategyPlan], instruments: Mapping[str, Instrument]
    ) -> None:
        for name, plan in strategies.items():
            if not plan.sizing.amount.is_finite() or plan.sizing.amount <= ZERO:
                raise ConfigError(
                    f"strategies.{name}.sizing.amount is {plan.sizing.amount}: write a number above 0"
                )
        self._plans = dict(strategies)
        self._instruments = dict(instruments)
        self._valuation = Valuation(instruments.values())
        self._wants = Wants()
        self._holdings = Holdings()

    # wishes

    def on_order_request(self, request: OrderRequest) -> None:
        """Pass on an exact wish that can exist."""
        terms, plan = request.terms, self._plans.get(request.terms.strategy)
        instrument = definition_of(terms.instrument, self._instruments, self.market)
        if plan is None or plan.account != terms.account:
            self._deny(
                terms, "STRATEGY_NOT_CONFIGURED", f"strategy={terms.strategy}, account={terms.account}"
            )
            return
        if instrument is None:
            self._deny(terms, "INSTRUMENT_NOT_CONFIGURED", f"instrument={terms.instrument}")
            return
        mark = self.market.mark_price(terms.instrument)
        children = request.children
        fault = fault_in_terms(terms, instrument, mark)
        if children or terms.special is not None:
            fault = fault or fault_in_bracket(terms, children, instrument, mark)
        if fault is not None:
            for each in (terms, *children):
                self._deny(each, *fault)
            return
        self.send(OrderIntent(ts_event=self.now, terms=terms, mid_price=mark, children=children))

    def on_signal(self, signal: Signal) -> None:
        """Size a wanted exposure and go there."""
        plan = self._plans.get(signal.strategy)
        instrument = definition_of(signal.instrument, self._instruments, self.market)
        if plan is None or instrument is None:
            account = plan.account if plan is not None else ""
            self._deny_signal(
                signal,
                account,
                "SIGNAL_INVALID",
                f"strategy={signal.strategy}, instrument={signal.instrument}",
            )
            return
        try:
            check_signal(signal)
        except NoTarget as refused:
            self._deny_signal(signal, plan.account, refused.code, refused.figures)
            return
        want = self._wants.take(signal)
        if want.target is not None:
            key = (signal.strategy, signal.instrument)
            expected = self._holdings.position(plan.account, *key) + self._wants.under_way(key)
            if needs_equity(signal, plan.sizing) or not _same_sign(expected, want.target):
                want.target = None
        self._pursue(want, plan, instrument, is_new=True)

    def _pursue(self, want: Want, plan: StrategyPlan, instrument: Instrument, *, is_new: bool) -> None:
        """Send the order missing between what is held and wanted; refusals are told for new signals."""
        signal = want.signal
        mark = self.market.mark_price(instrument.id)
        if want.target is None:
            try:
                want.target = self._target(signal, plan, instrument, mark)
            except NoTarget as refused:
                if is_new:
                    self._deny_signal(signal, plan.account, refused.code, refused.figures)
                return
        key = (signal.strategy, signal.instrument)
        held = self._holdings.position(plan.account, *key)
        under_way = self._wants.under_way(key)
        expected = held + under_way
        delta = want.target - expected
        if not delta:
            if is_new and not expected and wants_something(signal):
                figures = f"lot_size={instrument.lot_size}"
                self._deny_signal(signal, plan.account, "SIZE_BELOW_LOT", figures)
            return
        if self._cancel_opposed(key, want, delta):
            return
        if held and under_way and not _same_sign(held, want.target):
            want.is_waiting = True  # the closing half of a reversal is still under way
            return
        step = _to_zero_at_most(expected, delta, instrument)
        is_sent = self._order(want, plan, instrument, expected, step, mark, is_new=is_new)
        # a reversal goes on when its closing half is booked
        want.is_waiting = want.is_waiting or (is_sent and step != delta)

    def _target(
        self, signal: Signal, plan: StrategyPlan, instrument: Instrument, mark: float | None
    ) -> Decimal:
        equity: float | None = None
        if needs_equity(signal, plan.sizing):
            rate = self._valuation.price(instrument.quote, plan.base_currency, self.market)
            currency = plan.base_currency
            total = self._valuation.equity(self._holdings, plan.account, currency, self.market)
            equity = total / rate if rate else None
        return target_quantity(signal, plan.sizing, instrument, mark=mark, equity=equity)

    def _cancel_opposed(self, key: Key, want: Want, delta: Decimal) -> bool:
        """Ask open signal orders on the other side to end; True when there are any to wait for."""
        if not self._wants.orders.by_id:
            want.is_waiting = False
            return False
        side: Side = "sell" if delta > ZERO else "buy"
        opposed = [order for order in self._wants.of(key) if order.terms.side == side]
        for order in opposed:
            order_id = order.terms.client_order_id
            if order_id not in self._wants.cancelling and order.remaining:
                self._wants.cancelling[order_id] = None
                self.send(CancelRequest(ts_event=self.now, client_order_id=order_id, reason="a newer signal"))
        want.is_waiting = bool(opposed)
        return bool(opposed)

    def _order(
        self,
        want: Want,
        plan: StrategyPlan,
        instrument: Instrument,
        held: Decimal,
        change: Decimal,
        mark: float | None,
        *,
        is_new: bool,
    ) -> bool:
        """Ask for one market order; False when it would be too small."""
        lots = round_to_lot(abs(change), instrument.lot_size)
        if instrument.quantity_max is not None and lots > instrument.quantity_max:
            lots = round_to_lot(instrument.quantity_max, instrument.lot_size)
            want.is_waiting = True
        if not lots:
            return False  # as close as lots allow
        terms = OrderTerms(
            client_order_id=self.new_order_id(),
            account=plan.account,
            strategy=want.signal.strategy,
            instrument=instrument.id,
            side="buy" if change > ZERO else "sell",
            order_type="market",
            quantity=lots,
            tag=want.signal.tag,
        )
        fault = fault_in_terms(terms, instrument, mark)
        if fault is None:
            self._wants.orders.add(terms)
            self.send(OrderIntent(ts_event=self.now, terms=terms, mid_price=mark))
            return True
        want.is_waiting = False
        if is_new and not _same_sign(held, want.target):
            self._deny(terms, *fault)
        return False

    # what became of orders

    def on_order_denied(self, denied: OrderDenied) -> None:
        """A denied signal is sized anew when its scope becomes active, or with the next signal."""
        if denied.code == ORDER_ID_NOT_NEW:
            return
        order = self._wants.orders.drop(denied.client_order_id)
        if order is None:
            return
        self._wants.closed(order)
        want = self._wants.by_key.get((denied.strategy, denied.instrument))
        if want is not None:
            want.target, want.is_waiting = None, False

    def on_order_fact(
        self,
        fact: OrderFilled
        | OrderCancelled
        | OrderExpired
        | OrderRejected
        | OrderReplaced
        | OrderOutcomeUnknown
        | FillCorrected,
    ) -> None:
        """Follow signal orders."""
        if isinstance(fact, FillCorrected):
            self._wants.orders.correct(fact)
            return
        if isinstance(fact, OrderFilled):
            self._left(self._wants.orders.fill(fact))
            return
        is_unwanted_end = isinstance(fact, OrderRejected | OrderExpired)
        if is_unwanted_end and fact.client_order_id not in self._wants.cancelling:
            # the venue does not want it: going on by ourselves would ask for the same again and again
            want = self._wants.by_key.get((fact.strategy, fact.instrument))
            if want is not None and self._wants.orders.get(fact.client_order_id) is not None:
                want.is_waiting = False
        self._left(self._wants.orders.apply(fact))

    def on_command_refused(self, refused: CommandRefused) -> None:
        """A cancel that did not take place may be asked for again."""
        if refused.command == "cancel":
            self._wants.cancelling.pop(refused.client_order_id, None)

    def on_position_changed(self, change: PositionChanged) -> None:
        """Follow positions; a waiting signal goes on when what was in its way is booked."""
        self._holdings.apply_position(change)
        order_id = change.client_order_id
        if order_id is None or not change.filled_quantity:
            return
        order = self._wants.orders.book(change)
        if order is None and change.filled_quantity < ZERO:  # taken back of an order that is over
            return
        if order is None:
            self._wants.by_key.pop((change.strategy, change.instrument), None)
        else:
            self._left(order)

    def on_balance_changed(self, change: BalanceChanged) -> None:
        """Follow balances."""
        self._holdings.balance_of[change.account, change.asset] = change.total

    def on_contracts_changed(self, change: ContractsChanged) -> None:
        """Follow open derivatives."""
        self._holdings.apply_contracts(change)

    def on_corporate_action(self, action: CorporateAction) -> None:
        """What was first sized in old shares is kept in new ones."""
        self._wants.scale(action)

    def _left(self, order: OpenOrder | None) -> None:
        if order is None or not order.is_terminal or order.filled > order.booked:
            return  # it is not ours, or stays in view
        self._wants.closed(order)
        key = (order.terms.strategy, order.terms.instrument)
        want = self._wants.by_key.get(key)
        if want is None or not want.is_waiting or self._wants.of(key):
            return
        want.is_waiting = False
        instrument = definition_of(key[1], self._instruments, self.market)
        assert instrument is not None, "a signal is only kept for a configured instrument"
        self._pursue(want, self._plans[key[0]], instrument, is_new=True)

    # states

    def on_state_changed(self, change: StateChanged) -> None:
        """Go on with the last signals of a scope that is active again."""
        if change.state != "active":
            return
        for (strategy, instrument), want in list(self._wants.by_key.items()):
            plan = self._plans.get(strategy)
            definition = definition_of(instrument, self._instruments, self.market)
            if plan is None or definition is None:
                continue
            if change.scope.covers(plan.account, strategy, instrument):
                self._pursue(want, plan, definition, is_new=False)

    def on_flatten(self, flatten: Flatten) -> None:
        """What the operator closes is not opened again by an old signal."""
        for strategy, instrument in list(self._wants.by_key):
            plan = self._plans.get(strategy)
            if plan is not None and flatten.scope.covers(plan.account, strategy, instrument):
                del self._wants.by_key[strategy, instrument]

    # sending

    def _deny(self, terms: OrderTerms, code: str, figures: str) -> None:
        self.send(
            OrderDenied(
                ts_event=self.now,
                client_order_id=terms.client_order_id,
                account=terms.account,
                strategy=terms.strategy,
                instrument=terms.instrument,
                code=code,
                figures=figures,
            )
        )

    def _deny_signal(self, signal: Signal, account: str, code: str, figures: str) -> None:
        self.send(
            OrderDenied(
                ts_event=self.now,
                client_order_id=self.new_order_id(),
                account=account,
                strategy=signal.strategy,
                instrument=signal.instrument,
                code=code,
                figures=figures,
            )
        )

    # state

    def snapshot(self) -> PortfolioState:
        """Wants and holdings."""
        return PortfolioState(self._wants.snapshot(), self._holdings.snapshot())

    def restore(self, state: PortfolioState) -> None:
        """Take a checkpoint's state."""
        self._wants.restore(state.wants)
        self._holdings.restore(state.holdings)


def _to_zero_at_most(held: Decimal, delta: Decimal, instrument: Instrument) -> Decimal:
    """The part of a change that does not go through zero; less than a lot is nothing to close first."""
    if abs(held) < instrument.lot_size or not held or _same_sign(held, delta) or abs(delta) <= abs(held):
        return delta
    return -held


def _same_sign(held: Decimal, wanted: Decimal | None) -> bool:
    return bool(held and wanted) and (held > ZERO) == ((wanted or ZERO) > ZERO)
