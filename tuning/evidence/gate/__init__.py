"""The gate to the registry: what it may err in, and what it costs to ask."""
