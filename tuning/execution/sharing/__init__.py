"""Sharing a cluster: who may hold how many slots now, so that several people's studies run side by side."""
