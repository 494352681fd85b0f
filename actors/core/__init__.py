"""How actors run, in all modes alike."""
