"""Incremental indicators, usable bar by bar and over arrays."""
