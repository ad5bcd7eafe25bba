"""What the recipes share, and what belongs to none."""
