"""Reconciliation: what is done about differences between our books and the venues."""
