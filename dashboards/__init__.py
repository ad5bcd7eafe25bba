"""How a study is looked at: one file is one panel of the report."""
