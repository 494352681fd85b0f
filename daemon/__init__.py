"""The process around the trading system: configuration, supervision, control, command line."""
