"""Reports as files."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from actors.errors import UsageError
from daemon.research.runs import Run, RunInfo, read_run

PAGE = "report.html"
JSON = "report.json"


def write_report(run_folder: Path, target: Path, *, template: Path | None = None) -> list[Path]:
    """Write the report of a run into a folder: HTML and JSON, or the user's template in the page's place.

    Returns:
        The files written.
    Raises:
        UsageError: No run, no such template, or a folder that cannot be written.
        ConfigError: Plotly is not installed.
    """
    run = read_run(run_folder)
    if template is not None:
        from daemon.research.report.templates import filled

        name, text = template.name, filled(run, template)
    else:
        from daemon.research.report.page import run_page

        name, text = PAGE, run_page(run)
    return [put(target / name, text), put(target / JSON, report_json(run))]


def must_be_writable(folder: Path) -> None:
    """Make a folder that something long will be written to, before the long work.

    Raises:
        UsageError: Nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}): give another place") from None


def put(path: Path, text: str) -> Path:
    """Write one file, making its folder.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): give another place") from None
    return path


def report_json(run: Run) -> str:
    """Everything about a run but its tables; `json_schema` describes it."""
    return msgspec.json.format(msgspec.json.encode(run.info), indent=2).decode() + "\n"


def json_schema() -> dict[str, object]:
    """What `report --json` keeps to (JSON Schema, draft 2020-12)."""
    schema = msgspec.json.schema(RunInfo)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "tickerd report", **schema}
