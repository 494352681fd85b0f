"""The simulated venue: one core actor for backtest, paper trading and the exchange process."""
