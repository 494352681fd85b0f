"""The decision about one order: states first, then every rule; what passes is reserved at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from actors.core.market import MarketBoard
from actors.messages.control import Scope
from actors.messages.orders import (
    ApprovedOrder,
    ApprovedReplace,
    OrderDenied,
    OrderIntent,
    OrderTerms,
    ReplaceRequest,
)
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.model.venue_rules import PLAIN_OFFER, Offer
from actors.risk.exposure import Exposure
from actors.risk.limits import RiskLimits
from actors.risk.rate import OrderTimes
from actors.risk.rules import (
    Bounds,
    Candidate,
    Refusal,
    Rule,
    bounds_of,
    first_refusal,
    is_reduction,
    mark_of,
    rules_for,
    worst_price,
)
from actors.risk.states import Action, Hold, States
from actors.views.definition import definition_of
from actors.views.open_orders import OpenOrder
from actors.views.special_terms import successor_of_trail
from actors.views.terms import ORDER_ID_NOT_NEW, fault_in_terms


class RiskAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one account."""

    limits: RiskLimits
    base_currency: str
    """What gross exposure is expressed in."""
    is_cash_account: bool
    """No short positions, nothing bought on credit."""
    instruments: tuple[str, ...]
    """Configured to be traded here."""
    time_zone: str = "UTC"
    """Where the account's day begins at midnight."""
    offer: Offer = PLAIN_OFFER
    """Which orders the account's venue takes."""
    answers_margin: bool = False
    """Whether the account's venue says beforehand what an order would do to the margin."""
    live_id: str | None = None
    """The venue's account id where orders are real; None for paper and testnet."""


Decision = ApprovedOrder | OrderDenied


class Gate:
    """All that a decision needs."""

    def __init__(
        self,
        accounts: Mapping[str, RiskAccount],
        strategies: Mapping[str, str],
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._accounts = dict(accounts)
        self._bounds: dict[str, Bounds] = {}
        self._rules: dict[str, tuple[Rule, ...]] = {}
        for name, account in accounts.items():
            self.use_limits(name, account.limits)
        self._strategies = dict(strategies)
        self.instruments = dict(instruments)
        self.states = States()
        self.exposure = Exposure(instruments)
        self.order_times = OrderTimes()
        self.goals: dict[Scope, str] = {}
        """Standing flatten goals with the command that set each."""

    def use_limits(self, account: str, limits: RiskLimits) -> None:
        """These are in force from now on, and with them the rules that ask about them."""
        settings = self._accounts[account]
        self._bounds[account] = bounds_of(limits, settings.base_currency, settings.instruments)
        self._rules[account] = rules_for(
            limits, is_cash_account=settings.is_cash_account, offer=settings.offer
        )

    def take(self, terms: OrderTerms, now: int, market: MarketBoard) -> Refusal | None:
        """Reserve an order, or say why not."""
        candidate = self._candidate(terms, terms.quantity, None, now, market)
        if isinstance(candidate, Refusal):
            return candidate
        if terms.client_order_id in self.exposure.orders.by_id:
            return Refusal(ORDER_ID_NOT_NEW, f"order={terms.client_order_id}")
        is_reducing = candidate.is_reduction and self._reduces_own(terms)
        refusal = self._obstacle(candidate, "reduce" if is_reducing else "new")
        if refusal is not None:
            return refusal
        for rule in self._rules[terms.account]:
            refusal = rule(candidate)
            if refusal is not None:
                return refusal
        self.exposure.reserve(terms, candidate.price if candidate.price is not None else ZERO)
        if terms.replaces is None:  # the second half of a replace was counted with the first
            self.order_times.add(terms.account, now)
        return None

    def decide(self, intent: OrderIntent, now: int, market: MarketBoard) -> Sequence[Decision]:
        """Approve or deny an order; the orders of a bracket all, or none."""
        terms = intent.terms
        if intent.children:
            return self._decide_bracket((terms, *intent.children), intent.mid_price, now, market)
        refusal = self.take(terms, now, market)
        if refusal is not None:
            return (denial(now, terms.client_order_id, terms, refusal),)
        return (ApprovedOrder(ts_event=now, terms=terms, mid_price=intent.mid_price),)

    def _decide_bracket(
        self, family: Sequence[OrderTerms], mid_price: float | None, now: int, market: MarketBoard
    ) -> list[Decision]:
        for place, terms in enumerate(family):
            refusal = self.take(terms, now, market)
            if refusal is None:
                continue
            for taken in family[:place]:
                self.exposure.drop(taken.client_order_id)
                self.order_times.take_back(taken.account, now)
            return [*family_denials(now, family, terms, refusal)]
        return [ApprovedOrder(ts_event=now, terms=terms, mid_price=mid_price) for terms in family]

    def release(self, terms: OrderTerms, taken_at: int) -> None:
        """An order that was reserved then, and has not left, reserves nothing any more."""
        self.exposure.drop(terms.client_order_id)
        if terms.replaces is None:
            self.order_times.take_back(terms.account, taken_at)

    def release_replace(self, request: ReplaceRequest, account: str, taken_at: int) -> None:
        """The same of new terms: the order counts as it is."""
        self.exposure.back_to_terms(request.client_order_id)
        self.order_times.take_back(account, taken_at)

    def asks_margin(self, terms: OrderTerms, now: int, market: MarketBoard) -> bool:
        """Whether the venue has to be asked before this order leaves; reductions free margin."""
        if not self._checks_margin(terms.account):
            return False
        candidate = self._candidate(terms, terms.quantity, None, now, market)
        return not isinstance(candidate, Refusal) and not candidate.is_reduction

    def replace_asks_margin(
        self, request: ReplaceRequest, now: int, market: MarketBoard
    ) -> OrderTerms | None:
        """What the venue has to be asked about before an order becomes larger or dearer; None for nothing."""
        order = self.exposure.orders.get(request.client_order_id)
        if order is None or order.is_terminal or not self._checks_margin(order.terms.account):
            return None
        terms, remainder = _successor(order, request), request.quantity - order.filled
        candidate = self._candidate(terms, remainder, request.client_order_id, now, market)
        if isinstance(candidate, Refusal) or candidate.is_reduction:
            return None
        present = self.exposure.worst(request.client_order_id)
        is_larger = request.quantity > present.quantity
        if not is_larger and candidate.price is not None and candidate.price <= present.price:
            return None
        return msgspec.structs.replace(terms, quantity=remainder)

    def _checks_margin(self, account: str) -> bool:
        settings = self._accounts.get(account)
        return settings is not None and settings.answers_margin and self._bounds[account].limits.margin_check

    def limits_of(self, account: str) -> RiskLimits:
        """In force."""
        return self._bounds[account].limits

    def obstacle(self, terms: OrderTerms, action: Action) -> Hold | None:
        """The state that has closed the gate to this order since it was taken; None while it is open."""
        if not self.states.holds:
            return None
        is_flattening = terms.reduce_only and self._is_in_goal(terms)
        return self.states.obstacle(terms.account, terms.strategy, terms.instrument, action, is_flattening)

    def take_recovered(self, terms: OrderTerms, market: MarketBoard) -> None:
        """Reserve an order that was approved in a life of which only the record is left."""
        candidate = self._candidate(terms, terms.quantity, None, 0, market)
        price = None if isinstance(candidate, Refusal) else candidate.price
        self.exposure.reserve(terms, price or terms.price or ZERO)

    def take_replace(self, request: ReplaceRequest, now: int, market: MarketBoard) -> Refusal | None:
        """Reserve the worse of old and new terms, or say why not."""
        order = self.exposure.orders.get(request.client_order_id)
        if order is None or order.is_terminal:
            return Refusal("ORDER_NOT_OPEN", f"order={request.client_order_id}")
        terms = _successor(order, request)
        open_quantity = request.quantity - order.booked
        candidate = self._candidate(terms, open_quantity, request.client_order_id, now, market)
        if isinstance(candidate, Refusal):
            return candidate
        refusal = self._replace_refusal(candidate, order)
        if refusal is None:
            price = candidate.price if candidate.price is not None else ZERO
            self.exposure.reserve_replace(request.client_order_id, request.quantity, price)
            self.order_times.add(terms.account, now)
        return refusal

    def _replace_refusal(self, candidate: Candidate, order: OpenOrder) -> Refusal | None:
        terms = candidate.terms
        if order.is_unknown:
            return Refusal("ORDER_OUTCOME_UNKNOWN", f"order={order.terms.client_order_id}")
        if self.exposure.is_replacing(order.terms.client_order_id):
            # The refusal of a second one would end the reservation for the first.
            return Refusal("REPLACE_UNDER_WAY", f"order={order.terms.client_order_id}")
        if terms.client_order_id in self.exposure.orders:
            return Refusal(ORDER_ID_NOT_NEW, f"order={terms.client_order_id}")
        if terms.quantity <= order.filled:
            return Refusal("REPLACE_BELOW_FILLED", f"quantity={terms.quantity}, filled={order.filled}")
        fault = fault_in_terms(terms, candidate.instrument, candidate.market.mark_price(terms.instrument))
        if fault is not None:
            return Refusal(*fault)
        rules = self._rules[terms.account]
        return self._obstacle(candidate, "replace") or first_refusal(rules, candidate)

    def _candidate(
        self, terms: OrderTerms, open_quantity: Decimal, replaces: str | None, now: int, market: MarketBoard
    ) -> Candidate | Refusal:
        account = self._accounts.get(terms.account)
        instrument = definition_of(terms.instrument, self.instruments, market)
        if account is None:
            return Refusal("ACCOUNT_NOT_CONFIGURED", f"account={terms.account}")
        if instrument is None:
            return Refusal("INSTRUMENT_NOT_ALLOWED", f"instrument={terms.instrument}")
        name, exposure = terms.instrument, self.exposure
        bounds = self._bounds[terms.account]
        position = exposure.holdings.account_position(terms.account, name)
        group = None if terms.special is None else terms.special.exclusive_group
        sides = exposure.open_sides(terms.account, name, without=replaces, beside=group)
        if group is not None:
            open_quantity = max(open_quantity, exposure.group_quantity(terms, replaces))
        mark = mark_of(name, market)
        in_window = self.order_times.within(terms.account, now, bounds.rate_window_ns)
        if in_window and terms.replaces is not None and replaces is None:
            in_window -= 1  # the second half of a replace was counted with the first
        return Candidate(
            terms=terms,
            instrument=instrument,
            bounds=bounds,
            open_quantity=open_quantity,
            replaces=replaces,
            mark=mark,
            price=worst_price(terms, mark, bounds.market_factor, market),
            position=position,
            sides=sides,
            is_reduction=is_reduction(terms.side, open_quantity, position, sides),
            is_flattening=terms.reduce_only and self._is_in_goal(terms),
            orders_in_window=in_window,
            now=now,
            market=market,
            exposure=exposure,
        )

    def _is_in_goal(self, terms: OrderTerms) -> bool:
        return any(scope.covers(terms.account, terms.strategy, terms.instrument) for scope in self.goals)

    def _reduces_own(self, terms: OrderTerms) -> bool:
        """A reduction of the account must not open a position of its strategy against another's."""
        own = self.exposure.holdings.position(terms.account, terms.strategy, terms.instrument)
        group = None if terms.special is None else terms.special.exclusive_group
        sides = self.exposure.open_sides(
            terms.account, terms.instrument, strategy=terms.strategy, beside=group
        )
        quantity = terms.quantity
        if group is not None:
            quantity = max(quantity, self.exposure.group_quantity(terms, None))
        return is_reduction(terms.side, quantity, own, sides)

    def _obstacle(self, candidate: Candidate, action: Action) -> Refusal | None:
        terms = candidate.terms
        if action != "reduce" and self._strategies.get(terms.strategy) != terms.account:
            return Refusal("STRATEGY_NOT_CONFIGURED", f"strategy={terms.strategy}, account={terms.account}")
        hold = self.obstacle(terms, action)
        return None if hold is None else closed_by(hold, action)


def closed_by(hold: Hold, action: Action) -> Refusal:
    """What a state says to an order that it does not let through."""
    code = "ORDER_OUTCOME_UNKNOWN" if hold.cause == "unknown" else f"STATE_{hold.state.upper()}"
    return Refusal(code, f"action={action}, scope={hold.scope}, reason={hold.reason}")


def _successor(order: OpenOrder, request: ReplaceRequest) -> OrderTerms:
    terms = msgspec.structs.replace(
        order.terms,
        client_order_id=request.new_client_order_id,
        quantity=request.quantity,
        price=request.price,
        stop_price=request.stop_price,
        replaces=request.client_order_id,
    )
    return successor_of_trail(terms, request.trail)


def denial(now: int, client_order_id: str, terms: OrderTerms | None, refusal: Refusal) -> OrderDenied:
    """What is told; account and so on are empty when the order to replace is not known here any more."""
    return OrderDenied(
        ts_event=now,
        client_order_id=client_order_id,
        account=terms.account if terms is not None else "",
        strategy=terms.strategy if terms is not None else "",
        instrument=terms.instrument if terms is not None else "",
        code=refusal.code,
        figures=refusal.figures,
    )


def family_denials(
    now: int, family: Sequence[OrderTerms], refused: OrderTerms, refusal: Refusal
) -> Iterator[OrderDenied]:
    """One order was refused, and with it its bracket."""
    figures = f"order={refused.client_order_id}, code={refusal.code}, {refusal.figures}"
    others = Refusal("BRACKET_REFUSED", figures)
    for each in family:
        is_refused = each.client_order_id == refused.client_order_id
        yield denial(now, each.client_order_id, each, refusal if is_refused else others)


def approved_replace(now: int, request: ReplaceRequest) -> ApprovedReplace:
    """A request that has passed."""
    return ApprovedReplace(
        ts_event=now,
        client_order_id=request.client_order_id,
        new_client_order_id=request.new_client_order_id,
        quantity=request.quantity,
        price=request.price,
        stop_price=request.stop_price,
        trail=request.trail,
    )
