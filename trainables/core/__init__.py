"""The machinery that every trainable shares: prepared data, training, serving, and what knows Ray."""
