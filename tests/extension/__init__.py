"""Examples of what may be added to fertune, laid out as the tree of the code; CONTRIBUTING quotes them."""
