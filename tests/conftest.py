"""What all tests share: the repository, the shared data beside it, and that no test leaves this machine."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import pytest
from hypothesis import settings

REPO_ROOT = Path(__file__).resolve().parent.parent

# No deadline: a test on a busy machine is slow, not wrong. The blob repeats a failure exactly.
settings.register_profile("tickerd", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("tickerd")


def is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not is_loopback(str(address[0])):
            raise RuntimeError(f"a test connects to {address[0]}: tests use loopback only")


# Also covers libraries that open sockets by themselves; uvloop connects below Python and is not seen.
sys.addaudithook(_refuse_the_network)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return REPO_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data beside the repository; tests that need it are skipped without it."""
    folder = REPO_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no recorded market data beside the repository")
    return folder
