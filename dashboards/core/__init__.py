"""The machinery of the report: what panels read, what they return, and the page they stand on."""
