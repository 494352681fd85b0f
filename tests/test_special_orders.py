"""Every term that only some venues have goes through the whole core, the tape, a crash and a replay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.messages.orders import (
    OrderDenied,
    OrderFilled,
    OrderTerms,
    SpecialTerms,
    SubmitOrder,
)
from actors.store.export import export
from daemon.config import Config, VenueSection
from tests.startup_rig import Life, a_config, mine, replayed

CALLER = """
from decimal import Decimal as D
from actors import Quote, State, Strategy

class Mine(Strategy):
    class Seen(State):
        quotes: int = 0

    state: Seen

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        ctx, one, low, high = self.ctx, D("0.001"), D("59000"), D("61000")
        if self.state.quotes == 1:
            ctx.trailing_stop("buy", one, distance=D("25.5"), good_till=ctx.now + 10**15)
            ctx.trailing_stop("buy", one, distance=D("25.5"), limit_offset=D(5), start=D("60500"))
            ctx.trailing_stop("buy", one, fraction=D("0.01"), oca="group")
            ctx.limit("buy", one, low, on="open")
            ctx.market("buy", one, on="close")
            ctx.limit("buy", one, low, outside_hours=True, time_in_force="day")
            ctx.limit("buy", one, low, adaptive="patient", oca="others", oca_kind="reduce")
        if self.state.quotes == 2:
            ctx.bracket("buy", one, D("60500"), take_profit=high, stop_loss=low)
"""


def a_config_of(tmp_path: Path, kind: str) -> Config:
    config = a_config(tmp_path / "state", mine=mine(tmp_path, CALLER))
    section = msgspec.convert({"kind": kind}, VenueSection)
    return msgspec.structs.replace(config, venues={**config.venues, "binance": section})


def test_orders_of_every_kind_survive_the_tape_a_crash_and_a_replay(tmp_path: Path) -> None:
    config = a_config_of(tmp_path, "ib")
    life = Life(config)
    life.connect()
    life.quotes(2)
    sent = {submit.client_order_id: submit.terms for submit in life.of(SubmitOrder)}
    assert life.of(OrderDenied) == []
    used = {
        name
        for terms in sent.values()
        for name in SpecialTerms.__struct_fields__
        if terms.special is not None and getattr(terms.special, name) != getattr(SpecialTerms(), name)
    }
    assert used == set(SpecialTerms.__struct_fields__)
    entry = next(name for name, terms in sent.items() if terms.special == SpecialTerms(more_follow=True))
    life.fill(entry)
    life.checkpoint()
    life.quotes(1)
    life.crash()
    again = Life(config)
    assert {name: again.terms_of(name) for name in sent} == sent
    assert [state for name, state in again.order_states().items() if name != entry] == ["accepted"] * 9
    again.connect(held="0.001")
    again.quotes(1)
    again.stop()
    assert replayed(tmp_path / "state").identical
    shown = {
        row["client_order_id"]: row["special"]
        for row in export(tmp_path / "state", seq=again.core.sequencer.seq)["orders"]
    }
    wanted = {name: (terms.special or SpecialTerms()).said() for name, terms in sent.items()}
    assert {name: shown[name] for name in sent} == wanted
    assert {"trail": "0.01", "trail_is_fraction": True, "oca_group": "group"} in wanted.values()


def test_a_venue_that_has_none_of_them_is_sent_none_of_them(tmp_path: Path) -> None:
    life = Life(a_config_of(tmp_path, "binance"))
    life.connect()
    life.quotes(2)
    assert life.of(SubmitOrder) == []
    codes = [denied.code for denied in life.of(OrderDenied)]
    assert codes == [
        *["ORDER_TYPE_NOT_SUPPORTED"] * 3, "TIME_IN_FORCE_NOT_SUPPORTED",
        "TIME_IN_FORCE_NOT_SUPPORTED", "TIME_IN_FORCE_NOT_SUPPORTED", "ADAPTIVE_NOT_SUPPORTED",
        "BRACKET_NOT_SUPPORTED", "BRACKET_REFUSED", "BRACKET_REFUSED",
    ]  # fmt: skip
    life.stop()


BRACKETS = """
from decimal import Decimal as D
from actors import Quote, State, Strategy

class Mine(Strategy):
    class Seen(State):
        quotes: int = 0

    state: Seen

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes == 1:
            self.ctx.bracket("buy", D("0.01"), take_profit=D("60100"), stop_loss=D("59000"))
"""


def test_a_paper_account_trades_a_bracket_from_entry_to_exit(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path, BRACKETS))
    main = config.accounts["main"]
    funded = msgspec.structs.replace(main.simulated, opening_balances={"USDT": Decimal(10_000)})
    paper = msgspec.structs.replace(main, mode="paper", api_key=None, api_secret=None, simulated=funded)
    life = Life(msgspec.structs.replace(config, accounts={"main": paper}))
    life.quotes(3, answer=False)
    life.quotes(2, price=60_200.0, answer=False)  # the fee was taken from what was bought
    assert [f"{fill.side} {fill.remaining:f}" for fill in life.of(OrderFilled)] == ["buy 0", "sell 0.00001"]
    states = [state for _, state in sorted(life.order_states().items())]
    assert states == ["filled", "expired", "cancelled"]
    life.stop()
    assert replayed(tmp_path / "state").identical


REDUCING = """
from decimal import Decimal as D
from actors import Quote, State, Strategy

class Mine(Strategy):
    class Seen(State):
        quotes: int = 0

    state: Seen

    def on_quote(self, quote: Quote) -> None:
        self.state.quotes += 1
        if self.state.quotes == 1:
            self.ctx.limit("buy", D("1.5"), D("59990"), oca="both", oca_kind="reduce")
            self.ctx.limit("buy", D(3), D("59980"), oca="both", oca_kind="reduce")
            self.ctx.trailing_stop("buy", D(1), distance=D(50), limit_offset=D(5))
"""


def test_a_paper_account_trades_a_group_that_reduces_and_a_trail_with_a_limit(tmp_path: Path) -> None:
    config = a_config(tmp_path / "state", mine=mine(tmp_path, REDUCING))
    main = config.accounts["main"]
    funded = msgspec.structs.replace(main.simulated, opening_balances={"USDT": Decimal(500_000)})
    paper = msgspec.structs.replace(main, mode="paper", api_key=None, api_secret=None, simulated=funded)
    life = Life(msgspec.structs.replace(config, accounts={"main": paper}))
    life.quotes(2, answer=False)
    for price in (59_984.0, 59_984.0, 59_970.0):
        life.quotes(1, price=price, answer=False)
    life.checkpoint()
    life.crash()
    again = Life(life.config)
    for price in (59_970.0, 60_018.0, 60_018.0):
        again.quotes(1, price=price, answer=False)
    fills = [fill for each in (life, again) for fill in each.of(OrderFilled)]
    told = [f"{fill.quantity.normalize():f} of {fill.remaining.normalize():f}" for fill in fills]
    assert told == ["1 of 0.5", "0.5 of 0", "1 of 0.5", "0.5 of 0", "1 of 0"]  # 3 less 1.5 is the second's
    assert Decimal("60020") < fills[-1].price < Decimal("60030")
    assert set(again.order_states().values()) == {"filled"}
    again.stop()
    assert replayed(tmp_path / "state").identical


def test_terms_from_before_the_special_ones_still_decode() -> None:
    now = [
        "a",
        "main",
        "s",
        "BTCUSDT@ib",
        "buy",
        "limit",
        "1",
        "2",
        None,
        "day",
        False,
        True,
        None,
        "tag",
        None,
    ]
    before = now[:-1]
    wanted = msgspec.msgpack.decode(msgspec.msgpack.encode(now), type=OrderTerms)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=OrderTerms) == wanted
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode([*now, 1]), type=OrderTerms)
