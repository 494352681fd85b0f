"""A package of its own, so that no other package that ships one called `tests` is taken for it."""
