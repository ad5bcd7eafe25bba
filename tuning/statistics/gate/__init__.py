"""The gate to the registry: whether a challenger may replace the champion, at what is left of the error level."""
