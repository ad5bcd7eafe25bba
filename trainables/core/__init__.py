"""The machinery that every trainable shares: face cropping, cache, splits, trainer, metrics, serving, slots on Ray."""
