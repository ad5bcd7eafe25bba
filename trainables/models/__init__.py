"""Networks in plain torch: one file is one network."""
