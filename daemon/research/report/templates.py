"""Templates of the user's own: any text file with `$names`, filled in with a run's figures.

Every figure is there as its text, `$sharpe`, and as its bare number, `$sharpe_value`; with several accounts
each also under `$ACCOUNT_sharpe`, the first account's without. Beside them stand `$run_id $state $start $end
$currency $strategies $instruments $warnings $config $config_hash $code_hash $data_hash $result_hash`. A
template that ends in `.html` gets its texts escaped, and the blocks `$tiles $charts $months $tables
$settings $style $script`: with `$style`, `$charts` and `$script` it draws what our own page draws.
"""

from __future__ import annotations

import difflib
import re
from html import escape
from pathlib import Path
from string import Template

from actors.errors import UsageError
from daemon.research.report.settings import settings_text
from daemon.research.report.wording import rows_of
from daemon.research.runs import Run

HTML = (".html", ".htm")


def names_of(run: Run) -> dict[str, str]:
    """Every plain name with its text."""
    info = run.info
    traded = run.frames.orders["instrument"].unique().sort().to_list() if run.frames.orders.height else []
    found = {
        "run_id": info.run_id,
        "state": info.state,
        "start": info.start,
        "end": info.end,
        "currency": next((account.currency for account in info.accounts.values()), ""),
        "strategies": ", ".join(info.strategies),
        "instruments": ", ".join(traded),
        "warnings": "\n".join(info.warnings),
        "config": settings_text(info.config),
        "config_hash": info.hashes.config,
        "code_hash": info.hashes.code,
        "data_hash": info.hashes.data,
        "result_hash": info.result_hash,
    }
    for number, (account, result) in enumerate(info.accounts.items()):
        for row in rows_of(result):
            name = re.sub(r"\W", "_", row.name)
            value = "" if row.value is None else repr(row.value)
            for prefix in ("", f"{re.sub(r'[^A-Za-z0-9_]', '_', account)}_"):
                if prefix or not number:
                    found[f"{prefix}{name}"], found[f"{prefix}{name}_value"] = row.text, value
    return found


def filled(run: Run, template: Path) -> str:
    """The template with the run's figures.

    Raises:
        UsageError: It cannot be read, or asks for a name that there is not.
    """
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{template} cannot be read as a template ({why}): give a text file") from None
    names = names_of(run)
    if template.suffix.lower() in HTML:
        names = {**{name: escape(value) for name, value in names.items()}, **_blocks(run, text)}
    try:
        return Template(text).substitute(names)
    except KeyError as error:
        missing = str(error.args[0])
        close = difflib.get_close_matches(missing, names, n=1)
        advice = f"did you mean ${close[0]}?" if close else "`tickerd report RUN --names` lists them"
        raise UsageError(f"{template.name}: there is no figure ${missing}: {advice}") from None
    except ValueError as error:
        raise UsageError(f"{template.name}: {error}: write $name or ${{name}}, and $$ for a dollar") from None


def _blocks(run: Run, text: str) -> dict[str, str]:
    """Parts of our own page; made only where the template names one."""
    known = ("tiles", "charts", "months", "tables", "settings", "style", "script")
    if not re.search(rf"\$\{{?({'|'.join(known)})\b", text):
        return {}
    from daemon.research.report.charts import account_charts
    from daemon.research.report.html import chart_html, packed_plotly, part
    from daemon.research.report.page import figures_html, months_html, settings_html, tiles
    from daemon.research.report.wording import headline

    frames, blocks = run.frames, dict.fromkeys(known, "")
    for name, account in run.info.accounts.items():
        equity, trades = (frame.filter(frame["account"] == name) for frame in (frames.equity, frames.trades))
        charts = account_charts(account.figures, equity, trades, frames.prices, account.currency)
        blocks["tiles"] += tiles(headline(account))
        blocks["charts"] += f'<div class="cards">{"".join(map(chart_html, charts))}</div>'
        blocks["months"] += months_html(account.figures.monthly_returns)
        blocks["tables"] += figures_html(account)
    blocks["settings"] = "".join(settings_html(run.info))
    blocks["style"] = f"<style>{part('page.css')}</style>"
    blocks["script"] = (
        f'<script type="text/plain" id="plotly">{packed_plotly()}</script><script>{part("page.js")}</script>'
    )
    return blocks
