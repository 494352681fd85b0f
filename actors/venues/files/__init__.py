"""Historical files as market data."""
