"""A front that counts noise: what the trials of a search vary by, which are members, which is recommended, who raced."""
