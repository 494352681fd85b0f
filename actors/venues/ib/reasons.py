"""Why there is no line or no answer, each in a sentence that names the next step."""

from __future__ import annotations

from collections.abc import Sequence

from actors.errors import ConfigError, TradingError
from actors.venues.ib.settings import SessionSettings

READ_ONLY = "the API is read-only: untick Configure > API > Settings > Read-Only API"
VALIDATION = 321


class RequestFailed(TradingError):
    """TWS has answered a request with an error."""

    def __init__(self, name: str, code: int, text: str) -> None:
        super().__init__(f"{name}: {in_words(code, text)} ({code})")
        self.code, self.text = code, text


def in_words(code: int, text: str) -> str:
    """TWS's words, or ours where they name the next step."""
    return READ_ONLY if code == VALIDATION and "read-only" in text.lower() else text


def check_account(accounts: Sequence[str], account_id: str | None, *, is_paper: bool) -> str:
    """The account we trade, by TWS's name.

    Raises:
        ConfigError: It is not among those of the line, or is not of the kind configured.
    """
    known = ", ".join(accounts)
    if account_id is None and len(accounts) != 1:
        raise ConfigError(f"TWS manages {known}: write account_id into the account's section")
    found = account_id or accounts[0]
    if found not in accounts:
        raise ConfigError(
            f"TWS manages {known}, not {found}: log TWS in as the right user, or mend account_id"
        )
    if is_paper != found.startswith("D"):
        kind = "a paper account" if found.startswith("D") else "an account with real money"
        raise ConfigError(f"{found} is {kind}: set `mode` to fit, or log TWS in as the other user")
    return found


def refused(complaint: str, settings: SessionSettings) -> str:
    """TWS has answered with a complaint and closed the line."""
    if "(326)" in complaint:
        return (
            f"TWS says client id {settings.client_id} is in use: end the other program that has it, or give "
            "this one another client_id before its first order"
        )
    return f"TWS closed the line: {complaint}"


def no_link_because(complaint: str) -> str:
    """TWS itself has lost its line to IB."""
    return f"{complaint}; TWS restores it by itself, as after IB's nightly reset: nothing need be done"


def no_line_because(error: BaseException, settings: SessionSettings, *, was_up: bool) -> str:
    """Why an attempt to connect has failed.

    Args:
        was_up: It has worked before in this process, so the settings of both sides were right then.
    """
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, TradingError):
        return str(error)
    if isinstance(error, ConnectionRefusedError):
        what = f"nothing listens at {where}"
        advice = (
            "start TWS or IB Gateway and compare its socket port "
            "(TWS 7496, paper 7497; Gateway 4001, paper 4002)"
        )
    elif isinstance(error, TimeoutError):
        what = f"{where} does not answer as TWS does"
        advice = "log in, confirm its dialogs, and check that the port is TWS's API port"
    elif isinstance(error, ConnectionError):
        what = f"{where} closed the line"
        advice = (
            "enable the API (Configure > API > Settings > Enable ActiveX and Socket Clients), trust this "
            "address, and check that the port is TWS's"
        )
    else:
        return f"{where}: {error}"
    if was_up:
        return (
            f"{what}, which has worked before: TWS restarts, or IB resets it as every night; it is tried "
            f"again by itself, and nothing need be done unless it lasts {settings.alarm_minutes:g} minutes: "
            "then log TWS in again"
        )
    return f"{what}: {advice}"
