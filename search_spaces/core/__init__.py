"""The machinery that every study shares."""
