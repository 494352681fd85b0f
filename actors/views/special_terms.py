"""Terms that only some venues have: whether they fit together, and whether a venue offers them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal

import msgspec

from actors.messages.orders import TRAILING, OrderTerms, SpecialTerms
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.model.venue_rules import Feature, Offer

Fault = tuple[str, str]
"""Stable code and figures, as `OrderDenied` carries them."""

_remainder = Context(prec=40, traps=[]).remainder
AUCTIONS = ("opg", "cls")
_CAN_WAIT = ("gtc", "day", "gtd")


def with_trail(terms: OrderTerms, trail: Decimal | None, limit_offset: Decimal | None = None) -> OrderTerms:
    """The same terms with a new trail, in the unit they name, and a new offset; None leaves either."""
    special = terms.special
    if special is None:
        return terms
    new = {"trail": trail, "limit_offset": limit_offset}
    changed = {name: each for name, each in new.items() if each not in (None, getattr(special, name))}
    if not changed:
        return terms
    return msgspec.structs.replace(terms, special=msgspec.structs.replace(special, **changed))


def successor_of_trail(terms: OrderTerms, trail: Decimal | None) -> OrderTerms:
    """Terms of what takes the place of an order: a stop that has begun to trail begins nowhere again."""
    terms = with_trail(terms, trail)
    if terms.special is None or terms.special.trail_start is None:
        return terms
    return msgspec.structs.replace(terms, special=msgspec.structs.replace(terms.special, trail_start=None))


def fault_in_special(terms: OrderTerms, instrument: Instrument) -> Fault | None:
    """The first thing that makes no sense, at whatever venue."""
    special = terms.special or SpecialTerms()
    return (
        _fault_in_trail(terms, special, instrument)
        or _fault_in_time(terms, special)
        or _fault_in_links(terms, special)
    )


def _fault_in_trail(terms: OrderTerms, special: SpecialTerms, instrument: Instrument) -> Fault | None:
    trail = special.trail
    fault = _fault_in_trail_fields(terms, special)
    if fault is not None or trail is None:
        return fault
    if not trail.is_finite() or trail <= ZERO or (special.trail_is_fraction and trail >= 1):
        allowed = "0 < trail < 1, a fraction of the price" if special.trail_is_fraction else "trail > 0"
        return "TRAIL_INVALID", f"trail={trail}, allowed={allowed}"
    tick = instrument.tick_size
    if not special.trail_is_fraction and tick and _remainder(trail, tick) != ZERO:
        return "TRAIL_NOT_ON_TICK", f"trail={trail}, tick_size={tick}"
    for name, figure, least in (
        ("trail_start", special.trail_start, tick),
        ("limit_offset", special.limit_offset, ZERO),
    ):
        if figure is None:
            continue
        if not figure.is_finite() or figure < least or (name == "trail_start" and not figure):
            return "TRAIL_INVALID", f"{name}={figure}, least={least}"
        if tick and _remainder(figure, tick) != ZERO:
            return "TRAIL_NOT_ON_TICK", f"{name}={figure}, tick_size={tick}"
    return None


def _fault_in_trail_fields(terms: OrderTerms, special: SpecialTerms) -> Fault | None:
    """A stop that is to have a limit must say where it begins: no venue could tell the first limit else."""
    kind = terms.order_type
    trails, has_limit = kind in TRAILING, kind == "trailing_stop_limit"
    for name, needed, allowed in (
        ("trail", trails, trails),
        ("limit_offset", has_limit, has_limit),
        ("trail_start", has_limit and terms.replaces is None, trails),
    ):
        figure = getattr(special, name)
        if needed and figure is None:
            return "ORDER_FIELD_MISSING", f"order_type={kind}, field={name}"
        if not allowed and figure is not None:
            return "ORDER_FIELD_NOT_ALLOWED", f"order_type={kind}, {name}={figure}"
    return None


def _fault_in_time(terms: OrderTerms, special: SpecialTerms) -> Fault | None:
    in_force = terms.time_in_force
    if in_force == "gtd" and special.good_till is None:
        return "ORDER_FIELD_MISSING", "time_in_force=gtd, field=good_till"
    if in_force != "gtd" and special.good_till is not None:
        return "ORDER_FIELD_NOT_ALLOWED", f"time_in_force={in_force}, good_till={special.good_till}"
    if terms.order_type in TRAILING and in_force not in _CAN_WAIT:
        return "TERMS_CONTRADICT", f"order_type={terms.order_type}, time_in_force={in_force}"
    if in_force in AUCTIONS:
        if terms.order_type not in ("market", "limit"):
            return "TERMS_CONTRADICT", f"order_type={terms.order_type}, time_in_force={in_force}"
        if special.outside_hours:
            return "TERMS_CONTRADICT", f"outside_hours=True, time_in_force={in_force}"
    if special.adaptive is not None and (
        terms.order_type not in ("market", "limit") or in_force not in _CAN_WAIT
    ):
        return "TERMS_CONTRADICT", (
            f"adaptive={special.adaptive}, order_type={terms.order_type}, time_in_force={in_force}"
        )
    return None


def _fault_in_links(terms: OrderTerms, special: SpecialTerms) -> Fault | None:
    group = special.oca_group
    if group is not None and not (0 < len(group) <= 40 and group.isascii() and group.isprintable()):
        return "OCA_GROUP_INVALID", f"oca_group={group!r}, allowed=1 to 40 printable ASCII characters"
    if group is None and special.oca_kind is not None:
        return "ORDER_FIELD_NOT_ALLOWED", f"oca_group=None, oca_kind={special.oca_kind}"
    if special.parent == terms.client_order_id:
        return "TERMS_CONTRADICT", f"order={terms.client_order_id}, parent={special.parent}"
    return None


def fault_in_family(terms: OrderTerms, children: tuple[OrderTerms, ...]) -> Fault | None:
    """Whether an order and those that wait for it are one bracket; without children, whether it is none."""
    family = (terms, *children)
    for place, each in enumerate(family):
        special = each.special or SpecialTerms()
        follow = place < len(children)
        if special.more_follow != follow:
            return "BRACKET_INVALID", f"order={each.client_order_id}, more_follow={special.more_follow}"
        if special.parent != (terms.client_order_id if place else None):
            return "BRACKET_INVALID", f"order={each.client_order_id}, parent={special.parent}"
    for child in children:
        if (child.account, child.strategy, child.instrument) != (
            terms.account, terms.strategy, terms.instrument,
        ):  # fmt: skip
            return "BRACKET_INVALID", f"order={child.client_order_id}, instrument={child.instrument}"
        if child.side == terms.side or child.quantity > terms.quantity:
            return "BRACKET_INVALID", (
                f"order={child.client_order_id}, side={child.side}, quantity={child.quantity}, "
                f"parent_quantity={terms.quantity}"
            )
    return None


def fault_in_offer(terms: OrderTerms, offer: Offer, now: int) -> Fault | None:
    """What the venue does not have, or has no longer time for."""
    if terms.order_type not in offer.order_types:
        return "ORDER_TYPE_NOT_SUPPORTED", (
            f"order_type={terms.order_type}, venue_has={' '.join(offer.order_types)}"
        )
    if terms.time_in_force not in offer.times_in_force:
        return "TIME_IN_FORCE_NOT_SUPPORTED", (
            f"time_in_force={terms.time_in_force}, venue_has={' '.join(offer.times_in_force)}"
        )
    if terms.special is None and not terms.post_only:
        return None
    for feature in _features(terms):
        if feature not in offer.features:
            has = " ".join(offer.features) or "none"
            return f"{feature.upper()}_NOT_SUPPORTED", f"feature={feature}, venue_has={has}"
    till = None if terms.special is None else terms.special.good_till
    if till is not None and till <= now:
        return "GOOD_TILL_PAST", f"good_till={till}, now={now}"
    return None


def _features(terms: OrderTerms) -> Iterator[Feature]:
    if terms.post_only:
        yield "post_only"
    special = terms.special
    if special is None:
        return
    if special.outside_hours:
        yield "outside_hours"
    if special.adaptive is not None:
        yield "adaptive"
    if special.parent is not None or special.more_follow:
        yield "bracket"
    elif special.oca_group is not None:
        yield "oca"
    if special.reduces:
        yield "oca_reduce"
