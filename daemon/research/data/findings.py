"""What is found in files, told so that people read it: once, and many of a kind as one."""

from __future__ import annotations

from collections.abc import Iterable

from actors.errors import BadDataFile
from actors.venues.files.series import Finding, ReadFile


def refuse_errors(file: ReadFile) -> list[Finding]:
    """What there is to say of a file so far; an error ends it.

    Raises:
        BadDataFile: The first error.
    """
    findings = file.problems.take()
    for finding in findings:
        if finding.severity == "error":
            raise BadDataFile(f"{file.path}: row {finding.row}: {finding.text}; {finding.advice}")
    return findings


def many(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def many_as_one(findings: Iterable[Finding]) -> list[str]:
    """A line for each kind of finding; of several files it names the first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.code, finding.advice), []).append(finding)
    return [_line(group) for group in groups.values()]


def _line(group: list[Finding]) -> str:
    files = len({finding.file for finding in group})
    return str(group[0]) if files == 1 and len(group) == 1 else f"{group[0]} (and so in {files:,} files)"
