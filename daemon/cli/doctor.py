"""`tickerd doctor`: everything on this machine that could keep tickerd from running well."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from daemon.cli.common import add_config_arguments, add_json_argument, print_json
from daemon.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from daemon.cli.doctor_checks import Finding

EXAMPLE = "tickerd doctor --config tickerd.toml --offline"


def add_arguments(parser: ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--offline", action="store_true", help="do not ask the venues")
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from daemon.cli.doctor_checks import examine
    from daemon.cli.tables import table
    from daemon.logs import set_up_logging

    set_up_logging(level="error", environ=os.environ)
    findings = examine(args)
    if args.json:
        print_json({"ok": not _failed(findings), "findings": [each._asdict() for each in findings]})
    else:
        print(table([each._asdict() for each in findings]))
    failed = _failed(findings)
    if failed and all(each.subject.startswith("venue ") for each in failed):
        return ExitCode.VENUE_UNREACHABLE
    return ExitCode.FAILED if failed else ExitCode.DONE


def _failed(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.result == "fail"]
