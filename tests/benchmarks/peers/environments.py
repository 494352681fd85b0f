"""Where peers are installed: an environment for each, on a Python that it runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.peers.known import NO_LIMIT, Peer

PLACE = Path(__file__).parents[3] / ".bench-venv"
_ASK = "import sys; v = sys.version_info; print(*v[:3]) if v.releaselevel == 'final' else exit(1)"


class Interpreter(NamedTuple):
    """One Python of this machine."""

    version: tuple[int, ...]
    path: Path

    def __str__(self) -> str:
        return "CPython " + ".".join(map(str, self.version))


class Environment(NamedTuple):
    """A peer that can be run, or why it cannot."""

    interpreter: Interpreter | None = None
    python: Path | None = None
    why_not: str = ""


def interpreters() -> tuple[Interpreter, ...]:
    """tickerd's own Python first, then every other one on PATH and of pyenv, newest first."""
    own = Interpreter(tuple(sys.version_info[:3]), Path(sys._base_executable))  # type: ignore[attr-defined]
    others = {found.version: found for path in _candidates() if (found := _asked(path)) is not None}
    newest_first = sorted(others.values(), reverse=True)
    return own, *(each for each in newest_first if each.version[:2] != own.version[:2])


def _candidates() -> Iterator[Path]:
    for minor in range(sys.version_info[1], sys.version_info[1] + 10):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield Path(found)
    pyenv = shutil.which("pyenv")
    if pyenv:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        yield from sorted(Path(root, "versions").glob("3.*/bin/python"))


def _asked(python: Path) -> Interpreter | None:
    """What it says it is; a shim without a version behind it, or a pre-release, is none."""
    done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return Interpreter(tuple(map(int, done.stdout.split())), python)


def environment(peer: Peer, known: Sequence[Interpreter], place: Path = PLACE) -> Environment:
    """Install a peer where it is not yet, on the first of these Pythons that it runs on."""
    fitting = [each for each in known if peer.python_min <= each.version[:2] <= peer.python_max]
    if not fitting:
        low, high = (".".join(map(str, each)) for each in (peer.python_min, peer.python_max))
        span = f"{low} or newer" if peer.python_max == NO_LIMIT else f"{low} to {high}"
        return Environment(
            why_not=f"needs Python {span} and this machine has none: install one (pyenv install {low})"
        )
    interpreter = fitting[0]
    folder = place / f"{peer.packages[0]}-py{interpreter.version[0]}.{interpreter.version[1]}"
    found = Environment(interpreter, folder / "bin" / "python")
    done = folder / "installed"
    if done.exists() and done.read_text() == "\n".join(peer.packages):
        return found
    why_not = _install(peer, interpreter, folder)
    if why_not:
        return Environment(why_not=why_not)
    done.write_text("\n".join(peer.packages))
    return found


def _install(peer: Peer, interpreter: Interpreter, folder: Path) -> str:
    """Returns why it is impossible, or nothing."""
    print(f"installing {' '.join(peer.packages)} for {interpreter} …", file=sys.stderr, flush=True)
    subprocess.run([interpreter.path, "-m", "venv", "--clear", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "-q", "install", "--prefer-binary", *peer.packages]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(pip, capture_output=True, text=True, check=False, env=quiet)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else "pip could not install it"
