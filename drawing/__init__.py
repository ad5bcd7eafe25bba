"""Faces drawn for those who have no data yet."""
