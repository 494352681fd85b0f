"""The packages are ours, the other folders are none, and each test lies where its subject lies."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import REPO_ROOT

PACKAGES = ("actors", "daemon")
NOT_PACKAGES = ("configs", "systemd", "scripts")
# Folders of tests about the whole rather than about one path of the source.
ABOUT_THE_WHOLE = ("architecture", "benchmarks", "chaos", "e2e", "fakes", "research/reference")


def is_ours(package: str, root: Path) -> bool:
    file = importlib.import_module(package).__file__
    return file is not None and Path(file).resolve() == (root / package / "__init__.py").resolve()


def stray_packages(root: Path) -> list[str]:
    found = [file for folder in NOT_PACKAGES for file in (root / folder).rglob("__init__.py")]
    return [str(file.relative_to(root)) for file in sorted(found)]


def folders_without_init(root: Path) -> list[str]:
    """Folders of the packages that hold Python files but are left out of an installation."""
    found = {file.parent for package in PACKAGES for file in (root / package).rglob("*.py")}
    return sorted(str(folder.relative_to(root)) for folder in found if not (folder / "__init__.py").exists())


def misplaced_tests(root: Path) -> list[str]:
    """Tests whose folder mirrors none: tests/risk is for actors/risk, tests/cli for daemon/cli."""
    return [
        f"{file.relative_to(root)}: there is no such folder in {' or '.join(PACKAGES)}"
        for file in sorted((root / "tests").rglob("test_*.py"))
        if not mirrors_source(file.relative_to(root / "tests").parent, root)
    ]


def mirrors_source(folder: Path, root: Path) -> bool:
    if any(folder.is_relative_to(whole) for whole in ABOUT_THE_WHOLE):
        return True
    return any((root / top / folder).is_dir() for top in PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_that_is_imported_is_ours(package: str) -> None:
    assert is_ours(package, REPO_ROOT)
    assert (REPO_ROOT / package / "py.typed").exists()


def test_the_packages_are_ours_from_any_folder(tmp_path: Path) -> None:
    script = "import actors, daemon; print(actors.__file__); print(daemon.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(REPO_ROOT / package / "__init__.py") for package in PACKAGES]


def test_folders_that_are_no_packages_hold_no_init() -> None:
    assert stray_packages(REPO_ROOT) == []


def test_every_folder_of_the_packages_is_installed() -> None:
    assert folders_without_init(REPO_ROOT) == []


def test_every_test_lies_where_its_subject_lies() -> None:
    assert misplaced_tests(REPO_ROOT) == []


def test_a_package_of_someone_else_is_found(tmp_path: Path) -> None:
    assert not is_ours("json", REPO_ROOT)
    assert not is_ours("daemon", tmp_path)


def test_misplaced_files_are_found(tmp_path: Path) -> None:
    for name in (
        "scripts/__init__.py",
        "actors/risk/limits.py",
        "tests/risk/test_a.py",
        "tests/gossip/test_b.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.touch()
    assert stray_packages(tmp_path) == ["scripts/__init__.py"]
    assert folders_without_init(tmp_path) == ["actors/risk"]
    assert [line.partition(":")[0] for line in misplaced_tests(tmp_path)] == ["tests/gossip/test_b.py"]


def test_every_message_is_in_the_union_that_frames_decode_to() -> None:
    union = importlib.import_module("actors.messages")
    for file in sorted((REPO_ROOT / "actors" / "messages").glob("*.py")):
        module = importlib.import_module(f"actors.messages.{file.stem}")
        kinds = [each for each in vars(module).values() if isinstance(each, type)]
        concrete = [kind for kind in kinds if issubclass(kind, union.Message) and not kind.__subclasses__()]
        assert [kind.__name__ for kind in concrete if kind not in union.MESSAGES] == [], file.name
