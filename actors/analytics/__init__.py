"""Performance figures, pure functions over arrays.

Whoever imports one of them loads NumPy; a live daemon does not.
"""
