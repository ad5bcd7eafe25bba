"""Jobs of a Ray cluster: where they are submitted, what goes with them, how one is followed. No Ray is joined here."""
