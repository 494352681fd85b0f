"""Ports for processes that must be told theirs before they start."""

from __future__ import annotations

from socket import socket


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
