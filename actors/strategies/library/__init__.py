"""Strategies that ship with tickerd, one file each."""
