"""History on disk: the catalogue, what goes into it, and what is wrong with it."""
