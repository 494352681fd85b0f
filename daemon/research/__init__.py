"""Backtests, and what can be learnt from them."""
