"""The machinery of `benchmarks.chaos`: a cluster and servers of its own, what is done to them, and the verdict."""
