"""The rows of the order table for orders that are over."""

from __future__ import annotations

CLOSED = {
    "filled": """
        accept | filled |
        fill | filled | OrderFilled DifferenceFound
        fill of all | filled | OrderFilled DifferenceFound
        fill again | filled |
        cancel | filled |
        cancel, more filled | filled? |
        expiry | filled |
        expiry, more filled | filled? |
        replace | filled |
        adjust | filled |
        reject submit | filled |
        reject duplicate | filled |
        reject cancel | filled |
        reject replace | filled |
        status live | filled |
        status live, more filled | filled |
        status cancelled | filled |
        status filled | filled |
        status expired | filled |
        status rejected | filled |
        status not found | filled |
        unsure submit | filled |
        unsure cancel | filled |
        unsure replace | filled |
        unsent submit | filled |
        unsent cancel | filled |
        unsent replace | filled |
    """,
    "cancelled": """
        accept | cancelled |
        fill | cancelled | OrderFilled DifferenceFound
        fill of all | cancelled | OrderFilled DifferenceFound
        fill again | cancelled | OrderFilled DifferenceFound
        cancel | cancelled |
        cancel, more filled | cancelled? |
        expiry | cancelled |
        expiry, more filled | cancelled? |
        replace | cancelled |
        adjust | cancelled |
        reject submit | cancelled |
        reject duplicate | cancelled |
        reject cancel | cancelled |
        reject replace | cancelled |
        status live | cancelled |
        status live, more filled | cancelled |
        status cancelled | cancelled |
        status filled | cancelled? |
        status expired | cancelled |
        status rejected | cancelled |
        status not found | cancelled |
        unsure submit | cancelled |
        unsure cancel | cancelled |
        unsure replace | cancelled |
        unsent submit | cancelled |
        unsent cancel | cancelled |
        unsent replace | cancelled |
    """,
    "rejected": """
        accept | rejected | DifferenceFound CancelOrder
        fill | rejected | OrderFilled DifferenceFound
        fill of all | rejected | OrderFilled DifferenceFound
        fill again | rejected | OrderFilled DifferenceFound
        cancel | rejected |
        cancel, more filled | rejected? |
        expiry | rejected |
        expiry, more filled | rejected? |
        replace | rejected |
        adjust | rejected |
        reject submit | rejected |
        reject duplicate | rejected |
        reject cancel | rejected |
        reject replace | rejected |
        status live | rejected | DifferenceFound CancelOrder
        status live, more filled | rejected | DifferenceFound CancelOrder
        status cancelled | rejected |
        status filled | rejected? |
        status expired | rejected |
        status rejected | rejected |
        status not found | rejected |
        unsure submit | rejected |
        unsure cancel | rejected |
        unsure replace | rejected |
        unsent submit | rejected |
        unsent cancel | rejected |
        unsent replace | rejected |
    """,
    "expired": """
        accept | expired |
        fill | expired | OrderFilled DifferenceFound
        fill of all | expired | OrderFilled DifferenceFound
        fill again | expired | OrderFilled DifferenceFound
        cancel | expired |
        cancel, more filled | expired? |
        expiry | expired |
        expiry, more filled | expired? |
        replace | expired |
        adjust | expired |
        reject submit | expired |
        reject duplicate | expired |
        reject cancel | expired |
        reject replace | expired |
        status live | expired |
        status live, more filled | expired |
        status cancelled | expired |
        status filled | expired? |
        status expired | expired |
        status rejected | expired |
        status not found | expired |
        unsure submit | expired |
        unsure cancel | expired |
        unsure replace | expired |
        unsent submit | expired |
        unsent cancel | expired |
        unsent replace | expired |
    """,
}
