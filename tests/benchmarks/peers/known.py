"""The engines tickerd is measured beside: their versions, the Python they need, where their rules differ."""

from __future__ import annotations

import msgspec

NO_LIMIT = (3, 99)


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Another engine."""

    name: str
    """Its runner is `run_<name>.py`."""
    packages: tuple[str, ...]
    """What is installed, pinned; the first is the engine itself."""
    differs: str
    """Where its rules are not tickerd's."""
    python_min: tuple[int, int] = (3, 11)
    python_max: tuple[int, int] = NO_LIMIT


PEERS = (
    Peer(
        name="nautilus_rust",
        packages=("nautilus_trader==1.231.0",),
        python_min=(3, 12),
        differs="engine all in Rust, strategy in Python; a market order fills at the close of the bar that "
        "asked for it; positions at average cost, no ledger of lots; its averages end at 1,024 bars, so A2's "
        "long one is kept in Python",
    ),
    Peer(
        name="nautilus",
        packages=("nautilus_trader==1.231.0",),
        python_min=(3, 12),
        differs="engine in Cython; otherwise as its Rust engine",
    ),
    Peer(
        name="basana",
        packages=("basana==1.11",),
        differs="Decimal prices; no risk checks, no lots, no trade records; next bar's open",
    ),
    Peer(
        name="backtesting",
        packages=("backtesting==0.6.6",),
        differs="averages over whole arrays beforehand, float money, whole units of 1e-5, one instrument",
    ),
    Peer(
        name="zipline",
        packages=("zipline-reloaded==3.2.1",),
        differs="float money, no risk checks; next minute's close less its slippage model; "
        "reads its own minute files while it runs; one unit an order",
    ),
    Peer(
        name="freqtrade",
        packages=("freqtrade==2026.9",),
        differs="signals over whole arrays beforehand, float money; one loop over rows, next bar's open",
    ),
    Peer(
        name="backtrader",
        packages=("backtrader==1.9.78.123", "numpy==2.2.6", "pandas==2.3.3"),
        differs="float money, no risk checks; next bar's open",
    ),
    Peer(
        name="vectorbt",
        packages=("vectorbt==1.2.0",),
        differs="whole arrays in compiled loops, fills at the close, no strategy per bar",
    ),
    Peer(
        name="hftbacktest",
        packages=("hftbacktest==2.4.4",),
        differs="compiled engine and compiled strategy, no accounts, no books",
    ),
)

NOT_RUN = {
    "LEAN": "an engine in C# with its data in its own folders; from pip comes only a client for Docker",
}
"""Engines that the table can only name, and why."""
