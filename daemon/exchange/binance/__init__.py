"""Binance's Spot protocol from the server's side, with formats of its own: no client code is shared."""
