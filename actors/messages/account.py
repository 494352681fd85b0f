"""What is owned: evidence from venues, movements of cash, and what the ledger makes of fills."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from actors.messages.base import Message, Value
from actors.messages.orders import Direction, FillReport, Liquidity, Side, VenueStatus


class VenueOrder(Value, frozen=True, kw_only=True):
    """One order as the venue shows it."""

    instrument: str
    client_order_id: str | None
    venue_order_id: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    status: VenueStatus
    stop_price: Decimal | None = None
    """None also where the venue's list does not tell it."""
    trail: Decimal | None = None
    """As `stop_price`; in the unit of the order's terms."""


class VenueFill(Value, frozen=True, kw_only=True):
    """One execution as the venue's fill history shows it."""

    instrument: str
    client_order_id: str | None
    venue_order_id: str
    trade_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    ts_event: int
    revision: int = 0
    fee_known: bool = True

    def report(self, account: str) -> FillReport:
        """The same execution in the form in which live ones come."""
        return FillReport(
            ts_event=self.ts_event,
            account=account,
            instrument=self.instrument,
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            trade_id=self.trade_id,
            side=self.side,
            quantity=self.quantity,
            price=self.price,
            fee=self.fee,
            fee_currency=self.fee_currency,
            liquidity=self.liquidity,
            revision=self.revision,
            fee_known=self.fee_known,
        )


class OrdersEvidence(Value, frozen=True, kw_only=True):
    """All open orders of the account."""

    asked_seq: int
    orders: tuple[VenueOrder, ...]


class FillsEvidence(Value, frozen=True, kw_only=True):
    """All fills after the paging marks given in the question, oldest first, every page read."""

    asked_seq: int
    fills: tuple[VenueFill, ...]
    read_to: dict[str, str]
    """Per instrument the trade id up to which this answer is complete."""
    corrected: tuple[VenueFill, ...] = ()
    """Fills before the marks on which the venue has had a later word; none of them is new."""


class BalancesEvidence(Value, frozen=True, kw_only=True):
    """Total holdings per asset, free and locked together."""

    asked_seq: int
    total: dict[str, Decimal]


class PositionsEvidence(Value, frozen=True, kw_only=True):
    """Signed quantity per instrument, for venues that keep positions; spot venues keep balances only."""

    asked_seq: int
    quantity: dict[str, Decimal]


class VenueTransfer(Value, frozen=True, kw_only=True):
    """One movement of money as the venue's own history of transfers shows it."""

    transfer_id: str
    asset: str
    amount: Decimal
    """Signed: > 0 came in."""
    reason: Literal["deposit", "withdrawal", "conversion"]
    ts_event: int


class TransfersEvidence(Value, frozen=True, kw_only=True):
    """Every transfer since `since`, from a venue that keeps such a history."""

    asked_seq: int
    since: int
    """Nanoseconds UTC; the answer is complete from here on."""
    transfers: tuple[VenueTransfer, ...]


class AccountEvidence(Message, frozen=True, kw_only=True):
    """Data: a venue's statement. A part that is None was not answered, which never means *nothing there*."""

    account: str
    orders: OrdersEvidence | None = None
    fills: FillsEvidence | None = None
    balances: BalancesEvidence | None = None
    positions: PositionsEvidence | None = None
    venue_time_ms: int
    """The venue's clock when the last part was answered."""
    transfers: TransfersEvidence | None = None


class AccountReconciled(Message, frozen=True, kw_only=True):
    """Event: OMS → all. The account's orders and fills agree with a complete statement of the venue."""

    account: str
    asked_seq: int


DifferenceKind = Literal[
    "balance", "position", "foreign_order", "external_fill", "external_order", "order_missing", "opening"
]


class DifferenceFound(Message, frozen=True, kw_only=True):
    """Event: OMS or reconciliation → risk, alerts. The venue shows what our books do not."""

    account: str
    kind: DifferenceKind
    subject: str
    """Asset, instrument, order id, or account."""
    ours: str
    venue: str


class DifferenceSettled(Message, frozen=True, kw_only=True):
    """Event: reconciliation → risk. Nothing is left to be answered about this instrument of the account."""

    account: str
    instrument: str


class StatementDisagrees(Message, frozen=True, kw_only=True):
    """Event: ledger → reconciliation, OMS. Consecutive complete statements differ from our books alike."""

    account: str
    asset: str
    ours: Decimal
    venue: Decimal
    answers: int
    """Statements in a row that show it; one alone is none yet."""
    agreed_seq: int
    """When the last statement that agreed on this asset was asked for; -1 for none."""
    agreed_ts: int
    """When it was made, nanoseconds UTC."""


class StatementAgrees(Message, frozen=True, kw_only=True):
    """Event: ledger → reconciliation. A difference that two statements showed is gone."""

    account: str
    asset: str


class BalanceWithheld(Message, frozen=True, kw_only=True):
    """Event: reconciliation → risk, OMS. So much of a balance does not count as there while in doubt."""

    account: str
    asset: str
    amount: Decimal
    """≥ 0; 0 gives all of it back."""


class ExternalFill(Message, frozen=True, kw_only=True):
    """Event: OMS → ledger. About one execution in our account that no order of ours has made."""

    account: str
    instrument: str
    venue_order_id: str
    trade_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str


class ExternalFillShown(ExternalFill, frozen=True, kw_only=True):
    """Event: OMS → ledger. Somebody else's: holdings change, profit and loss do not."""

    closes_ours: bool = False
    """`tickerd panic` has sold: what strategies hold first, at a profit or loss like any sale."""


class ExternalFillMoved(ExternalFill, frozen=True, kw_only=True):
    """Event: OMS → ledger. It was ours after all: its booking is reversed, `OrderFilled` follows."""


class OpeningAccepted(Message, frozen=True, kw_only=True):
    """Event: reconciliation → OMS. The operator has confirmed what an account held before our time."""

    account: str


CashReason = Literal["deposit", "withdrawal", "conversion", "adjustment", "opening"]


class CashTransferred(Message, frozen=True, kw_only=True):
    """Event: money came or went other than by trading; never profit, never loss."""

    account: str
    asset: str
    amount: Decimal
    """Signed: > 0 came in."""
    reason: CashReason
    transfer_id: str
    """The venue's id, or one made from evidence; booked once."""


class LotOpened(Message, frozen=True, kw_only=True):
    """Command: OMS → ledger. A holding of nobody's is a strategy's, as the operator has said."""

    account: str
    strategy: str
    instrument: str
    quantity: Decimal
    """Signed."""
    entry_price: Decimal
    lot_id: str


class BalanceChanged(Message, frozen=True, kw_only=True):
    """Event: ledger → risk, portfolio, strategies. What the account holds of one asset after a booking."""

    account: str
    asset: str
    total: Decimal


class PositionChanged(Message, frozen=True, kw_only=True):
    """Event: ledger → risk, portfolio, strategies. A strategy's position and its account's net as booked.

    It is the last message of a booking, one per fill, and what releases the fill's part of the order's
    reservation: until it comes the order still counts as open, so exposure is never seen too small between
    two messages.
    """

    account: str
    strategy: str
    instrument: str
    quantity: Decimal
    """The strategy's own, signed."""
    entry_price_average: Decimal
    """Quote per base; 0 when flat."""
    realised_pnl: Decimal
    """Since the first booking, quote currency, before fees."""
    account_quantity: Decimal
    """Net over all strategies of the account, signed."""
    client_order_id: str | None
    """Order whose fill was booked; None for opening lots and adjustments, `split:…` names a split."""
    filled_quantity: Decimal
    """Of that fill, > 0; what a correction has changed of one, signed; 0 for anything else."""


class TradeClosed(Message, frozen=True, kw_only=True):
    """Event: ledger → strategies. A strategy's position has returned to zero, or was flipped through it."""

    account: str
    strategy: str
    instrument: str
    direction: Direction
    quantity: Decimal
    """Largest quantity held in this round trip, > 0."""
    entry_price: Decimal
    exit_price: Decimal
    realised_pnl: Decimal
    """Quote currency, before fees."""
    fees: Decimal
    """Quote currency at the prices of their fills."""
    ts_opened: int


class AccountSnapshot(Message, frozen=True, kw_only=True):
    """Event: ledger → all, at intervals. The account at mark."""

    account: str
    currency: str
    equity: float
    cash: float
    unrealised_pnl: float
    realised_pnl: float
    fees: float
    drawdown: float
    """Fraction of the running peak, ≤ 0."""
