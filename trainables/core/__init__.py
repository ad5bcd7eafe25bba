"""The machinery that every trainable shares: data set contract, face cropping, cache, folds, trainer, metrics, serving."""
