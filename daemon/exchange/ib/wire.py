"""Frames and fields of the TWS socket protocol.

A frame is a length (4 bytes, big-endian) and a payload; a payload is fields of text, each ended by a zero.
Absent numbers are empty, or one of the largest values of their type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

SERVER_VERSION = 176
GREETING = b"API\0"
FRAME_MAX = 0xFFFFFF
ABSENT = frozenset(
    {"", "1.7976931348623157E308", "1.7976931348623157e+308", "2147483647", "9223372036854775807"}
)

Field = str | int | float | bool | Decimal | None


class BadFrame(Exception):
    """Bytes that no client of this protocol sends."""


def frame(fields: Iterable[Field]) -> bytes:
    """One message, ready to be written."""
    payload = "".join(f"{_text(field)}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def _text(field: Field) -> str:
    if field is None:
        return ""
    if isinstance(field, bool):
        return "1" if field else "0"
    if isinstance(field, Decimal):
        return f"{field:f}"
    return str(field)


class FrameReader:
    """Cuts a stream of bytes into frames, however it was cut on its way."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._is_greeted = False

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads that are whole by now.

        Raises:
            BadFrame: No greeting, or a length that cannot be meant.
        """
        held = self._bytes
        held += data
        if not self._is_greeted:
            if len(held) < len(GREETING):
                if not GREETING.startswith(bytes(held)):
                    raise BadFrame("a client begins with API and a zero byte")
                return []
            if not held.startswith(GREETING):
                raise BadFrame("a client begins with API and a zero byte")
            del held[: len(GREETING)]
            self._is_greeted = True
        payloads = []
        while len(held) >= 4:
            (length,) = struct.unpack_from(">I", held)
            if length > FRAME_MAX:
                raise BadFrame(f"a frame of {length} bytes")
            if len(held) < 4 + length:
                break
            payloads.append(bytes(held[4 : 4 + length]))
            del held[: 4 + length]
        return payloads


def split(payload: bytes) -> list[str]:
    """The fields of a payload.

    Raises:
        BadFrame: The last field is not ended.
    """
    if not payload.endswith(b"\0"):
        raise BadFrame("the last field has no end")
    return payload[:-1].decode(errors="replace").split("\0")


class Fields:
    """The fields of one message, taken one by one; what is left over at the end is an error."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields
        self._place = 0

    def text(self) -> str:
        """The next field.

        Raises:
            BadFrame: There is none.
        """
        try:
            field = self._fields[self._place]
        except IndexError:
            raise BadFrame(f"field {self._place} is missing") from None
        self._place += 1
        return field

    def skip(self, count: int) -> None:
        """Pass over fields that mean nothing here."""
        for _ in range(count):
            self.text()

    def integer(self) -> int | None:
        """A whole number; None when absent."""
        field = self.text()
        if field in ABSENT:
            return None
        try:
            return int(field)
        except ValueError:
            raise BadFrame(f"field {self._place - 1} is {field!r}, no whole number") from None

    def count(self) -> int:
        """A whole number that must be there."""
        number = self.integer()
        if number is None:
            raise BadFrame(f"field {self._place - 1} is empty")
        return number

    def decimal(self) -> Decimal | None:
        """A number; None when absent."""
        field = self.text()
        if field in ABSENT:
            return None
        try:
            number = Decimal(field)
        except InvalidOperation:
            raise BadFrame(f"field {self._place - 1} is {field!r}, no number") from None
        if not number.is_finite():
            raise BadFrame(f"field {self._place - 1} is {field!r}, no number")
        return number

    def flag(self) -> bool:
        """0 or 1; empty is 0."""
        return self.text() not in ("", "0")

    def end(self) -> None:
        """Nothing may be left.

        Raises:
            BadFrame: Something is.
        """
        if self._place != len(self._fields):
            raise BadFrame(f"{len(self._fields) - self._place} fields are left over")
