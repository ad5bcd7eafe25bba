"""A file here is one verb; the machinery stands in `execution`, `records`, `statistics`, `evidence` and `text`."""
