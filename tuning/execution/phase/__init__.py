"""One phase of a study on Ray: its machines, its places, and the run of Ray Tune."""
