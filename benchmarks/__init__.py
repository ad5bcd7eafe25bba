"""What fertune claims, as commands that measure it."""
