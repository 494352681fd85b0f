-- Version 1 of state/tickerd.db. Amounts are exact decimal text, times nanoseconds UTC; `seq` is the input on the tape.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY,
    chain BLOB NOT NULL,
    created INTEGER NOT NULL,
    snapshot BLOB NOT NULL, -- zstd
    digest BLOB NOT NULL    -- of seq, chain and the snapshot before compression
);

CREATE TABLE orders (
    client_order_id TEXT PRIMARY KEY,
    venue_order_id TEXT,
    account TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    side TEXT,
    order_type TEXT,
    quantity TEXT,
    price TEXT,
    stop_price TEXT,
    time_in_force TEXT,
    replaces TEXT,
    special TEXT,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    filled TEXT NOT NULL DEFAULT '0',
    seq_created INTEGER NOT NULL,
    ts_created INTEGER NOT NULL,
    seq_updated INTEGER NOT NULL,
    ts_updated INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX orders_by_time ON orders (ts_created);

CREATE TABLE fills (
    account TEXT NOT NULL,
    instrument TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    strategy TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL,
    liquidity TEXT NOT NULL,
    mid_price REAL,
    ts_event INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    fee_known INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (account, instrument, venue_order_id, trade_id)
) WITHOUT ROWID;
CREATE INDEX fills_by_seq ON fills (seq);
CREATE INDEX fills_by_order ON fills (client_order_id);

CREATE TABLE corrections (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account TEXT NOT NULL,
    instrument TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    strategy TEXT NOT NULL,
    revision INTEGER NOT NULL,
    quantity_before TEXT NOT NULL,
    price_before TEXT NOT NULL,
    fee_before TEXT NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

CREATE TABLE positions (
    account TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    quantity TEXT NOT NULL,
    entry_price_average TEXT NOT NULL,
    realised_pnl TEXT NOT NULL,
    account_quantity TEXT NOT NULL,
    ts INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account, strategy, instrument)
) WITHOUT ROWID;

CREATE TABLE balances (
    account TEXT NOT NULL,
    asset TEXT NOT NULL,
    total TEXT NOT NULL,
    ts INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account, asset)
) WITHOUT ROWID;

CREATE TABLE trades (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account TEXT NOT NULL,
    strategy TEXT NOT NULL,
    instrument TEXT NOT NULL,
    direction TEXT NOT NULL,
    quantity TEXT NOT NULL,
    entry_price TEXT NOT NULL,
    exit_price TEXT NOT NULL,
    realised_pnl TEXT NOT NULL,
    fees TEXT NOT NULL,
    ts_opened INTEGER NOT NULL,
    ts_closed INTEGER NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

CREATE TABLE equity (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    equity REAL NOT NULL,
    cash REAL NOT NULL,
    unrealised_pnl REAL NOT NULL,
    realised_pnl REAL NOT NULL,
    fees REAL NOT NULL,
    drawdown REAL NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

CREATE TABLE transfers (
    account TEXT NOT NULL,
    transfer_id TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    reason TEXT NOT NULL,
    ts INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account, transfer_id)
) WITHOUT ROWID;

CREATE TABLE alerts (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('warning', 'critical')),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;

CREATE TABLE approvals (
    approval_id TEXT PRIMARY KEY,
    what TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'refused')),
    asked_by TEXT NOT NULL,
    settled_by TEXT,
    ts INTEGER NOT NULL,
    seq INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    by TEXT NOT NULL,
    command_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    text TEXT NOT NULL,
    ts INTEGER NOT NULL,
    hash BLOB NOT NULL, -- of the row before and this one
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;
