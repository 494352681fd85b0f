"""Where alerts go: one module per kind of channel, all behind the port in `port.py`."""
