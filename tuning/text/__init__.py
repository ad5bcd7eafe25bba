"""Text for users: options, errors, progress, quantities, tables."""
