"""What a search expects of a point that it has not tried: its quality, and the hypervolume that it would add."""
