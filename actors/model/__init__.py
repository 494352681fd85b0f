"""Value types and their rounding."""
