"""The trading system: its messages, its model, and the actors that act on them."""
