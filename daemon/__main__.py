"""`tickerd VERB …`: finds the verb, parses its arguments, turns errors into one sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from daemon.cli.verbs import ALIASES, COMMANDS, VERBS

INTERRUPTED = 130


class Parser(ArgumentParser):
    """Answers a wrong command line with one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"tickerd {version('tickerd')}")
        return 0
    verb = ALIASES.get(arguments[0], arguments[0])
    if arguments[0] in COMMANDS:
        arguments.insert(1, arguments[0])
    if verb not in VERBS:
        return _unknown_verb(arguments[0])
    return _run(verb, arguments[1:])


def overview() -> str:
    """What `tickerd --help` shows."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items()]
    return "\n".join(
        [
            "usage: tickerd VERB [ARGUMENT ...]",
            "",
            *lines,
            "",
            "`tickerd VERB --help` shows its arguments and an example.",
        ]
    )


def parser_of(verb: str) -> tuple[Parser, object]:
    """The verb's parser and module."""
    name, text = VERBS[verb]
    module = importlib.import_module(name)
    parser = Parser(
        prog=f"tickerd {verb}",
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    return parser, module


def _run(verb: str, arguments: Sequence[str]) -> int:
    parser, module = parser_of(verb)
    args: Namespace = parser.parse_args(arguments)
    from actors.errors import TradingError

    try:
        code: int = module.run(args)  # type: ignore[attr-defined]
        sys.stdout.flush()
        return code
    except (TradingError, TimeoutError) as error:
        return _failed(verb, error, as_json=getattr(args, "json", False))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing may be written while the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        told = _place_in_words(error)
        if told is None:
            raise
        return _failed(verb, TradingError(told), as_json=getattr(args, "json", False))


def _place_in_words(error: OSError) -> str | None:
    """Of a place that cannot be used and of a full disk; None of anything else, which has other causes."""
    import errno

    places = (
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EEXIST,
        errno.ENAMETOOLONG,
    )  # fmt: skip
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" for {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}: make room, and do it again"
    if error.errno not in places or error.filename is None:
        return None
    return f"{error.filename} cannot be used ({error.strerror}): check the path and who may write there"


def _failed(verb: str, error: Exception, *, as_json: bool) -> int:
    from daemon.cli.exit_codes import exit_code_of

    code = exit_code_of(error)
    text = " ".join(str(error).split()) or "timed out"
    print(f"tickerd {verb}: {text}", file=sys.stderr)
    if as_json:
        from daemon.cli.common import print_json

        print_json({"error": text, "exit_code": int(code)})
    return int(code)


def _unknown_verb(given: str) -> int:
    import difflib

    close = difflib.get_close_matches(given, [*VERBS, *ALIASES], n=1)
    advice = f"did you mean `tickerd {close[0]}`?" if close else "`tickerd --help` lists them"
    print(f"tickerd: there is no verb {given!r}: {advice}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
