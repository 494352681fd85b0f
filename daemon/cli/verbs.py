"""The verbs: name → module and one line of help. Modules are imported only when their verb is used.

A verb's module has `add_arguments(parser)`, `run(args) -> int` and `EXAMPLE`, a command line one can copy.
It keeps heavy imports inside `run`, so that `--help` is quick.
"""

from __future__ import annotations

VERBS: dict[str, tuple[str, str]] = {
    "run": ("daemon.cli.run", "trade: paper, testnet or live, as each account says"),
    "backtest": ("daemon.cli.backtest", "run the strategies over historical data"),
    "data": ("daemon.cli.data", "import, download, record, check and convert history"),
    "strategy": ("daemon.cli.strategy", "write, list and test strategies"),
    "replay": ("daemon.cli.replay", "run a recorded session again and compare every step"),
    "report": ("daemon.cli.report", "show a backtest: console, JSON, HTML, or a template of your own"),
    "compare": ("daemon.cli.compare", "put backtests side by side, with what differs in their settings"),
    "parity": ("daemon.cli.parity", "compare a recorded session with its simulation, cause by cause"),
    "exchange": ("daemon.cli.exchange", "start a local exchange that speaks Binance's protocol"),
    "ctl": ("daemon.cli.ctl", "ask or steer the running daemon"),
    "alert": ("daemon.cli.alert", "try the alert channels, or send an alert"),
    "deadman": ("daemon.cli.deadman", "alert, and cancel if told to, when the daemon's heartbeat stops"),
    "panic": ("daemon.cli.panic", "cancel and flatten one account straight from its credentials"),
    "db": ("daemon.cli.db", "check, back up, restore, rebuild and export the state folder"),
    "check": ("daemon.cli.check", "show the effective configuration and where each value comes from"),
    "doctor": ("daemon.cli.doctor", "find out what keeps tickerd from running well here"),
    "init": ("daemon.cli.init", "write a commented configuration and an example strategy"),
    "completion": ("daemon.cli.completion", "print the shell's completion script"),
}

ALIASES: dict[str, str] = {"live": "run", "download": "data"}
COMMANDS = frozenset({"download"})
"""Aliases that stand for a command of their verb: `download` is `data download`."""
