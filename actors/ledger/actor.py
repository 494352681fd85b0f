"""Ledger: books what was filled, moved and opened, and says what is owned, earned and worth.

Reads   OrderFilled, FillCorrected      from oms
        AccountEvidence, QueryAccount   venue's statements and when they were asked for
        BrokerStarted                   open questions are void
        AccountReconciled               orders and fills of a statement are booked: its balances are judged
        PositionSplit, PositionCharged  what holding has brought or cost, from venues
        CashTransferred, LotOpened, PositionMoved, ExternalFillShown, ExternalFillMoved   not by our trading
        Started, SnapshotDue            begins, and keeps up, the snapshots
Writes  PositionChanged                 last message of a booking, one per fill
        ChargeBooked, ContractsChanged  each strategy's part of a charge; open derivatives
        BalanceChanged, TradeClosed, CashTransferred, AccountSnapshot, StatementDisagrees, StatementAgrees
State   journals, lots, round trips, equity peaks, statements in doubt, booked transfers, newest fill keys,
        fills that may be corrected
Fails   fatal: a fill booked twice or books that contradict themselves raise InvariantBroken

A fee in the base asset is paid by the position: what a strategy may sell is what it received. A buy adds
its quantity minus the fee; a sale takes the fee from what is still long after it. That part counts as sold
for the fee at the price of the fill, so realised P&L stays before fees. Any other fee, and what no position
is left to pay, comes out of the account's holding of that asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from actors.core.actor import CoreActor
from actors.errors import InvariantBroken
from actors.ledger.account_book import AccountBook, AccountBookState, LedgerAccount
from actors.ledger.attribution import Attribution, attributions, slippage_of
from actors.ledger.booking import (
    BookedKeys,
    book_lot,
    check_bookable,
    check_configured,
    configured,
    touched_by,
)
from actors.ledger.charges import book_charge
from actors.ledger.corrections import Corrections, Record
from actors.ledger.equity import at_mark, equity
from actors.ledger.exact import add, subtract
from actors.ledger.in_kind import fee_value, follow_external, paid_by_position, shrink
from actors.ledger.lots import Position, follow_trip, hand_over, trade
from actors.ledger.splits import book_split
from actors.ledger.statements import comparable, opening_transfers
from actors.ledger.telling import contracts_changed, position_changed, trade_closed
from actors.messages.account import (
    AccountEvidence,
    AccountReconciled,
    AccountSnapshot,
    BalanceChanged,
    CashTransferred,
    ExternalFillMoved,
    ExternalFillShown,
    LotOpened,
    StatementAgrees,
)
from actors.messages.assigning import PositionMoved
from actors.messages.clearing import PositionCharged, PositionSplit
from actors.messages.control import BrokerStarted, SnapshotDue, Started
from actors.messages.corrections import FillCorrected
from actors.messages.orders import OrderFilled, QueryAccount
from actors.model.instrument import Instrument
from actors.model.money import ZERO
from actors.views.valuation import Valuation


class LedgerState(msgspec.Struct, array_like=True):
    """The books as checkpoints keep them."""

    accounts: dict[str, AccountBookState]
    positions: list[Position]
    fill_keys: list[tuple[str, str, str, str]]
    timer_due: int
    corrections: list[Record] = []


class LedgerActor(CoreActor):
    """Books of all accounts."""

    name = "ledger"
    state_type = LedgerState

    def __init__(
        self, *, accounts: Mapping[str, LedgerAccount], instruments: Mapping[str, Instrument]
    ) -> None:
        check_bookable(instruments.values())
        self._instruments = dict(instruments)
        self._valuation = Valuation(instruments.values())
        quotes = dict.fromkeys(instrument.quote for instrument in instruments.values())
        self._books = {
            name: AccountBook(settings, {**quotes, settings.base_currency: None})
            for name, settings in accounts.items()
        }
        self._stated: dict[str, AccountEvidence] = {}
        """Statements of this step whose orders and fills the OMS is about to settle."""
        self._positions: dict[tuple[str, str, str], Position] = {}
        self._booked = BookedKeys()
        self._corrections = Corrections()
        self._timer_due = 0

    # reading, for projections and control

    def accounts(self) -> tuple[str, ...]:
        """Names of all accounts."""
        return tuple(self._books)

    def balances(self, account: str) -> dict[str, Decimal]:
        """What the account holds per asset, by our books."""
        return dict(self._book(account).journal.holdings)

    def trial_balance(self, account: str) -> dict[str, Decimal]:
        """Debits minus credits per asset; zero as long as the books are whole."""
        return self._book(account).journal.trial_balance()

    def positions(self, account: str) -> list[Position]:
        """Positions of all strategies of the account, flat ones included; read only."""
        return [position for position in self._positions.values() if position.account == account]

    def attribution(self, account: str) -> list[Attribution]:
        """Of each strategy and instrument of the account: what trading gave, and what each cost took."""
        journal = self._book(account).journal
        return attributions(self.positions(account), self._instruments, self.market, journal)

    def at_mark(self, account: str, strategy: str | None = None) -> AccountSnapshot:
        """The account as it stands now, with P&L and fees of one strategy if named; changes nothing."""
        book = self._book(account)
        positions = [each for each in self.positions(account) if strategy in (None, each.strategy)]
        return at_mark(account, book, positions, self._instruments, self._valuation, self.market, self.now)

    # trading

    def on_order_filled(self, fill: OrderFilled) -> None:
        """Book one execution."""
        book, instrument = self._book(fill.account), self.instrument(fill.instrument)
        if not self._booked.is_new((fill.account, fill.instrument, fill.venue_order_id, fill.trade_id)):
            raise InvariantBroken(f"fill {fill.trade_id} of order {fill.client_order_id} came a second time")
        position = self._position(fill.account, fill.strategy, fill.instrument)
        quantity = fill.quantity if fill.side == "buy" else -fill.quantity
        price, ts = fill.price, fill.ts_event
        fee, in_kind = fill.fee, paid_by_position(fill, instrument, position.quantity)
        change = subtract(quantity, in_kind) if in_kind else quantity
        is_derivative, quote, holdings = instrument.is_derivative, instrument.quote, book.journal.holdings
        before = {} if is_derivative else {instrument.base: holdings.get(instrument.base, ZERO)}
        before[quote] = holdings.get(quote, ZERO)
        if fee and fill.fee_currency not in before:
            before[fill.fee_currency] = holdings.get(fill.fee_currency, ZERO)

        name = self._corrections.note(fill, position, change, in_kind) if fill.revision else ""
        realised, closed = trade(position, instrument, change, price, ts, name)
        fee_in_quote = fee_value(fill, instrument, self._valuation, self.market) if fee else fee
        ended = follow_trip(position, instrument, change, closed, fee_in_quote, ts)
        position.slippage += slippage_of(fill, instrument)
        book.take_fill(instrument, quantity, price, in_kind, realised)
        rest = subtract(fee, in_kind) if in_kind else fee
        if rest:
            book.journal.move(fill.fee_currency, rest, "fees", "holdings")
        net = book.net[fill.instrument] = add(book.net.get(fill.instrument, ZERO), change)

        self._send_balances(book, fill.account, before, ts, by_us=True)
        if is_derivative:
            self.send(contracts_changed(fill.account, instrument, book.contracts, ts))
        if ended is not None:
            self.send(trade_closed(position, ended, ts))
        self.send(position_changed(position, net, ts, fill.client_order_id, fill.quantity))

    def on_fill_corrected(self, corrected: FillCorrected) -> None:
        """Put other figures in the place of an execution's."""
        account, name, word = corrected.account, corrected.instrument, f"revision {corrected.revision}"
        book, instrument = self._book(account), self.instrument(name)
        key = (account, name, corrected.venue_order_id, f"{corrected.trade_id} {word}")
        if not self._booked.is_new(key):
            raise InvariantBroken(f"{word} of fill {corrected.trade_id} came a second time")
        position = self._position(account, corrected.strategy, name)
        before = touched_by(corrected, instrument, book)
        ended = self._corrections.book(book, position, instrument, corrected, self._valuation, self.market)
        ts = corrected.ts_event
        self._send_balances(book, account, before, ts, by_us=True)
        if instrument.is_derivative:
            self.send(contracts_changed(account, instrument, book.contracts, ts))
        if ended is not None:
            self.send(trade_closed(position, ended, ts))
        changed = corrected.quantity_change
        self.send(position_changed(position, book.net[name], ts, corrected.client_order_id, changed))

    def _position(self, account: str, strategy: str, instrument: str) -> Position:
        key = (account, strategy, instrument)
        position = self._positions.get(key)
        if position is None:
            position = self._positions[key] = Position(*key)
        return position

    def on_lot_opened(self, lot: LotOpened) -> None:
        """Book a holding as the strategy's; once per lot id, and never against what it holds by now."""
        book, instrument = self._book(lot.account), self.instrument(lot.instrument)
        if lot.lot_id in book.lots_opened or not lot.quantity:
            return
        position = self._position(lot.account, lot.strategy, lot.instrument)
        if position.quantity and (position.quantity > ZERO) != (lot.quantity > ZERO):
            return
        equity_before = self._equity(lot.account)
        net = book_lot(book, position, instrument, lot)
        book.equity_moved(equity_before, self._equity(lot.account))
        if instrument.is_derivative:
            self.send(contracts_changed(lot.account, instrument, book.contracts, lot.ts_event))
        self.send(position_changed(position, net, lot.ts_event, None, ZERO))

    # what holding brings without a trade

    def on_position_moved(self, moved: PositionMoved) -> None:
        """One strategy's position is another's; the account is what it was."""
        for position in hand_over(self._positions, moved):
            net = self._book(moved.account).net[moved.instrument]
            self.send(position_changed(position, net, moved.ts_event, None, ZERO))

    def on_position_split(self, split: PositionSplit) -> None:
        """Book new quantities and the cash for fractions, once."""
        book, instrument = self._book(split.account), self.instrument(split.instrument)
        if not self._booked.is_new((split.account, split.instrument, "split", split.action_id)):
            return
        self._corrections.forget(split.account, split.instrument)
        before = {name: book.journal.total("holdings", name) for name in (instrument.base, instrument.quote)}
        said = book_split(book, self.positions(split.account), instrument, split)
        self._send_balances(book, split.account, before, split.ts_event)
        for message in said:
            self.send(message)

    def on_position_charged(self, charge: PositionCharged) -> None:
        """Book a dividend, funding, a borrow fee or interest, once."""
        book = self._book(charge.account)
        if not self._booked.is_new((charge.account, charge.instrument or "", charge.kind, charge.charge_id)):
            return
        before = {charge.asset: book.journal.total("holdings", charge.asset)}
        said = book_charge(book, self.positions(charge.account), charge)
        self._send_balances(book, charge.account, before, charge.ts_event)
        for message in said:
            self.send(message)

    # cash and statements

    def on_cash_transferred(self, transfer: CashTransferred) -> None:
        """Book a transfer, once per transfer id."""
        self._book_transfer(transfer)

    def _book_transfer(self, transfer: CashTransferred) -> bool:
        book = self._book(transfer.account)
        if transfer.transfer_id in book.transfers or not transfer.amount:
            return False
        book.transfers[transfer.transfer_id] = None
        before = {transfer.asset: book.journal.holdings.get(transfer.asset, ZERO)}
        equity_before = self._equity(transfer.account)
        book.journal.move(transfer.asset, transfer.amount, "holdings", transfer.reason)
        holders = self.positions(transfer.account) if transfer.amount < ZERO else []
        shrunk = shrink(book, holders, self._instruments, transfer.asset)
        book.equity_moved(equity_before, self._equity(transfer.account))
        self._send_balances(book, transfer.account, before, transfer.ts_event)
        if book.statements.transferred(transfer.asset):
            ts = transfer.ts_event
            self.send(StatementAgrees(ts_event=ts, account=transfer.account, asset=transfer.asset))
        for position in shrunk:
            net = book.net[position.instrument]
            self.send(position_changed(position, net, transfer.ts_event, None, ZERO))
        return True

    def on_query_account(self, query: QueryAccount) -> None:
        """From now on our totals are remembered until the answer."""
        self._book(query.account).statements.asked(query.asked_seq)

    def on_broker_started(self, started: BrokerStarted) -> None:
        """What was asked over the connection before will not be answered."""
        if started.account in self._books:
            self._books[started.account].statements.connection_lost()

    def on_account_evidence(self, evidence: AccountEvidence) -> None:
        """Balances say something once the orders and fills that came with them are settled."""
        self._book(evidence.account)
        self._stated[evidence.account] = evidence

    def on_account_reconciled(self, reconciled: AccountReconciled) -> None:
        """Check the books against themselves; open them by the first statement, judge every later one."""
        name = reconciled.account
        book = self._book(name)
        evidence = self._stated.pop(name, None)
        if evidence is not None and evidence.balances is not None:
            stated, ours = comparable(evidence, book.journal.holdings, self._instruments.values())
            if book.is_open:
                for verdict in book.statements.judge(evidence, stated, ours):
                    if not isinstance(verdict, CashTransferred) or self._book_transfer(verdict):
                        self.send(verdict)
            else:
                book.is_open = True
                self._open(evidence, evidence.balances.asked_seq, stated)
        broken = book.broken(self.positions(name), self._instruments)
        if broken is not None:
            raise InvariantBroken(f"books of {name}: {broken}")

    def _open(self, evidence: AccountEvidence, asked_seq: int, stated: dict[str, Decimal]) -> None:
        book = self._book(evidence.account)
        moved = book.statements.opening.near
        for transfer in opening_transfers(evidence, stated, book.journal.holdings):
            # booked at once: whoever trades from this step on must know the balance
            if self._book_transfer(transfer):
                self.send(transfer)
        book.statements.begin(asked_seq, evidence.venue_time_ms, moved)

    def on_external_fill(self, fill: ExternalFillShown | ExternalFillMoved) -> None:
        """Somebody else's execution moves holdings; one that was ours is taken back."""
        book, _ = self._book(fill.account), self.instrument(fill.instrument)
        before, equity_before = dict(book.journal.holdings), self._equity(fill.account)
        followed = follow_external(book, self.positions(fill.account), self._instruments, fill)
        if followed.is_transfer:
            book.equity_moved(equity_before, self._equity(fill.account))
        touched = {asset: before.get(asset, ZERO) for asset in followed.assets}
        self._send_balances(book, fill.account, touched, fill.ts_event)
        for position, trip in followed.ended:
            self.send(trade_closed(position, trip, fill.ts_event))
        for position in followed.positions:
            self.send(position_changed(position, book.net[position.instrument], fill.ts_event, None, ZERO))

    # snapshots

    def on_started(self, started: Started) -> None:
        """Begin the snapshots; timers of a former life go on by themselves."""
        if not self._timer_due:
            self._set_timer()

    def on_snapshot_due(self, due: SnapshotDue) -> None:
        """Publish every account whose interval has passed, late ones once."""
        for name, book in self._books.items():
            if book.snapshot_due <= self.now:
                book.snapshot_due = book.next_snapshot(self.now)
                if book.is_open:
                    snapshot = self.at_mark(name)
                    book.valued(snapshot.equity)
                    self.send(snapshot)
        self._set_timer()

    def _set_timer(self) -> None:
        for book in self._books.values():
            if not book.snapshot_due:
                book.snapshot_due = book.next_snapshot(self.now)
        if self._books:
            due = self._timer_due = min(book.snapshot_due for book in self._books.values())
            self.set_timer(due, SnapshotDue(ts_event=due))

    def _equity(self, account: str) -> float:
        return equity(self._book(account), self._valuation, self.market)

    # sending

    def _send_balances(
        self, book: AccountBook, account: str, before: Mapping[str, Decimal], ts: int, *, by_us: bool = False
    ) -> None:
        """Of the assets that a booking has touched, each with its total before it."""
        holdings = book.journal.holdings
        for asset, held in before.items():
            total = holdings.get(asset, ZERO)
            if total != held:
                book.statements.changed(self.seq, asset, held, total, ts, by_us=by_us)
            self.send(BalanceChanged(ts_event=ts, account=account, asset=asset, total=total))

    def _book(self, account: str) -> AccountBook:
        return configured(self._books, account, "for account")

    def instrument(self, name: str) -> Instrument:
        """What the books know of it."""
        return configured(self._instruments, name, "in instrument")

    # state

    def snapshot(self) -> LedgerState:
        """The whole books."""
        return LedgerState(
            accounts={name: book.snapshot() for name, book in self._books.items()},
            positions=[position.copy() for position in self._positions.values()],
            fill_keys=self._booked.snapshot(),
            timer_due=self._timer_due,
            corrections=self._corrections.snapshot(),
        )

    def restore(self, state: LedgerState) -> None:
        """Take a checkpoint's books.

        Raises:
            ConfigError: They hold something of an account or instrument that is no longer configured.
        """
        check_configured(state.positions, self._books, self._instruments)
        for name, book in state.accounts.items():
            if name in self._books:
                self._books[name].restore(book)
        self._positions = {(p.account, p.strategy, p.instrument): p.copy() for p in state.positions}
        self._booked.restore(state.fill_keys)
        self._timer_due = state.timer_due
        self._corrections.restore(state.corrections)
