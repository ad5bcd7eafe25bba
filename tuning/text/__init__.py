"""All words for people: options, errors, progress, quantities, tables."""
