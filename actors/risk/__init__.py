"""The gate between portfolio and OMS."""
