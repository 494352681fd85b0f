"""Sizes what strategies want."""
