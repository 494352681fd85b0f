"""Sizes that keep a file readable in one sitting, and the marks of unfinished work."""

from __future__ import annotations

import ast

from tests.architecture.source import Function, Source, assert_clean, functions, sources

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
LINE_LENGTH_MAX = 110
# Put together here so that this file does not find itself.
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")


def lines_without_docstring(function: Function) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def long_files(source: Source) -> list[str]:
    count = source.text.count("\n") + 1
    return [f"{source.path}: {count} lines, at most {FILE_LINES_MAX}"] if count > FILE_LINES_MAX else []


def long_functions(source: Source) -> list[str]:
    return [
        f"{source.at(function)}: {function.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
        for function in functions(source)
        if (lines := lines_without_docstring(function)) > FUNCTION_LINES_MAX
    ]


def long_lines(source: Source) -> list[str]:
    return [
        f"{source.path}:{number}: {len(line)} characters, at most {LINE_LENGTH_MAX}"
        for number, line in enumerate(source.text.splitlines(), 1)
        if len(line) > LINE_LENGTH_MAX
    ]


def untyped_functions(source: Source) -> list[str]:
    return [f"{source.at(f)}: {f.name} is not fully typed" for f in functions(source) if not is_typed(f)]


def is_typed(function: Function) -> bool:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stars = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return function.returns is not None and all(
        argument.annotation for argument in [*named, *stars] if argument.arg not in ("self", "cls")
    )


def unfinished(source: Source) -> list[str]:
    return [
        f"{source.path}:{number}: {line.strip()}"
        for number, line in enumerate(source.text.splitlines(), 1)
        if any(mark in line for mark in UNFINISHED)
    ]


def test_no_file_is_too_long() -> None:
    assert_clean(long_files, sources("actors", "daemon", "scripts", "tests"))


def test_no_function_is_too_long() -> None:
    assert_clean(long_functions, sources("actors", "daemon", "scripts"))


def test_no_line_is_too_long() -> None:
    assert_clean(long_lines, sources("actors", "daemon", "scripts", "tests"))


def test_every_function_is_typed() -> None:
    # mypy asks the same of the tests; here it is asked of what is shipped, by every run of the tests.
    assert_clean(untyped_functions, sources("actors", "daemon", "scripts"))


def test_nothing_is_left_for_later() -> None:
    assert_clean(unfinished, sources("actors", "daemon", "scripts", "tests"))


def test_a_file_over_its_budget_is_found() -> None:
    assert long_files(Source("a.py", "\n" * FILE_LINES_MAX))
    assert long_files(Source("a.py", "\n" * (FILE_LINES_MAX - 1))) == []


def test_a_function_over_its_budget_is_found_and_its_docstring_is_free() -> None:
    body = "    x = 1\n" * (FUNCTION_LINES_MAX - 1)
    assert long_functions(Source("a.py", f"def f():\n{body}")) == []
    assert long_functions(Source("a.py", f'def f():\n    """One.\n\n    Two.\n    """\n{body}')) == []
    assert long_functions(Source("a.py", f"async def f():\n{body}    y = 2\n"))


def test_a_long_line_is_found() -> None:
    assert long_lines(Source("a.py", "#" * (LINE_LENGTH_MAX + 1)))
    assert long_lines(Source("a.py", "#" * LINE_LENGTH_MAX)) == []


def test_an_untyped_function_is_found() -> None:
    assert untyped_functions(Source("a.py", "def f(): ..."))
    assert untyped_functions(Source("a.py", "def f(a) -> None: ..."))
    assert untyped_functions(Source("a.py", "def f(*a) -> None: ..."))
    assert untyped_functions(Source("a.py", "class A:\n    def f(self, *, a: int) -> None: ...")) == []


def test_a_mark_of_unfinished_work_is_found() -> None:
    assert unfinished(Source("a.py", f"# {UNFINISHED[0]}: later"))
