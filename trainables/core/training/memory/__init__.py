"""The memory of a training: how much a step takes, how it can do with less, and what of it fits a device."""
