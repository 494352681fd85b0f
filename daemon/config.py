"""The typed configuration: strict, frozen, one default per field; `config_sources.py` reads it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from actors.portfolio.sizing import Sizing
from actors.reconciliation.policy import ReconcilePolicy
from actors.risk.limits import RiskLimits, StrategyLimits
from actors.venues.ib.settings import TwsSettings
from actors.venues.simulated.settings import MarketSettings, SimulatedVenueSettings
from daemon.alert_settings import AlertsSection, DeadmanSection

Mode = Literal["paper", "testnet", "live"]
Durability = Literal["process-crash", "power-loss"]

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=-1, le=65535)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the configuration; unknown keys are errors."""


class DaemonSection(Section, frozen=True, kw_only=True):
    """The process."""

    state: str = "state"
    """Folder of tape, database, lock and control socket; relative to where tickerd is started."""
    session: str | None = None
    """Label of this session; None makes one from the start time."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    drain_seconds: Positive = 10.0
    """Deadline of each part when stopping."""
    on_stop: Literal["cancel", "keep"] = "cancel"
    """What happens to resting orders at a clean stop."""
    bar_grace_ms: Annotated[int, msgspec.Meta(ge=0)] = 250
    busy_poll: bool = False
    """Ask the sockets without a pause instead of sleeping until one has something: takes a whole core."""
    seed: int = 0


class TapeSection(Section, frozen=True, kw_only=True):
    """The write-ahead log."""

    segment_mb: Count = 16
    keep_days: Positive | None = None
    keep_gb: Positive | None = None
    disk_free_min_gb: NotNegative = 1.0


class StoreSection(Section, frozen=True, kw_only=True):
    """SQLite."""

    checkpoint_seconds: Positive = 60.0
    checkpoint_inputs: Count = 200_000


class HttpSection(Section, frozen=True, kw_only=True):
    """/metrics, /healthz, /readyz."""

    host: str = "127.0.0.1"
    port: Port = 9464
    """0 lets the system choose; -1 switches HTTP off."""


class VenueSection(Section, frozen=True, kw_only=True):
    """A venue's market data."""

    kind: Literal["binance", "ib", "simulated"] = "binance"
    rest_url: str = "https://api.binance.com"
    stream_url: str = "wss://stream.binance.com:9443"
    trading_url: str = "wss://ws-api.binance.com:443/ws-api/v3"
    silence_seconds: Positive = 30.0
    """Without any message for so long a connection counts as dead."""
    tws: TwsSettings = TwsSettings()
    """Of `kind = "ib"`."""
    simulated: MarketSettings = MarketSettings()
    """How the market treats orders of backtests and of accounts with `mode = "paper"`."""


class AccountSection(Section, frozen=True, kw_only=True):
    """An account: where orders go, and what they may do."""

    venue: str
    mode: Mode
    base_currency: str
    account_id: str | None = None
    """The venue's own account id; live mode refuses to start without the matching one."""
    api_key: str | None = None
    """Name of the secret: environment variable, `NAME_FILE`, or systemd credential."""
    api_secret: str | None = None
    durability: Durability | None = None
    """None: power-loss for live, process-crash otherwise."""
    limits: RiskLimits = RiskLimits()
    time_zone: str = "UTC"
    """Where the account's day begins at midnight, such as Europe/Berlin: daily losses count from there."""
    simulated: SimulatedVenueSettings = SimulatedVenueSettings()
    """For `mode = "paper"`."""
    answer_seconds: Positive = 5.0
    """Without an answer for so long an order's outcome is unknown, and the venue is asked."""
    reconcile_minutes: Positive = 5.0
    reconcile: ReconcilePolicy = ReconcilePolicy()
    """What is done about differences between our books and the venue's statement, by kind."""
    snapshot_seconds: Positive = 10.0
    """How often the ledger publishes equity."""


class StrategySection(Section, frozen=True, kw_only=True):
    """One strategy instance."""

    use: str
    """`package.module:Class`, or `strategies/mine.py:Class`, a path relative to the configuration file."""
    account: str
    instruments: tuple[str, ...]
    """`BTCUSDT@binance`."""
    per_instrument: bool = False
    """One instance for each instrument, named `strategy-SYMBOL`, instead of one for all of them."""
    bars: tuple[str, ...] = ()
    """Timeframes: `1m`, `5m`, `1h`."""
    sizing: Sizing = Sizing()
    limits: StrategyLimits = StrategyLimits()
    parameters: dict[str, Any] = {}


class DataFile(Section, frozen=True, kw_only=True):
    """Historical input of a backtest."""

    path: str = ""
    """A file, a folder, or a pattern as `data/*.csv.gz`; relative to the configuration file."""
    catalogue: bool = False
    """Look the instrument up in the catalogue: at `path`, else in `data` of the state folder."""
    instrument: str
    kind: Literal["auto", "bars", "trades", "quotes", "book", "actions", "funding", "binance_raw"] = "auto"
    """`quotes` of bars of bid and ask: the quote at each bar's end; `auto` takes their middle as bars."""
    interval: str | None = None
    """Of bars; None: found from the file, or the smallest in the catalogue."""
    form: str | None = None
    """Of a text file, as `tickerd data import --form` names it; None: detected."""
    zone: str | None = None
    """Of times without an offset; None: the form's own, else UTC."""


class SessionSection(Section, frozen=True, kw_only=True):
    """A recorded session in the place of data files."""

    state: str | None = None
    """State folder of the daemon that recorded it, relative to where tickerd is started; None: no session."""
    label: str | None = None
    """None: the newest."""


class BacktestSection(Section, frozen=True, kw_only=True):
    """What `tickerd backtest` reads."""

    data: tuple[DataFile, ...] = ()
    session: SessionSection = SessionSection()
    market_latency_ms: NotNegative = 0.0
    """ts_init = ts_event + this."""
    equity_interval: str = "1h"
    """How often accounts are valued; every figure of equity and drawdown is made of these samples."""
    loss_interval: str = "1h"
    """How often loss limits, where any is set, look at equity; live that is `accounts.*.snapshot_seconds`."""
    at_end: Literal["keep", "close"] = "keep"
    """What becomes of open positions when the data end: kept at mark, or closed at the last price."""
    off_loop_latency_ms: NotNegative = 100.0
    """After so long a strategy has the answer to `ctx.run_off_loop`."""
    metrics: tuple[str, ...] = ()
    """Figures of your own: `package.module:function` or `file.py:function`, see `daemon.research.metrics`."""


class InstrumentSection(Section, frozen=True, kw_only=True):
    """Definition of an instrument where no venue is asked for it (files); of all others only its calendar."""

    base: str = ""
    quote: str = ""
    kind: Literal["spot", "equity", "future", "perpetual", "forex", "option"] = "spot"
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("0.00001")
    quantity_min: Decimal = Decimal(0)
    notional_min: Decimal = Decimal(0)
    multiplier: Decimal = Decimal(1)
    calendar: str = "24/7"
    """Or weekdays, or an exchange's code as XNYS."""


class Config(Section, frozen=True, kw_only=True):
    """Everything tickerd is told."""

    daemon: DaemonSection = DaemonSection()
    tape: TapeSection = TapeSection()
    store: StoreSection = StoreSection()
    http: HttpSection = HttpSection()
    venues: dict[str, VenueSection] = {}
    accounts: dict[str, AccountSection] = {}
    strategies: dict[str, StrategySection] = {}
    instruments: dict[str, InstrumentSection] = {}
    alerts: AlertsSection = AlertsSection()
    deadman: DeadmanSection = DeadmanSection()
    backtest: BacktestSection = BacktestSection()

    def answers_margin(self, account: AccountSection, *, is_simulated: bool = False) -> bool:
        """Whether the account's venue says beforehand what an order would do to the margin."""
        if is_simulated or account.mode == "paper":
            return account.simulated.account_type == "margin"
        venue = self.venues.get(account.venue)
        return venue is not None and venue.kind == "ib"
