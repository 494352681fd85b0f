"""Builds bars."""
