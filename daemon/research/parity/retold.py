"""The recorded fills told again: as they were, but at the prices and fees of the simulation.

Which orders filled, when and how much stays as recorded. What a taker would have paid is asked of the
simulated venue itself: a market order of the same quantity at the same moment. A resting order fills at its
own price, there as here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.core.actor import CoreActor
from actors.core.sequencer import Sequencer
from actors.messages.orders import FillReport, OrderTerms, SubmitOrder
from actors.model.ids import ClientOrderIds
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.venues.simulated.accounts import Account
from actors.venues.simulated.actor import SimulatedVenueActor
from actors.venues.simulated.delays import Delay
from actors.venues.simulated.events import VenueOrderState
from actors.venues.simulated.settings import SimulatedVenueSettings
from daemon.config import Config
from daemon.graph import StrategyClasses, build_core
from daemon.research.parity.ahead import market_of_venue
from daemon.research.parity.orders import Execution, Order, Orders
from daemon.research.parity.session import Session, Taken, last_seen
from daemon.research.parity.timing import RecordedTimes

PLENTY = Decimal(10**15)
"""Of every asset: whether it could be paid was settled when it was traded."""


class Retold(NamedTuple):
    """The same fills twice."""

    at_model_prices: Orders
    """Prices and fees of the simulation."""
    at_recorded_prices: Orders
    """Recorded prices, fees of the simulation."""


class _Asked(NamedTuple):
    at: int
    """By our clock."""
    order: Order
    fill: Execution
    name: str


class _Answers(CoreActor):
    """Gathers what the simulated venue says each question would have cost.

    Reads   FillReport   from the simulated venue
    Writes  nothing
    State   none that a checkpoint keeps
    Fails   never
    """

    name = "answers"

    def __init__(self) -> None:
        self.fills: dict[str, list[FillReport]] = {}

    def on_fill_report(self, report: FillReport) -> None:
        """One part of an answer."""
        self.fills.setdefault(report.client_order_id or "", []).append(report)


def retold(
    session: Session,
    classes: StrategyClasses,
    orders: Orders,
    times: RecordedTimes,
    config: Config,
    simulated: Orders,
) -> Retold:
    """Tell the fills of these recorded orders again.

    Args:
        config: Whose fill model and fees are asked.
        simulated: The same orders in the simulation on recorded times; what filled alike there has its prices
            and fees already.
    """
    alike = {key: order for key, order in simulated.items() if key in orders and is_alike(order, orders[key])}
    others = {key: order for key, order in orders.items() if key not in alike}
    asked = sorted(_questions(others, times), key=lambda each: each.at)
    parts = _answers(session, classes, asked, config, market_of_venue(session, times))
    model, recorded = (_Fees(_venue_alone(session, classes, config, _Answers())) for _ in range(2))
    result = Retold({}, {})
    by_order: dict[str, list[_Asked]] = {}
    for each in asked:
        by_order.setdefault(each.order.terms.client_order_id, []).append(each)
    for order_id, order in orders.items():
        if order_id in alike:
            result.at_model_prices[order_id] = result.at_recorded_prices[order_id] = alike[order_id]
            continue
        one, two = [], []
        for each in by_order.get(order_id, ()):
            one += [model.charged(order, fill) for fill in parts.get(each.name, [each.fill])]
            two.append(recorded.charged(order, each.fill))
        result.at_model_prices[order_id] = msgspec.structs.replace(order, fills=one)
        result.at_recorded_prices[order_id] = msgspec.structs.replace(order, fills=two)
    return result


def is_alike(one: Order, two: Order) -> bool:
    """Whether the same filled, for the same."""
    return _filled(one) == _filled(two)


def _filled(order: Order) -> list[tuple[Decimal, Decimal, str]]:
    return [(fill.quantity, fill.price, fill.liquidity) for fill in order.fills]


def _questions(orders: Orders, times: RecordedTimes) -> Iterator[_Asked]:
    for order_id, order in orders.items():
        for number, fill in enumerate(order.fills):
            at = max(times.here(order.terms.account, fill.ts, fill.ts_known), order.ts_decided)
            yield _Asked(at, order, fill, f"{order_id}-{number}")


def _answers(
    session: Session,
    classes: StrategyClasses,
    asked: list[_Asked],
    config: Config,
    market: Iterator[Taken],
) -> dict[str, list[Execution]]:
    """Question → what it would have filled at; what rested is not asked."""
    listener = _Answers()
    sequencer = _venue_alone(session, classes, config, listener)
    for message in last_seen(session):
        sequencer.run(message, session.ts_started)
    waiting = iter([each for each in asked if each.fill.liquidity != "maker"])
    last = None
    following = next(waiting, None)
    for taken in market:
        while following is not None and following.at <= taken.ts_init:
            sequencer.run(_market_order(following), following.at)
            following = next(waiting, None)
        sequencer.run(taken.message, taken.ts_init)
        last = taken
    while following is not None:
        sequencer.run(_market_order(following), following.at)
        following = next(waiting, None)
    if last is not None and asked:
        sequencer.run(last.message, max(sequencer.now, asked[-1].at) + 1)
    return {each.name: _execution(each, listener.fills.get(each.name, [])) for each in asked
            if each.fill.liquidity != "maker"}  # fmt: skip


def _market_order(asked: _Asked) -> SubmitOrder:
    terms = asked.order.terms
    return SubmitOrder(
        ts_event=asked.at,
        account=terms.account,
        instrument=terms.instrument,
        client_order_id=asked.name,
        venue_timestamp_ms=asked.at // 1_000_000,
        receive_window_ms=5_000,
        terms=OrderTerms(
            client_order_id=asked.name,
            account=terms.account,
            strategy=terms.strategy,
            instrument=terms.instrument,
            side=terms.side,
            order_type="market",
            quantity=asked.fill.quantity,
        ),
    )


def _execution(asked: _Asked, reports: list[FillReport]) -> list[Execution]:
    """The answer as fills; what nobody offered keeps the recorded price."""
    fill = asked.fill
    found = [msgspec.structs.replace(fill, quantity=each.quantity, price=each.price) for each in reports]
    left = fill.quantity - sum((each.quantity for each in found), ZERO)
    return [*found, msgspec.structs.replace(fill, quantity=left)] if left else found


def _venue_alone(session: Session, classes: StrategyClasses, config: Config, listener: _Answers) -> Sequencer:
    """The simulated venue without any other actor, at once there, taking orders of any size."""
    instruments = {
        name: msgspec.structs.replace(each, notional_min=ZERO, quantity_min=ZERO, quantity_max=None)
        for name, each in session.instruments.items()
    }
    accounts = {
        name: msgspec.structs.replace(
            account, mode="paper", simulated=_at_once(account.simulated, session.instruments)
        )
        for name, account in config.accounts.items()
    }
    core = build_core(
        msgspec.structs.replace(config, accounts=accounts),
        instruments=instruments,
        classes=classes,
        sources=session.sources,
        ids=ClientOrderIds(store_id=session.head.store_id, epoch=session.head.epoch),
        calendars=session.calendars,
    )
    return Sequencer(venues=core.venues, actors=[listener], ids=core.sequencer.ids, keep_sent=False)


def _at_once(
    settings: SimulatedVenueSettings, instruments: Mapping[str, Instrument]
) -> SimulatedVenueSettings:
    """The same fees and fills without any way to travel, and money for everything."""
    return msgspec.structs.replace(
        settings,
        latency_ms=0.0,
        report_latency_ms=0.0,
        self_trade_prevention="NONE",
        opening_balances=_plenty(settings, instruments),
        submit_delay=Delay(),
        cancel_delay=Delay(),
        report_delay=Delay(),
        market_data_delay=Delay(),
    )


def _plenty(settings: SimulatedVenueSettings, instruments: Mapping[str, Instrument]) -> dict[str, Decimal]:
    assets = [asset for each in instruments.values() for asset in (each.base, each.quote)]
    return dict.fromkeys([*assets, *settings.fee_prices], PLENTY)


class _Fees:
    """What the simulated accounts charge for fills."""

    def __init__(self, venues: Sequencer) -> None:
        self._accounts: dict[str, Account] = {}
        self._instruments: dict[str, Instrument] = {}
        for venue in venues.venues:
            if isinstance(venue, SimulatedVenueActor):
                self._accounts.update(venue.engine.desk.accounts)
                self._instruments.update(
                    (name, each.instrument) for name, each in venue.engine.markets.items()
                )
        self._orders: dict[str, VenueOrderState] = {}

    def charged(self, order: Order, fill: Execution) -> Execution:
        """The same fill with the simulation's fee."""
        terms = order.terms
        state = self._orders.get(terms.client_order_id)
        if state is None:
            state = self._orders[terms.client_order_id] = _order_state(order)
        fee, currency = self._accounts[terms.account].settle(
            state,
            self._instruments[terms.instrument],
            fill.quantity,
            fill.price,
            fill.liquidity == "maker",
        )
        return msgspec.structs.replace(fill, fee=fee, fee_currency=currency)


def _order_state(order: Order) -> VenueOrderState:
    """The order as an engine would keep it."""
    terms = order.terms
    return VenueOrderState(
        account=terms.account,
        instrument=terms.instrument,
        client_order_id=terms.client_order_id,
        venue_order_id="",
        side=terms.side,
        order_type=terms.order_type,
        quantity=max(terms.quantity, order.filled),
        price=terms.price,
        stop_price=terms.stop_price,
        time_in_force=terms.time_in_force,
        post_only=terms.post_only,
        reduce_only=False,  # whether it could reduce was settled when it was traded
        ts_created=order.ts_decided,
        ts_updated=order.ts_decided,
        priority=0,
    )
