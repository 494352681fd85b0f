"""How an incoming order takes: best price first, at one price the recorded market before orders of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from actors.model.instrument import ZERO
from actors.venues.simulated.depth import Depth
from actors.venues.simulated.events import VenueOrderState

if TYPE_CHECKING:
    from actors.venues.simulated.market import Market


def take(market: Market, order: VenueOrderState) -> None:
    """Fill the order as far as its limit, the offers and its owner's money reach."""
    is_buy, point = order.side == "buy", market.point
    resting = market.asks if is_buy else market.bids
    depth: Depth = point if point is not None else market.offered if is_buy else market.wanted
    while order.is_open:
        offer = depth.best()
        maker = resting.entries[0][2] if resting.entries else None
        if maker is not None and _goes_first(order, maker, offer):
            assert maker.price is not None
            if _beyond(order, maker.price):
                return
            if _is_own(market, order, maker):
                market.detach(maker)
                market.desk.expire(maker, market.instrument, "SELF_TRADE_PREVENTION")
            elif available := reducible_only(market, maker, maker.remaining):
                _fill(market, order, maker.price, available, maker=maker)
        elif offer is not None and offer[1] and (order.price is None or not _beyond(order, offer[0])):
            _fill(market, order, offer[0], offer[1], depth=depth)
        else:
            return


def can_fill_whole(market: Market, order: VenueOrderState) -> bool:
    """Whether `take` would fill all of it, changing nothing."""
    missing, cost = order.remaining, ZERO
    for price, quantity in _offers(market, order):
        if _beyond(order, price):
            break
        taken = min(missing, quantity)
        if market.slip is not None:
            price = market.slip.price(market, order, price, order.remaining - missing + taken)
        missing -= taken
        cost += taken * price
        if not missing:
            break
    if missing:
        return False
    account = market.desk.accounts[order.account]
    if not account.may_fall_short(order) and order.side == "sell":
        return True
    return account.affordable(order, market.instrument, cost / order.remaining) == order.remaining


def _offers(market: Market, order: VenueOrderState) -> list[tuple[Decimal, Decimal]]:
    """Everything that `take` could reach, best first."""
    depth = market.depth(order.side)
    offers = list(depth.offers())
    known = depth.best()
    worst = offers[-1][0] if offers else (known[0] if known else None)
    for maker in market.others(order.side):
        assert maker.price is not None
        within = worst is None or (maker.price <= worst if order.side == "buy" else maker.price >= worst)
        if within and not _is_own(market, order, maker):
            offers.append((maker.price, maker.remaining))
    offers.sort(key=_price, reverse=order.side == "sell")
    return offers


def _goes_first(
    order: VenueOrderState, maker: VenueOrderState, offer: tuple[Decimal, Decimal] | None
) -> bool:
    """Whether our resting order is better than the recorded market, or as good as one that is used up.

    Beyond the last price that the recorded market shows, nobody knows what would have come before our order.
    """
    if offer is None:
        return True
    assert maker.price is not None
    if maker.price == offer[0]:
        return not offer[1]
    return maker.price < offer[0] if order.side == "buy" else maker.price > offer[0]


def _beyond(order: VenueOrderState, price: Decimal) -> bool:
    if order.price is None:
        return False
    return price > order.price if order.side == "buy" else price < order.price


def _is_own(market: Market, order: VenueOrderState, maker: VenueOrderState) -> bool:
    if maker.account != order.account:
        return False
    return market.desk.accounts[order.account].settings.self_trade_prevention == "EXPIRE_MAKER"


def _fill(
    market: Market,
    order: VenueOrderState,
    price: Decimal,
    available: Decimal,
    *,
    maker: VenueOrderState | None = None,
    depth: Depth | None = None,
) -> None:
    """Take from one resting order, or from the recorded market; a market order ends where its money does."""
    remaining = order.quantity - order.filled_quantity
    quantity, reason = min(available, remaining), ""
    if depth is not None and market.slip is not None:
        price = market.slip.price(market, order, price, quantity)
    account = market.desk.accounts[order.account]
    if order.reduce_only or account.may_fall_short(order):
        if order.reduce_only:
            most, reason = account.reducible(order, market.instrument), "REDUCE_ONLY"
        else:
            most, reason = account.affordable(order, market.instrument, price), "INSUFFICIENT_BALANCE"
        if most >= quantity:
            reason = ""
        quantity = min(quantity, most)
    if quantity > ZERO:
        trade_id = market.desk.next_trade_id()
        market.desk.fill(order, market.instrument, quantity, price, is_maker=False, trade_id=trade_id)
        if maker is not None:
            market.fill(maker, quantity, price, is_maker=True, trade_id=trade_id)
        if depth is not None:
            depth.take(quantity)
        if market.buy_stops.entries or market.sell_stops.entries:
            market.desk.saw_price(price)
    if reason and order.is_open:
        market.desk.expire(order, market.instrument, reason)


def reducible_only(market: Market, order: VenueOrderState, quantity: Decimal) -> Decimal:
    """What a resting order may fill of this; a reduce-only one without a position left ends here."""
    if not order.reduce_only:
        return quantity
    most = market.desk.accounts[order.account].reducible(order, market.instrument)
    if most <= ZERO:
        market.detach(order)
        market.desk.expire(order, market.instrument, "REDUCE_ONLY")
    return min(quantity, max(most, ZERO))


def _price(offer: tuple[Decimal, Decimal]) -> Decimal:
    return offer[0]
