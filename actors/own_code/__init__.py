"""Code of the user's own: found, looked through before it runs, and run as it was looked through."""
