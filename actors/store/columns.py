"""Columns: lists of whole numbers and prices as few bytes, each given back exactly. Pure.

A column is stored as itself or as differences, whichever is smaller. Its numbers are cut into byte planes
(all lowest bytes, then all second bytes, …), negative ones inverted and their signs kept in a plane of their
own, so that the upper planes of small numbers are empty; each plane is compressed by itself.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, repeat
from operator import sub, truediv

import msgspec
import zstandard

LEVEL = 12
DECIMALS_MAX = 12
_EXACT = 2**53
_SIGN = bytes(0 if byte < 128 else 255 for byte in range(256))
_ONE = bytes(0 if byte == 0 else 1 for byte in range(256))
_ALL = bytes(0 if byte == 0 else 255 for byte in range(256))
_WIDTHS = ((1, "b"), (2, "h"), (4, "i"), (8, "q"))

assert sys.byteorder == "little", "byte planes are cut from little-endian numbers"


class Numbers(msgspec.Struct, array_like=True, frozen=True):
    """One column of whole numbers."""

    count: int
    is_delta: bool
    width: int
    signs: bytes
    planes: list[bytes]
    """Lowest first; an empty plane is all zero."""


class Floats(msgspec.Struct, array_like=True, frozen=True):
    """One column of prices or sizes: whole numbers over 10^decimals, or the eight bytes of each."""

    decimals: int
    """-1 when the numbers are the floats' own bits."""
    numbers: Numbers


def compress(data: bytes, level: int = LEVEL) -> bytes:
    """zstd, with length and checksum in its frame."""
    return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True).compress(data)


def decompress(data: bytes) -> bytes:
    """Undo `compress`.

    Raises:
        ValueError: The bytes are damaged.
    """
    try:
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(f"not what was compressed: {error}") from error


def _xor(plane: bytes, mask: bytes) -> bytes:
    size = len(plane)
    return (int.from_bytes(plane, "little") ^ int.from_bytes(mask, "little")).to_bytes(size, "little")


def _pack(values: Sequence[int], is_delta: bool) -> Numbers:
    low, high = min(values, default=0), max(values, default=0)
    bits = max(low.bit_length() if low >= 0 else (-low - 1).bit_length(), high.bit_length()) + 1
    width, code = next((width, code) for width, code in _WIDTHS if width * 8 >= bits)
    data = array(code, values).tobytes()
    planes = [data[i::width] for i in range(width)]
    signs = planes[-1].translate(_SIGN)
    if low < 0:
        planes = [_xor(plane, signs) for plane in planes]
    return Numbers(
        count=len(values),
        is_delta=is_delta,
        width=width,
        signs=compress(signs.translate(_ONE)) if low < 0 else b"",
        planes=[compress(plane) if any(plane) else b"" for plane in planes],
    )


def _size(numbers: Numbers) -> int:
    return len(numbers.signs) + sum(map(len, numbers.planes))


def pack_ints(values: Sequence[int]) -> Numbers:
    """Numbers that fit into 63 bits, so that differences fit into 64."""
    plain = _pack(values, False)
    if len(values) < 2:
        return plain
    delta = _pack([values[0], *map(sub, values[1:], values)], True)
    return delta if _size(delta) < _size(plain) else plain


def unpack_ints(numbers: Numbers) -> Sequence[int]:
    """The numbers that `pack_ints` took."""
    width, count = numbers.width, numbers.count
    data = bytearray(width * count)
    signs = decompress(numbers.signs).translate(_ALL) if numbers.signs else b""
    for i, packed in enumerate(numbers.planes):
        plane = decompress(packed) if packed else bytes(count)
        data[i::width] = _xor(plane, signs) if signs else plane
    values = array(dict(_WIDTHS)[width])
    values.frombytes(bytes(data))
    return list(accumulate(values)) if numbers.is_delta else values


def _scaled(values: Sequence[float], decimals: int) -> list[int] | None:
    """Whole numbers that give exactly these floats back when divided by 10^decimals."""
    power = 10**decimals
    try:
        whole = [round(value * power) for value in values]
    except (OverflowError, ValueError):
        return None  # infinite, or not a number
    if max(map(abs, whole), default=0) >= _EXACT:
        return None
    again = array("d", map(truediv, whole, repeat(power)))
    return whole if again.tobytes() == array("d", values).tobytes() else None


def pack_floats(values: Sequence[float]) -> Floats:
    """Any floats, NaN and −0.0 included."""
    some = values[:64]
    for decimals in range(DECIMALS_MAX + 1):
        if _scaled(some, decimals) is not None:
            whole = _scaled(values, decimals)
            if whole is not None:
                return Floats(decimals, pack_ints(whole))
    bits = array("q")
    bits.frombytes(array("d", values).tobytes())
    return Floats(-1, _pack(bits, False))


def unpack_floats(floats: Floats) -> Sequence[float]:
    """The floats that `pack_floats` took, bit for bit."""
    numbers = unpack_ints(floats.numbers)
    if floats.decimals < 0:
        values = array("d")
        values.frombytes(array("q", numbers).tobytes())
        return values
    return list(map(truediv, numbers, repeat(10**floats.decimals)))
