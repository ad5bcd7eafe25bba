"""What is counted where the field counts people: people, clusters of clips that name nobody, or each clip for itself."""

from __future__ import annotations

from typing import Literal

Units = Literal["people", "clusters", "clips"]
