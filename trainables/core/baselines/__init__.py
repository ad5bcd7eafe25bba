"""Baselines of a study, measured in its first minute by whoever trains its trials (docs/decisions/0025)."""
