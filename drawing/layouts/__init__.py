"""Drawn data sets on disk: one file writes the layout of one data set."""
