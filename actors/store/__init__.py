"""Tape files, checkpoints, projections, recovery."""
