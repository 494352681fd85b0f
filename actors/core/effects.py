"""Effects: each write, sync, rename, truncation, commit and send of store and brokers is named right before.

The names do nothing here. They say where a process may die between two effects; a harness that replaces
`effect` before anything imports it can make it die there.
"""

from __future__ import annotations


def effect(label: str) -> None:
    """What is named comes next, and nothing else comes in between."""
