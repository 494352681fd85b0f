"""`tickerd data`: history into the catalogue, out of it, and what is wrong with it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.cli.common import add_json_argument, add_state_argument, print_json

if TYPE_CHECKING:
    from actors.venues.files.series import Finding, ReadOptions
    from daemon.research.data.catalogue import Catalogue, Series

EXAMPLE = "tickerd data import prices.csv --instrument AAPL@files"
EXAMPLES = {
    "import": "tickerd data import history/*.csv.gz --instrument BTCUSD@bitstamp",
    "list": "tickerd data list",
    "info": "tickerd data info BTCUSDT@binance",
    "validate": "tickerd data validate prices.csv --calendar XNYS",
    "convert": "tickerd data convert BTCUSDT@binance --interval 1m --timeframe 1h --to hourly.csv",
    "download": "tickerd data download BTCUSDT --interval 1m --from 2024-01-01 --to 2024-02-01",
    "record": "tickerd data record --config tickerd.toml --seconds 3600",
}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND", title="commands")

    def action(name: str, text: str) -> ArgumentParser:
        made = actions.add_parser(
            name,
            help=text,
            description=f"{text[:1].upper()}{text[1:]}.",
            epilog=f"example:\n  {EXAMPLES[name]}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        made.add_argument(
            "--catalogue",
            metavar="DIR",
            type=Path,
            help="where history is kept (default: data in the state folder)",
        )
        add_state_argument(made)
        add_json_argument(made)
        return made

    _add_import(action("import", "store files, folders and recorded sessions in the catalogue"))
    listing = action("list", "what the catalogue has")
    listing.add_argument("instrument", nargs="?", metavar="INSTRUMENT", help="only this one")
    info = action("info", "an instrument's series, or a file: what is in it, from when to when, its gaps")
    info.add_argument("what", metavar="PATH|INSTRUMENT", help="a file, or as BTCUSDT@binance")
    _add_reading(info)
    _add_validate(action("validate", "look for gaps, wrong rows, spikes, DST mistakes and unapplied splits"))
    _add_convert(action("convert", "write a file or series as another kind of file or timeframe"))
    _add_download(action("download", "fetch history from Binance; goes on where the catalogue ends"))
    _add_record(action("record", "keep the live feeds of a configuration, without trading"))


def _add_reading(parser: ArgumentParser) -> None:
    parser.add_argument("--form", metavar="NAME", help="the file's form (default: detected)")
    parser.add_argument("--interval", metavar="1m", help="of bars (default: from the file)")
    parser.add_argument("--zone", metavar="ZONE", help="of times without an offset, as America/New_York")
    parser.add_argument(
        "--stamp", choices=("start", "end"), help="what a bar's time means (default: the form's)"
    )
    parser.add_argument("--adjusted", action="store_true", help="bars by the file's own adjusted prices")


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", type=Path, help="files, folders, or a state folder"
    )
    parser.add_argument("--instrument", metavar="NAME", help="what the files hold, as AAPL@files")
    parser.add_argument("--venue", metavar="NAME", help="of files that name their symbols themselves")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave bad rows and files out instead of refusing"
    )
    parser.add_argument(
        "--replace", action="store_true", help="let rows that differ take the place of those there"
    )
    _add_reading(parser)


def _add_validate(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="PATH|INSTRUMENT",
        help="files, folders or instruments (default: the catalogue)",
    )
    parser.add_argument("--calendar", metavar="NAME", help="24/7, weekdays, or an exchange's code as XNYS")
    _add_reading(parser)


def _add_convert(parser: ArgumentParser) -> None:
    parser.add_argument("what", metavar="PATH|INSTRUMENT", help="a file, or an instrument of the catalogue")
    parser.add_argument(
        "--to", metavar="FILE", type=Path, help="*.csv, *.parquet, *.feather (default: the catalogue)"
    )
    parser.add_argument("--timeframe", metavar="1h", help="build bars of this")
    parser.add_argument(
        "--calendar", metavar="NAME", default="24/7", help="sessions that bars keep to (24/7)"
    )
    parser.add_argument("--kind", metavar="KIND", help="which of the series there are")
    parser.add_argument("--instrument", metavar="NAME", help="of a file that goes to the catalogue")
    _add_reading(parser)


def _add_download(parser: ArgumentParser) -> None:
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="as BTCUSDT")
    parser.add_argument("--kind", choices=("bars", "trades", "funding"), default="bars")
    parser.add_argument("--single", action="store_true", help="every trade by itself, not aggregates")
    parser.add_argument(
        "--market", choices=("spot", "usdm"), help="usdm: perpetuals (default: spot; of funding usdm)"
    )
    parser.add_argument("--interval", metavar="1m", default="1m", help="of bars (1m)")
    parser.add_argument("--from", dest="start", metavar="TIME", required=True, help="ISO 8601, UTC")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end, not included (default: now)")
    parser.add_argument(
        "--venue", metavar="NAME", help="name in the catalogue (default: binance, of perpetuals binance-usdm)"
    )
    parser.add_argument("--base-url", metavar="URL", help="for testnets and mirrors")


def _add_record(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="its venues and instruments (tickerd.toml)"
    )
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], dest="overrides")
    parser.add_argument("--instrument", metavar="NAME", action="append", default=[], help="these instead")
    parser.add_argument("--book", action="store_true", help="the whole order book, too")
    parser.add_argument("--seconds", metavar="N", type=float, help="stop after so long (default: at Ctrl-C)")


def run(args: Namespace) -> int:
    from daemon.cli import data_feeds

    actions = {
        "import": _import,
        "list": _list,
        "info": _info,
        "validate": _validate,
        "convert": _convert,
        "download": data_feeds.download,
        "record": data_feeds.record,
    }
    return actions[args.action](args)


def catalogue_of(args: Namespace) -> Catalogue:
    """`--catalogue`, else `data` in the state folder."""
    from daemon.cli.common import state_folder
    from daemon.research.data.catalogue import Catalogue

    return Catalogue(args.catalogue or state_folder(args) / "data")


def _options(args: Namespace) -> ReadOptions:
    from actors.model.intervals import parse_interval
    from actors.venues.files.series import ReadOptions

    return ReadOptions(
        form=args.form,
        interval_ns=parse_interval(args.interval) if args.interval else None,
        zone=args.zone,
        stamp=args.stamp,
        adjusted=args.adjusted,
    )


def _import(args: Namespace) -> int:
    from actors.errors import BadDataFile
    from daemon.cli.data_summary import summary
    from daemon.cli.progress import progress_bar
    from daemon.research.data.importing import Wanted, files_of, import_file

    wanted = Wanted(
        instrument=args.instrument,
        venue=args.venue,
        options=_options(args),
        skip_bad=args.skip_bad,
        replace=args.replace,
    )
    rows: list[dict[str, Any]] = []
    findings: list[Finding] = []
    left_out: list[dict[str, str]] = []
    files = files_of(args.paths)
    is_one = len(files) == 1
    total, noun = (None, "rows") if is_one else (len(files), "files")
    with progress_bar("import", _is_watched(args), total=total, noun=noun) as advance:
        for number, path in enumerate(files):
            if advance is not None and not is_one:
                advance(number, 0)
            try:
                done = import_file(catalogue_of(args), path, wanted, advance if is_one else None)
            except BadDataFile as error:
                if not args.skip_bad:
                    raise
                left_out.append({"file": str(path), "why": " ".join(str(error).split())})
                continue
            findings += done.findings
            rows += [
                {
                    "file": str(path),
                    "form": done.form,
                    "series": str(each.series),
                    "instrument": each.series.instrument,
                    "rows": each.given,
                    "new": each.added,
                }
                for each in done.added
            ]
    if args.json:
        print_json({"imported": rows, "findings": _plain(findings), "left_out": left_out})
    else:
        print(summary(rows, findings, left_out))
    return 0 if rows else 1


def _is_watched(args: Namespace) -> bool:
    import sys

    return sys.stderr.isatty() and not args.json


def _plain(findings: list[Finding]) -> list[dict[str, Any]]:
    import msgspec

    return [msgspec.structs.asdict(finding) for finding in findings]


def _list(args: Namespace) -> int:
    from daemon.research.data.overview import describe

    catalogue = catalogue_of(args)
    rows = [describe(catalogue, series) for series in catalogue.series(args.instrument)]
    from daemon.cli.tables import table

    what = f"holds nothing of {args.instrument}" if args.instrument else "holds nothing yet"
    empty = f"{catalogue.root} {what}: `tickerd data import` or `tickerd data download` fills it"
    _say(args, {"series": rows}, table(rows, empty=empty))
    return 0


def _say(args: Namespace, plain: dict[str, Any], text: str) -> None:
    if args.json:
        print_json(plain)
    else:
        print(text)


def _info(args: Namespace) -> int:
    from daemon.cli.tables import facts
    from daemon.research.data.overview import details, details_of_file

    path = Path(args.what)
    if path.is_file() or (path.suffix and "@" not in args.what):
        found = details_of_file(path, _options(args))
    else:
        catalogue = catalogue_of(args)
        found = [details(catalogue, series) for series in catalogue.find(args.what)]
    _say(args, {"series": found}, "\n\n".join(map(facts, found)))
    return 0


def _validate(args: Namespace) -> int:
    from daemon.research.data.findings import many
    from daemon.research.data.importing import files_of
    from daemon.research.data.validating import has_errors, validate_file, validate_series

    findings: list[Finding] = []
    looked_at = 0
    paths = [Path(what) for what in args.what if Path(what).exists() or "@" not in what]
    for path in files_of(paths):
        findings += validate_file(path, _options(args), args.calendar)
        looked_at += 1
    for series in _series_of(args, [what for what in args.what if Path(what) not in paths]):
        findings += validate_series(catalogue_of(args), series, args.calendar)
        looked_at += 1
    counts = {
        name: sum(finding.severity == name for finding in findings) for name in ("error", "warning", "note")
    }
    plain = {"looked_at": looked_at, "errors": counts["error"], "warnings": counts["warning"]}
    if args.json:
        print_json({**plain, "findings": _plain(findings)})
    else:
        lines = [str(finding) for finding in findings]
        told = (many(counts[name], name) for name in ("error", "warning"))
        lines.append(f"{looked_at} looked at: {', '.join(told)}")
        print("\n".join(lines))
    return 1 if has_errors(findings) else 0


def _series_of(args: Namespace, instruments: list[str]) -> list[Series]:
    catalogue = catalogue_of(args)
    if not args.what:
        return catalogue.series()
    return [series for name in instruments for series in catalogue.find(name)]


def _convert(args: Namespace) -> int:
    from daemon.research.data.conversion import Conversion, convert

    done = convert(
        Conversion(
            what=args.what,
            to=args.to,
            timeframe=args.timeframe,
            calendar=args.calendar,
            kind=args.kind,
            instrument=args.instrument,
            options=_options(args),
        ),
        catalogue_of(args),
    )
    _say(args, {"converted": done}, f"{done['rows']:,} rows: {done['from']} → {done['to']}")
    return 0
