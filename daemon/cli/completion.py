"""`tickerd completion`: a completion script made from the verbs' own parsers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction

EXAMPLE = "source <(tickerd completion bash)"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose script to print")


def run(args: Namespace) -> int:
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]
    print(script(words_by_verb()), end="")
    return 0


def words_by_verb() -> dict[str, list[str]]:
    """Options and choices of each verb."""
    from daemon.__main__ import parser_of
    from daemon.cli.verbs import ALIASES, VERBS

    words = {verb: _words(parser_of(verb)[0]) for verb in VERBS}
    return words | {alias: words[verb] for alias, verb in ALIASES.items()}


def _words(parser: ArgumentParser) -> list[str]:
    found: list[str] = []
    for action in parser._actions:
        found += [option for option in action.option_strings if option.startswith("--")]
        if action.choices and not action.option_strings:
            found += map(str, action.choices)
        if isinstance(action, _SubParsersAction):
            for inner in action.choices.values():
                found += _words(inner)
    return list(dict.fromkeys(found))


def _bash(words: dict[str, list[str]]) -> str:
    cases = "\n".join(f'        {verb}) words="{" ".join(found)}" ;;' for verb, found in words.items())
    return f"""\
_tickerd() {{
    local words="{" ".join(words)}"
    if ((COMP_CWORD > 1)); then
        case "${{COMP_WORDS[1]}}" in
{cases}
        *) words="" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _tickerd tickerd
"""


def _zsh(words: dict[str, list[str]]) -> str:
    return f"autoload -Uz bashcompinit && bashcompinit\n{_bash(words)}"


def _fish(words: dict[str, list[str]]) -> str:
    lines = [f'complete -c tickerd -n __fish_use_subcommand -a "{" ".join(words)}"']
    lines += [
        f'complete -c tickerd -n "__fish_seen_subcommand_from {verb}" -a "{" ".join(found)}"'
        for verb, found in words.items()
    ]
    return "\n".join(lines) + "\n"
