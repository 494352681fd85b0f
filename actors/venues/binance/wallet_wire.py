"""What Binance's wallet calls answer: money that came and went other than by trading."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.venues.binance.wire import Milliseconds, Wire


class Deposit(Wire, frozen=True, gc=False, rename="camel"):
    """A row of the history of deposits."""

    id: str
    amount: Decimal
    coin: str
    status: int
    insert_time: Milliseconds
    complete_time: Milliseconds | None = None
    wallet_type: int = 0


class Withdrawal(Wire, frozen=True, gc=False, rename="camel"):
    """A row of the history of withdrawals."""

    id: str
    amount: Decimal
    coin: str
    status: int
    apply_time: str
    transaction_fee: Decimal = Decimal(0)
    wallet_type: int = 0


class DustDetail(Wire, frozen=True, gc=False, rename="camel"):
    """One small balance that was converted."""

    trans_id: int
    from_asset: str
    amount: Decimal
    transfered_amount: Decimal
    """What came of it, the venue's charge taken off; spelt as the venue spells it."""
    operate_time: Milliseconds
    target_asset: str = "BNB"


class DustBatch(Wire, frozen=True, gc=False, rename="camel"):
    """Small balances converted at once."""

    user_asset_dribblet_details: list[DustDetail]


class DustLog(Wire, frozen=True, gc=False, rename="camel"):
    """Answer to the question for conversions."""

    user_asset_dribblets: list[DustBatch]


class Dividend(Wire, frozen=True, gc=False, rename="camel"):
    """One distribution."""

    id: int
    asset: str
    amount: Decimal
    div_time: Milliseconds


class Dividends(Wire, frozen=True, gc=False):
    """Answer to the question for distributions."""

    rows: list[Dividend]


class WalletMove(Wire, frozen=True, gc=False, rename="camel"):
    """Money moved between wallets of one owner."""

    tran_id: int
    asset: str
    amount: Decimal
    status: str
    timestamp: Milliseconds


class WalletMoves(Wire, frozen=True, gc=False):
    """Answer to the question for moves of one kind; without rows where there were none."""

    rows: tuple[WalletMove, ...] = ()


DEPOSIT_ROWS = msgspec.json.Decoder(list[Deposit])
WITHDRAWAL_ROWS = msgspec.json.Decoder(list[Withdrawal])
DUST_LOG = msgspec.json.Decoder(DustLog)
DIVIDENDS = msgspec.json.Decoder(Dividends)
WALLET_MOVES = msgspec.json.Decoder(WalletMoves)
