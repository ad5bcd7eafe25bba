"""One trial in plain PyTorch."""
