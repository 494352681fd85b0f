"""`tickerd init`: a folder with a commented configuration and an example strategy, ready to run on paper."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from daemon.cli.common import add_json_argument, print_json

EXAMPLE = "tickerd init mybot && cd mybot && tickerd check && tickerd run"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", type=Path, help="folder to write into; it is made if missing"
    )
    add_json_argument(parser)


def run(args: Namespace) -> int:
    from actors.errors import TradingError
    from daemon.cli.init_files import FILES

    files = {args.folder / name: text for name, text in FILES.items()}
    try:
        _write(files)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TradingError(f"{args.folder} cannot be written ({why}): choose another folder") from None
    if args.json:
        print_json({"folder": str(args.folder), "files": [str(path) for path in files]})
    else:
        print(*(f"wrote {path}" for path in files), sep="\n")
        print(f"next: cd {args.folder} && tickerd backtest backtest.toml && tickerd check && tickerd run")
    return 0


def _write(files: dict[Path, str]) -> None:
    """All of them or none: the first that is there already refuses."""
    from actors.errors import UsageError

    for path in files:
        if path.exists():
            raise UsageError(f"{path} is there already and is not overwritten: choose another folder")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
