"""What a study varies: one file is one study, with `STUDY`."""
