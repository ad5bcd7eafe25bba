"""From files to batches: faces found and cropped, cached, split and read."""
