"""What a source of market data says: the venue's decimal strings, with times as offsets from its start."""

from __future__ import annotations

import msgspec

Level = tuple[str, str]


class Top(msgspec.Struct, gc=False):
    """Best bid and ask."""

    symbol: str
    update_id: int
    bid_price: str
    bid_size: str
    ask_price: str
    ask_size: str


class PublicTrade(msgspec.Struct, gc=False):
    """Others have traded; times are offsets until the market stamps them with its own clock."""

    symbol: str
    trade_id: int
    price: str
    size: str
    event_ms: int
    trade_ms: int
    buyer_is_maker: bool


class DepthChange(msgspec.Struct):
    """Levels with their new sizes; `event_ms` is an offset until the market stamps it."""

    symbol: str
    first_id: int
    last_id: int
    event_ms: int
    bids: list[Level]
    asks: list[Level]


class DepthSnapshot(msgspec.Struct):
    """The whole book at one update id."""

    symbol: str
    last_id: int
    bids: list[Level]
    asks: list[Level]


MarketEvent = Top | PublicTrade | DepthChange | DepthSnapshot
