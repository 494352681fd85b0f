"""An intake that can be waited on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from actors.messages.base import Message

M = TypeVar("M", bound=Message)


class Recorder:
    """Keeps all messages in the order in which they were offered."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def offer(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages if isinstance(message, kind)]

    async def first(self, kind: type[M], count: int = 1) -> M:
        """Wait for so many of a kind; returns the last of them."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._news.clear()
                await self._news.wait()
