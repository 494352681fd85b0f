"""One folder per venue: wire structs, translation, feed, broker."""
