"""TDRAG on DFEW by components: keyframes, residual attention, GRU, one more in each row (Liu et al., Journal of XPU 2024).

Published: +4.27 WAR and +4.16 UAR from 3-D ResNet-18 to the full model; no table by component is openly available, so the rows
are our reading (`trainables/tdrag.py`, `PRESETS`). The reference is 3-D ResNet-18 as others have it, for which public tables
give 58.27 WAR and 46.52 UAR. Settings as in `tdrag_dfew`. Not measured here yet: the data needs its owners' licence.

    python tune.py run tdrag_components --data-root DFEW --folds all --seeds 3
    python tune.py run tdrag_components --smoke
"""

import dataclasses

from search_spaces import tdrag_dfew
from search_spaces.core.designs import named
from search_spaces.core.study import PARETO
from trainables.tdrag import PRESETS

STUDY = dataclasses.replace(
    tdrag_dfew.STUDY,
    parameters={},
    first_points=(),
    controls={},
    objectives=PARETO,
    design=named(PRESETS, reference="r3d_18"),
    settings={
        "redundancy_threshold": 0.98,
        "num_frames": 16,
        "gru_hidden": 256,
        "image_size": 112,
        "epochs": 40,
        "batch_size": 32,
    },
    smoke={**tdrag_dfew.STUDY.smoke, "num_frames": 5, "gru_hidden": 8},
    published={"r3d_18": {"accuracy": 0.5827, "uar": 0.4652}, "full": {"accuracy": 0.6254, "uar": 0.5068}},
)
