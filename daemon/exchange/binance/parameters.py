"""The parameters of one request: read by name, each with its own refusal; what nobody reads is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from daemon.exchange.binance.errors import ApiError, illegal, missing

_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
AUTHENTICATION = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})


class Parameters:
    """Texts by name, as they came."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._read: dict[str, None] = {}

    def text(self, name: str) -> str | None:
        """None when it was not sent."""
        self._read[name] = None
        value = self._values.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """Refused when it was not sent."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str, *, least: int = 0, most: int | None = None) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 20:
            raise illegal(name, "^[0-9]{1,20}$")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return number

    def decimal(self, name: str) -> Decimal | None:
        """A decimal number without a sign."""
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$")
        return Decimal(value)

    def choice(self, name: str, allowed: Sequence[str], refusal: tuple[int, str]) -> str | None:
        """One of these words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise ApiError(*refusal)
        return value

    def client_order_id(self, name: str) -> str | None:
        """An id that the client has made."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
        return value

    def refuse_unread(self) -> None:
        """Nothing may be sent that has no meaning here."""
        sent = [name for name in self._values if name not in AUTHENTICATION]
        unread = [name for name in sent if name not in self._read]
        if unread:
            raise ApiError(
                -1104,
                "Not all sent parameters were read; read "
                f"'{len(sent) - len(unread)}' parameter(s) but was sent '{len(sent)}'.",
            )
