"""`tickerd alert`: try the alert channels, or send an alert of one's own (systemd's `OnFailure=` does)."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from daemon.cli.common import add_config_arguments, add_json_argument, load, print_json
from daemon.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from daemon.alert_routing import Alert
    from daemon.alert_settings import AlertsSection

EXAMPLE = "tickerd alert test --channel desk --config tickerd.toml"
SEND_ATTEMPTS = 5


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND", title="commands")
    test = actions.add_parser(
        "test", help="send a test alert over every channel, whatever its routes and quiet hours say"
    )
    send = actions.add_parser("send", help="send an alert over every channel that wants it")
    send.add_argument("--severity", choices=("info", "warning", "critical"), default="warning")
    send.add_argument("--kind", default="message", help="which alert it is (default: message)")
    send.add_argument("--subject", default="", metavar="TEXT", help="what it is about")
    send.add_argument("--text", required=True, metavar="TEXT", help="what to tell")
    for action in (test, send):
        action.add_argument("--channel", metavar="NAME", help="only this channel")
        add_config_arguments(action)
        add_json_argument(action)


def run(args: Namespace) -> int:
    import asyncio

    from daemon.alerts import deliver_now

    alerts = load(args).config.alerts
    alert = _alert(args)
    names = _names(args, alerts, alert)
    results = asyncio.run(
        deliver_now(
            alert,
            alerts,
            environ=os.environ,
            names=names,
            attempts=SEND_ATTEMPTS if args.action == "send" else 1,
        )
    )
    if args.json:
        print_json({"alert": alert.headline, "channels": results})
    else:
        for name, why in results.items():
            print(f"{name}: {'delivered' if why is None else f'not delivered: {why}'}")
        if not results:
            print("no channel wants this alert")
    return ExitCode.FAILED if any(results.values()) else ExitCode.DONE


def _alert(args: Namespace) -> Alert:
    import time

    from actors.errors import UsageError
    from daemon.alert_routing import Alert
    from daemon.alert_settings import KINDS
    from daemon.config_types import nearest

    if args.action == "test":
        text = "this is a test of the alert channels; nothing has happened"
        return Alert(severity="warning", kind="test", subject="", text=text, ts_ns=time.time_ns())
    if args.kind not in KINDS:
        raise UsageError(f"there is no alert {args.kind!r}, {nearest(args.kind, KINDS)}")
    return Alert(
        severity=args.severity, kind=args.kind, subject=args.subject, text=args.text, ts_ns=time.time_ns()
    )


def _names(args: Namespace, alerts: AlertsSection, alert: Alert) -> list[str]:
    """The channels to use: the one that is named, else all for a test, else those that want the alert."""
    from actors.errors import ConfigError, UsageError
    from daemon.alerts import wanted_by
    from daemon.config_types import nearest

    channels = alerts.channels()
    if not channels:
        raise ConfigError("no alert channel is configured: add a table such as [alerts.webhook.desk]")
    if args.channel is not None:
        if args.channel not in channels:
            raise UsageError(f"there is no channel {args.channel!r}, {nearest(args.channel, channels)}")
        return [args.channel]
    if args.action == "test":
        return list(channels)
    return wanted_by(alerts, alert)
