"""Orders that wait for the venue's word on margin: no rule of ours objects, and nothing has left.

A held order is reserved like an approved one, so that two never pass on the same money, and nothing but an
answer with figures lets it go on: then every rule is asked anew, since an approval is good only in its step.
No answer in time denies it. A state that closes the gate ends it at once: by a cancel where it is halted or
flattened, else by a denial. So a lost line and a restart deny it too, and it is not asked again: by then its
price is old, and whoever wanted it may want it anew. A bracket is held, and ends, whole.

What the venue says of one order does not count others that are approved and not filled. Their margin is
promised: it is added from their approval on, to every answer whose question was asked before they were
booked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from actors.core.actor import CoreActor
from actors.messages.control import CancelAll
from actors.messages.corrections import FillCorrected
from actors.messages.margin import MarginAnswered, MarginDue, MarginFigures, OrderHeld, QueryMargin
from actors.messages.orders import (
    ApprovedOrder,
    CancelRequest,
    CommandRefused,
    OrderAccepted,
    OrderCancelled,
    OrderFact,
    OrderFilled,
    OrderIntent,
    OrderTerms,
    ReplaceRequest,
)
from actors.model.money import ZERO
from actors.risk.gate import Gate, approved_replace, closed_by, denial, family_denials
from actors.risk.margin import Promised, margin_refusal
from actors.risk.rules import Refusal
from actors.risk.states import Action
from actors.views.terms import ORDER_ID_NOT_NEW

SECOND_NS = 1_000_000_000


class Held(msgspec.Struct, frozen=True, array_like=True):
    """One order, or new terms of one, that waits."""

    wish: OrderIntent | ReplaceRequest
    terms: OrderTerms
    """What the venue was asked about, under the id that is answered."""
    asked_seq: int
    asked_at: int
    timer_id: int

    @property
    def ids(self) -> tuple[str, ...]:
        """Every order that a cancel may name to end it."""
        if isinstance(self.wish, ReplaceRequest):
            return self.wish.client_order_id, self.wish.new_client_order_id
        return tuple(terms.client_order_id for terms in family_of(self.wish))


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """What an approved order takes of the margin at most, until the venue's own figures show it."""

    account: str
    margin: Promised
    booked_seq: int | None = None
    """When it was over and booked; questions asked before that may not have counted it."""


class HeldState(msgspec.Struct, array_like=True):
    """Held orders as checkpoints keep them."""

    held: list[Held] = []
    promises: list[tuple[str, Promise]] = []


def family_of(intent: OrderIntent) -> tuple[OrderTerms, ...]:
    """The order, and those of its bracket."""
    return (intent.terms, *intent.children)


class HeldOrders:
    """Answers every wish for the risk actor, at once or when the venue has been heard; sends through it."""

    def __init__(self, core: CoreActor, gate: Gate) -> None:
        self._core, self._gate = core, gate
        self._held: dict[str, Held] = {}
        self._promises: dict[str, Promise] = {}

    def __iter__(self) -> Iterator[Held]:
        yield from self._held.values()

    # wishes

    def decide(self, intent: OrderIntent) -> None:
        """Approve, deny or hold an order; a bracket whole."""
        core, gate = self._core, self._gate
        is_asked = gate.asks_margin(intent.terms, core.now, core.market)  # before it is reserved itself
        answers = gate.decide(intent, core.now, core.market)
        if is_asked and isinstance(answers[0], ApprovedOrder):
            self._hold(intent, intent.terms)
            return
        for answer in answers:
            core.send(answer)

    def decide_replace(self, request: ReplaceRequest) -> None:
        """The same for new terms of an open order; until it is known which hold, the worse ones count."""
        asked = self._gate.replace_asks_margin(request, self._core.now, self._core.market)
        refusal = self._take_replace(request)
        if refusal is not None:
            self._deny_replace(request, refusal)
        elif asked is not None:
            self._hold(request, asked)
        else:
            self._core.send(approved_replace(self._core.now, request))

    def _take_replace(self, request: ReplaceRequest) -> Refusal | None:
        if request.new_client_order_id in self._held:
            return Refusal(ORDER_ID_NOT_NEW, f"order={request.new_client_order_id}")
        return self._gate.take_replace(request, self._core.now, self._core.market)

    def _hold(self, wish: OrderIntent | ReplaceRequest, terms: OrderTerms) -> None:
        core, name = self._core, terms.client_order_id
        due = core.now + int(self._gate.limits_of(terms.account).margin_answer_seconds * SECOND_NS)
        timer_id = core.set_timer(due, MarginDue(ts_event=due, client_order_id=name))
        self._held[name] = Held(wish, terms, core.seq, core.now, timer_id)
        core.send(OrderHeld(ts_event=core.now, terms=terms))
        core.send(QueryMargin(ts_event=core.now, account=terms.account, terms=terms))

    # what ends the wait

    def take_word(self, word: MarginAnswered | MarginDue) -> None:
        """The venue has spoken, or has not in time; what comes later is about nothing."""
        held = self._held.get(word.client_order_id)
        if held is None:
            return
        promised = self._promised_beside(held)
        self._release(held)
        figures, text = None, f"no answer within {(self._core.now - held.asked_at) / SECOND_NS:g} s"
        if isinstance(word, MarginAnswered):
            figures, text = word.figures, word.text
        if figures is None:
            self._refuse(held, Refusal("MARGIN_UNKNOWN", text))
            return
        refusal = margin_refusal(figures, promised, self._gate.limits_of(held.terms.account))
        if refusal is None:
            self._pass(held, figures)
        else:
            self._refuse(held, refusal)

    def cancel(self, command: CancelRequest | CancelAll) -> None:
        """Nobody wants them any more; a replace ends too when its order is to be cancelled."""
        for held in list(self._held.values()):
            terms = held.terms
            if isinstance(command, CancelAll):
                is_meant = command.scope.covers(terms.account, terms.strategy, terms.instrument)
            else:
                is_meant = command.client_order_id in held.ids
            if is_meant:
                self._withdraw(held, f"order={terms.client_order_id}, cancelled while held")

    def follow_states(self) -> None:
        """End what a state no longer lets through."""
        for held in list(self._held.values()):
            action: Action = "replace" if isinstance(held.wish, ReplaceRequest) else "new"
            hold = self._gate.obstacle(held.terms, action)
            if hold is None:
                continue
            refusal = closed_by(hold, action)
            if hold.state == "halted" or hold.cause == "goal":
                self._withdraw(held, refusal.figures)
            else:
                self._release(held)
                self._refuse(held, refusal)

    def follow(self, fact: OrderFact) -> None:
        """New terms that wait have nothing to change once their order has ended or become another."""
        if not self._promises and not self._held:
            return  # every fact of every order passes here
        self.settle(fact.client_order_id)
        if isinstance(fact, OrderAccepted | CommandRefused | FillCorrected):
            return
        if isinstance(fact, OrderFilled) and fact.remaining:
            return
        for held in list(self._held.values()):
            if isinstance(held.wish, ReplaceRequest) and held.wish.client_order_id == fact.client_order_id:
                self._release(held)
                what = f"order={fact.client_order_id}, meanwhile={type(fact).__name__}"
                self._refuse(held, Refusal("ORDER_NOT_OPEN", what))

    # what follows from it

    def _release(self, held: Held) -> None:
        """It waits no longer, and reserves nothing."""
        del self._held[held.terms.client_order_id]
        self._core.cancel_timer(held.timer_id)
        if isinstance(held.wish, ReplaceRequest):
            self._gate.release_replace(held.wish, held.terms.account, held.asked_at)
        else:
            for terms in family_of(held.wish):
                self._gate.release(terms, held.asked_at)
        self._forget_promises()

    def _pass(self, held: Held, figures: MarginFigures) -> None:
        """Every rule once more, at the prices of now."""
        core, wish = self._core, held.wish
        match wish:
            case OrderIntent():
                answers = self._gate.decide(wish, core.now, core.market)
                if isinstance(answers[0], ApprovedOrder):
                    self._promise(held.terms.client_order_id, held.terms.account, figures)
                for answer in answers:
                    core.send(answer)
            case ReplaceRequest():
                refusal = self._gate.take_replace(wish, core.now, core.market)
                if refusal is not None:
                    self._deny_replace(wish, refusal)
                    return
                self._promise(wish.client_order_id, held.terms.account, figures)
                core.send(approved_replace(core.now, wish))
            case _:
                assert_never(wish)

    def _refuse(self, held: Held, refusal: Refusal) -> None:
        if isinstance(held.wish, ReplaceRequest):
            self._deny_replace(held.wish, refusal)
            return
        for denied in family_denials(self._core.now, family_of(held.wish), held.terms, refusal):
            self._core.send(denied)

    def _deny_replace(self, request: ReplaceRequest, refusal: Refusal) -> None:
        order = self._gate.exposure.orders.get(request.client_order_id)
        terms = order.terms if order is not None else None
        self._core.send(denial(self._core.now, request.new_client_order_id, terms, refusal))

    def _withdraw(self, held: Held, why: str) -> None:
        self._release(held)
        if isinstance(held.wish, ReplaceRequest):
            self._deny_replace(held.wish, Refusal("REPLACE_WITHDRAWN", why))
            return
        for terms in family_of(held.wish):
            self._core.send(
                OrderCancelled(
                    ts_event=self._core.now,
                    client_order_id=terms.client_order_id,
                    account=terms.account,
                    strategy=terms.strategy,
                    instrument=terms.instrument,
                    filled_quantity=ZERO,
                )
            )

    # margin promised to approved orders

    def _promise(self, client_order_id: str, account: str, figures: MarginFigures) -> None:
        """Of a replace that may yet fail the larger figures count, as long as the order lives."""
        former = self._promises.get(client_order_id)
        least = Promised() if former is None else former.margin
        margin = Promised(
            max(figures.initial_change, least.initial), max(figures.maintenance_change, least.maintenance)
        )
        self._promises[client_order_id] = Promise(account, margin)

    def _promised_beside(self, held: Held) -> Promised:
        own = held.wish.client_order_id if isinstance(held.wish, ReplaceRequest) else None
        found = [
            promise.margin
            for name, promise in self._promises.items()
            if promise.account == held.terms.account
            and name != own
            and (promise.booked_seq is None or promise.booked_seq >= held.asked_seq)
        ]
        return Promised(
            sum((each.initial for each in found), ZERO), sum((each.maintenance for each in found), ZERO)
        )

    def settle(self, client_order_id: str | None) -> None:
        """An order may be over and booked: what it has taken is in the venue's next figures."""
        promise = self._promises.get(client_order_id or "")
        if client_order_id is None or promise is None or client_order_id in self._gate.exposure.orders:
            return
        self._promises[client_order_id] = msgspec.structs.replace(promise, booked_seq=self._core.seq)
        self._forget_promises()

    def _forget_promises(self) -> None:
        """Those that no open question can have missed."""
        oldest = min((held.asked_seq for held in self._held.values()), default=None)
        for name, promise in list(self._promises.items()):
            if promise.booked_seq is not None and (oldest is None or promise.booked_seq < oldest):
                del self._promises[name]

    # state

    def snapshot(self) -> HeldState:
        """State for the checkpoint."""
        return HeldState(list(self._held.values()), list(self._promises.items()))

    def restore(self, state: HeldState) -> None:
        """Take a checkpoint's state."""
        self._held = {held.terms.client_order_id: held for held in state.held}
        self._promises = dict(state.promises)
