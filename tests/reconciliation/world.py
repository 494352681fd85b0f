"""The whole core against a matching engine that keeps the truth, with a line between, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from actors import Strategy
from actors.messages.account import (
    AccountEvidence,
    AccountSnapshot,
    BalancesEvidence,
    CashTransferred,
    ExternalFillMoved,
    ExternalFillShown,
    FillsEvidence,
    OrdersEvidence,
    TransfersEvidence,
    VenueTransfer,
)
from actors.messages.base import Message
from actors.messages.control import (
    BrokerStarted,
    BrokerStopped,
    ResolveDifference,
    Scope,
    Started,
    TimeReached,
)
from actors.messages.market import Quote
from actors.messages.orders import (
    CancelOrder,
    OrderFilled,
    OrderIntent,
    OrderTerms,
    QueryAccount,
    QueryOrder,
    Side,
    StatusReport,
    SubmitOrder,
)
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.reconciliation.policy import ReconcilePolicy
from actors.reconciliation.proposals import Difference
from actors.risk.limits import RiskLimits
from actors.venues.simulated.engine import MatchingEngine
from actors.venues.simulated.events import VenueEvent
from actors.venues.simulated.reports import order_evidence, order_reports, report_of
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import AccountSection, Config, StrategySection
from daemon.graph import BarSources, build_core

D = Decimal
SECOND = 1_000_000_000
HOUR = 3_600
START = 1_767_225_600 * SECOND
BTC = "BTCUSDT@binance"
ACCOUNT = "main"
LATENCY = SECOND // 100
M = TypeVar("M", bound=Message)
INSTRUMENT = Instrument(
    id=BTC, symbol="BTCUSDT", venue="binance", kind="spot", base="BTC", quote="USDT",
    tick_size=D("0.01"), lot_size=D("0.001"), quantity_min=D("0.001"), notional_min=D(5),
)  # fmt: skip


class Silent(Strategy):
    """Holds what the test has it buy."""


class World:
    """One process, one venue. Everything the venue does while the line is down goes unheard."""

    def __init__(
        self,
        *,
        fee_currency: str | None = None,
        has_history: bool = True,
        policy: ReconcilePolicy | None = None,
        opening: dict[str, Decimal] | None = None,
    ) -> None:
        self.now = START
        self.policy = policy or ReconcilePolicy()
        self.has_history = has_history
        self.history: list[VenueTransfer] = []
        self.engine = MatchingEngine(
            accounts={
                ACCOUNT: SimulatedVenueSettings(
                    fee_currency=fee_currency,
                    fee_prices={"BNB": D(600)} if fee_currency == "BNB" else {},
                    opening_balances=opening or {"USDT": D(20_000), "BNB": D(10)},
                )
            },
            instruments={BTC: INSTRUMENT},
        )
        self.is_up = False
        self.loses_answers = False
        self.deliver: Callable[[AccountEvidence], list[AccountEvidence]] = lambda evidence: [evidence]
        """What becomes of a statement on its way."""
        self.sent: list[Message] = []
        self._epoch = 1
        self._waiting: list[tuple[int, Message]] = []
        self._build()
        self.feed(Started(ts_event=self.now, epoch=1))

    def _build(self) -> None:
        config = Config(
            accounts={
                ACCOUNT: AccountSection(
                    venue="binance", mode="testnet", base_currency="USDT", reconcile=self.policy,
                    limits=RiskLimits(price_collar=None, price_age_max_seconds=None),
                    snapshot_seconds=600.0,
                )
            },
            strategies={"s": StrategySection(use="-", account=ACCOUNT, instruments=(BTC,))},
        )  # fmt: skip
        self.core = build_core(
            config,
            instruments={BTC: INSTRUMENT},
            classes={"s": Silent},
            sources=BarSources(),
            ids=ClientOrderIds(store_id="TEST", epoch=1),
        )

    # the process

    def feed(self, message: Message) -> list[Message]:
        """One input; commands leave over the line at once, answers come a little later."""
        self.core.sequencer.run(message, self.now)
        sent = list(self.core.sequencer.sent)
        self.core.sequencer.sent.clear()
        self.sent += sent
        if self.is_up:
            for command in sent:
                self._arrive(command)
        return sent

    def go(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while True:
            answer = self._waiting[0][0] if self._waiting else end + 1
            due = min(self.core.sequencer.timers.next_due, answer)
            if due > end:
                break
            self.now = max(self.now, due)
            if answer <= due:
                self.feed(self._waiting.pop(0)[1])
            else:
                self.feed(TimeReached(ts_event=self.now))
        self.now = end

    def connect(self) -> None:
        """The line comes up."""
        self.is_up = True
        self.loses_answers = False
        self.feed(BrokerStarted(ts_event=self.now, account=ACCOUNT))

    def disconnect(self) -> None:
        """The line goes down with everything on it."""
        self.is_up = False
        self._waiting.clear()
        self.feed(BrokerStopped(ts_event=self.now, account=ACCOUNT, reason="test"))

    def restart(self) -> None:
        """The process dies and comes back from its last checkpoint."""
        self.is_up = False
        self._waiting.clear()
        kind = type(self.core.sequencer.snapshot())
        data = msgspec.msgpack.encode(self.core.sequencer.snapshot())
        self._build()
        self.core.sequencer.restore(msgspec.msgpack.decode(data, type=kind))
        self._epoch += 1
        self.feed(Started(ts_event=self.now, epoch=self._epoch))

    def order(self, side: Side, quantity: str, price: str | None = None, strategy: str = "s") -> str:
        """Have the strategy's wish come to the gate; returns the order's id."""
        name = self.core.sequencer.ids.next()
        terms = OrderTerms(
            client_order_id=name, account=ACCOUNT, strategy=strategy, instrument=BTC, side=side,
            order_type="limit" if price else "market", quantity=D(quantity),
            price=D(price) if price else None, time_in_force="gtc" if price else "ioc",
        )  # fmt: skip
        self.feed(OrderIntent(ts_event=self.now, terms=terms, mid_price=None))
        return name

    def resolve(self, difference: Difference, verdict: Literal["accept", "reject", "undo"]) -> None:
        """What the operator says."""
        self.feed(
            ResolveDifference(
                ts_event=self.now, scope=Scope(), command_id=f"c{self.now}", by="test",
                difference_id=difference.difference_id, verdict=verdict,
            )
        )  # fmt: skip

    # the venue

    def market(self, bid: float, ask: float) -> None:
        """The market moves, for the venue and, while the line is up, for us."""
        quote = Quote(
            ts_event=self.now, instrument=BTC, bid_price=bid, bid_size=1000.0, ask_price=ask, ask_size=1000.0
        )
        self._tell(self.engine.on_quote(quote, self.now))
        if self.is_up:
            self.feed(quote)

    def by_hand(self, side: Side, quantity: str, price: str, name: str = "web_1") -> None:
        """Somebody orders on the account past us."""
        terms = OrderTerms(
            client_order_id=name, account=ACCOUNT, strategy="", instrument=BTC, side=side,
            order_type="limit", quantity=D(quantity), price=D(price),
        )  # fmt: skip
        self._tell(self.engine.submit(terms, self.now))

    def cancel_at_venue(self, name: str) -> None:
        """The venue ends an order of ours."""
        self._tell(self.engine.cancel(ACCOUNT, BTC, self.now, client_order_id=name))

    def transfer(
        self,
        asset: str,
        amount: str,
        *,
        row: str | None = None,
        notice: bool = False,
        reason: Literal["deposit", "withdrawal", "conversion"] | None = None,
    ) -> None:
        """Money comes or goes; `row` names it in the venue's history, a notice tells us while we hear."""
        assert self.engine.transfer(ACCOUNT, asset, D(amount))
        reason = reason or ("deposit" if D(amount) > 0 else "withdrawal")
        if row is not None:
            self.history.append(
                VenueTransfer(
                    transfer_id=row, asset=asset, amount=D(amount), reason=reason, ts_event=self.now
                )
            )
        if notice and self.is_up:
            self._answer(
                CashTransferred(
                    ts_event=self.now, account=ACCOUNT, asset=asset, amount=D(amount),
                    reason=reason, transfer_id=f"notice-{self.now}-{asset}-{amount}",
                )
            )  # fmt: skip

    def _tell(self, events: list[VenueEvent]) -> None:
        for event in events:
            report = report_of(event)
            if report is not None and self.is_up:
                self._answer(report)

    def _answer(self, message: Message) -> None:
        if not self.loses_answers:
            self._waiting.append((self.now + LATENCY, message))

    def _arrive(self, command: Message) -> None:
        match command:
            case SubmitOrder():
                self._tell(self.engine.submit(command.terms, self.now))
            case CancelOrder():
                self._tell(
                    self.engine.cancel(
                        ACCOUNT, BTC, self.now,
                        venue_order_id=command.venue_order_id, client_order_id=command.client_order_id,
                    )
                )  # fmt: skip
            case QueryOrder():
                self._answer_order(command)
            case QueryAccount():
                for evidence in self.deliver(self.statement(command)):
                    self._answer(evidence)

    def _answer_order(self, query: QueryOrder) -> None:
        order = self.engine.find_order(
            ACCOUNT, venue_order_id=query.venue_order_id, client_order_id=query.client_order_id
        )
        if order is None:
            self._answer(
                StatusReport(
                    ts_event=self.now, account=ACCOUNT, instrument=BTC, venue_order_id=query.venue_order_id,
                    client_order_id=query.client_order_id, status="not_found", filled_quantity=D(0),
                    fills_complete=True,
                )
            )  # fmt: skip
            return
        for answer in order_reports(ACCOUNT, BTC, order, self.engine.order_fills(order), self.now):
            self._answer(answer)

    def statement(self, query: QueryAccount) -> AccountEvidence:
        """A complete answer, as it is now. Fills name no client id, as on venues whose history has none."""
        mark, asked = query.fills_after.get(BTC, ""), query.asked_seq
        fills = tuple(
            msgspec.structs.replace(fill, client_order_id=None)
            for fill in self.engine.fills(ACCOUNT, after_trade_id=mark)
        )
        return AccountEvidence(
            ts_event=self.now,
            account=ACCOUNT,
            orders=OrdersEvidence(
                asked_seq=asked,
                orders=tuple(order_evidence(each) for each in self.engine.open_orders(ACCOUNT)),
            ),
            fills=FillsEvidence(
                asked_seq=asked, fills=fills, read_to={BTC: fills[-1].trade_id if fills else mark}
            ),
            balances=BalancesEvidence(asked_seq=asked, total=self.totals()),
            venue_time_ms=self.now // 1_000_000,
            transfers=self._transfers(query),
        )

    def _transfers(self, query: QueryAccount) -> TransfersEvidence | None:
        """The history, to whoever asks for it; it reaches back a little further than asked."""
        since = query.transfers_since
        if since is None or not self.has_history:
            return None
        rows = tuple(row for row in self.history if row.ts_event >= since - 3 * 86_400 * SECOND)
        return TransfersEvidence(asked_seq=query.asked_seq, since=since, transfers=rows)

    # what both sides say

    def totals(self) -> dict[str, Decimal]:
        """The venue's balances."""
        return {asset: each.total for asset, each in self.engine.balances(ACCOUNT).items() if each.total}

    def books(self) -> dict[str, Decimal]:
        """Ours."""
        return {asset: total for asset, total in self.core.ledger.balances(ACCOUNT).items() if total}

    def heard(self, kind: type[M]) -> list[M]:
        """Messages of a kind that the core has sent."""
        return [message for message in self.sent if isinstance(message, kind)]

    def booked_fills(self) -> list[str]:
        """Trade ids booked as ours, in order."""
        return [fill.trade_id for fill in self.heard(OrderFilled)]

    def external_fills(self) -> list[str]:
        """Trade ids that stand as not ours."""
        moved = [fill.trade_id for fill in self.heard(ExternalFillMoved)]
        return [fill.trade_id for fill in self.heard(ExternalFillShown) if fill.trade_id not in moved]

    def differences(self) -> list[Difference]:
        """Everything that was found."""
        return list(self.core.reconciliation.differences())

    def state(self, instrument: str | None = None) -> str:
        """The account's trading state, or an instrument's on it."""
        return self.core.risk.state_of(Scope(account=ACCOUNT, instrument=instrument))[0]

    def order_state(self, name: str) -> str:
        """What our books say of an order; `forgotten` once completed queries have passed it."""
        states = {order.terms.client_order_id: order.state for order in self.core.oms.orders()}
        return states.get(name, "forgotten")

    def snapshot(self) -> AccountSnapshot:
        """The account at mark."""
        return self.core.ledger.at_mark(ACCOUNT)
