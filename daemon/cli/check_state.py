"""What the state folder has against a configuration: limits that stay tighter, and approvals that wait."""

from __future__ import annotations

from daemon.config import Config


def waiting_for_approval(config: Config) -> list[str]:
    """What `run` would not let be in force without a second command; nothing for a new state folder.

    Raises:
        TradingError: The state folder cannot be read.
    """
    from actors.risk.stored_limits import limit_book
    from daemon.startup import read_core, state_path

    core = read_core(state_path(config))
    if core is None:
        return [_first_live(name) for name, section in config.accounts.items() if section.mode == "live"]
    consent = core.risk.consent
    book = limit_book(
        {name: section.limits for name, section in config.accounts.items()},
        {name: section.account for name, section in config.strategies.items()},
        {name: section.limits for name, section in config.strategies.items()},
    )
    book.restore(consent.limits.snapshot())
    _, loosened = book.differences()
    found = [
        f"{change.place}: {change.value} is looser than {change.former}, which stays in force until approved"
        for change in loosened
    ]
    pending = consent.approvals.pending.values()
    found += [f"{each.what}: confirm with `tickerd ctl approve {each.approval_id}`" for each in pending]
    asked = {each.live_account for each in pending}
    for name, section in config.accounts.items():
        is_known = f"{name} {section.account_id}" in consent.approvals.live
        if section.mode == "live" and not is_known and name not in asked:
            found.append(_first_live(name))
    return found


def _first_live(account: str) -> str:
    return f"accounts.{account}: trades live for the first time, and stays paused until approved"
