"""TWS's numbers and what they mean for us. An unlisted one on an order makes it suspect, never ended."""

from __future__ import annotations

from enum import Enum, auto


class Meaning(Enum):
    """What follows from a number."""

    NEWS = auto()
    """Nothing."""
    LINK_LOST = auto()
    """TWS has no line to IB: nothing may be sent."""
    LINK_BACK = auto()
    """It has one again; everything has to be asked anew."""
    LINK_BACK_DATA_LOST = auto()
    """The same, and no market data come until they are asked for again."""
    DROPPING = auto()
    """This line is about to be cut."""
    FARM_BROKEN = auto()
    """Market data may have stopped."""
    FARM_BACK = auto()
    """They may have to be asked for again."""
    TOO_FAST = auto()
    """More than fifty messages a second."""
    CLIENT_ID_IN_USE = auto()
    WARNING = auto()
    """About an order that works on."""
    CANCELLED = auto()
    """About an order: a cancel has been carried out; the status says so too."""
    REFUSED = auto()
    """An order or a change that was not taken."""
    CANCEL_REFUSED = auto()
    """Nothing there to be cancelled."""
    NO_DATA = auto()
    """A subscription that brings nothing."""
    DELAYED = auto()
    """Data come too late to trade on."""
    COMPETING = auto()
    """Another session takes the data."""
    PACING = auto()
    """Historical requests come too fast, or find nothing."""
    NO_CONTRACT = auto()
    SUSPECT = auto()
    """Not listed: ask what became of it."""


_MEANINGS: dict[Meaning, tuple[int, ...]] = {
    Meaning.NEWS: (2100, 2106, 2107, 2108, 2109, 2119, 2150, 2158, 10182, 366),
    Meaning.LINK_LOST: (1100, 2110),
    Meaning.LINK_BACK: (1102,),
    Meaning.LINK_BACK_DATA_LOST: (1101,),
    Meaning.DROPPING: (1300, 502, 504, 506, 507, 509),
    Meaning.FARM_BROKEN: (2103, 2105, 2157),
    Meaning.FARM_BACK: (2104,),
    Meaning.TOO_FAST: (100,),
    Meaning.CLIENT_ID_IN_USE: (326,),
    Meaning.WARNING: (165, 399, 404, 492, 2109, 2137, 10349, 10311),
    Meaning.CANCELLED: (202,),
    Meaning.REFUSED: (
        103, 104, 105, 106, 107, 109, 110, 111, 113, 116, 117, 118, 119, 120, 121, 122, 124, 125, 129, 131,
        132, 133, 134, 135, 136, 137, 138, 140, 141, 144, 146, 147, 151, 152, 153, 157, 158, 160, 163, 164,
        166, 167, 168, 200, 201, 203, 320, 321, 325, 328, 329, 330, 331, 332, 333, 334, 335, 336, 337, 338,
        339, 340, 355, 356, 358, 359, 360, 361, 362, 363, 364, 367, 368, 369, 370, 371, 372, 373, 374, 375,
        376, 377, 378, 379, 380, 381, 382, 383, 384, 385, 387, 388, 389, 391, 392, 393, 394, 395, 396, 397,
        398, 403, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 434, 436, 437,
        439, 441, 10006, 10007, 10010, 10043, 10243, 10289, 10329,
    ),
    Meaning.CANCEL_REFUSED: (161, 10147, 10148),
    Meaning.NO_DATA: (101, 300, 309, 310, 316, 317, 354, 10089, 10090, 10091, 10168, 10186, 10190),
    Meaning.DELAYED: (10167,),
    Meaning.COMPETING: (10197,),
    Meaning.PACING: (162, 420),
}  # fmt: skip
MEANING_OF = {code: meaning for meaning, codes in _MEANINGS.items() for code in codes}


def meaning_of(code: int) -> Meaning:
    """What follows from a number."""
    return MEANING_OF.get(code, Meaning.SUSPECT)
