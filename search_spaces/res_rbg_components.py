"""The six rows of Res-RBG's ablation on CK+: masking, bidirectional GRU, RBG, ECA, G-ECA (Mou et al., Sensors 2025, 25, 3829).

Published (accuracy in %, and a time in s whose meaning is not stated):

| baseline | + random masking | + bi-GRU | + RBG | + ECA | + G-ECA (full) |
|---|---|---|---|---|---|
| 96.90, 0.576 | 97.28, 0.539 | 97.36, 0.564 | 97.39, 0.713 | 97.77, 0.734 | 98.10, 0.744 |

The rows are read as `trainables/res_rbg.py` writes them out (`PRESETS`). The largest difference is 1.2 points, four
sequences of 327: see what `--dry-run` says can be detected. Settings as in `res_rbg_ck_plus`; no people are locked away, and
all ten folds are compared. Not measured here yet: the data needs its owners' licence.

    python tune.py run res_rbg_components --data-root CK+ --folds all --seeds 3
    python tune.py run res_rbg_components --smoke
"""

import dataclasses

from search_spaces import res_rbg_ck_plus
from search_spaces.core.designs import named
from trainables.res_rbg import PRESETS

# What the rows differ in. Backbone, width and shortcut are the study's, so that a small network has the same rows.
COMPONENTS = ("masking_rate", "recurrent", "rbg_depth", "attention")
ROWS = {
    row: {key: PRESETS[row][key] for key in COMPONENTS}
    for row in ("baseline", "random_masking", "bi_gru", "rbg", "eca", "full")
}

STUDY = dataclasses.replace(
    res_rbg_ck_plus.STUDY,
    parameters={},
    first_points=(),
    controls={},
    design=named(ROWS, reference="baseline"),
    settings={**res_rbg_ck_plus.STUDY.settings, "gru_hidden": 696},
    smoke={**res_rbg_ck_plus.STUDY.smoke, "gru_hidden": 8},
    published={
        "baseline": {"accuracy": 0.9690, "published_time_s": 0.576},
        "random_masking": {"accuracy": 0.9728, "published_time_s": 0.539},
        "bi_gru": {"accuracy": 0.9736, "published_time_s": 0.564},
        "rbg": {"accuracy": 0.9739, "published_time_s": 0.713},
        "eca": {"accuracy": 0.9777, "published_time_s": 0.734},
        "full": {"accuracy": 0.9810, "published_time_s": 0.744},
    },
)
