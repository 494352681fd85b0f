"""The public market of the exchange: books, trades and klines, whatever source they come from."""
