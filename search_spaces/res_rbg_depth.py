"""How many RBG blocks: Res-RBG with one, two and three on CK+ (Mou et al., Sensors 2025, 25, 3829).

Published (accuracy in %, and a time in s whose meaning is not stated): one block 97.30, 574.2; two 98.10, 641.5; three
98.34, 881.8. Settings as in `res_rbg_ck_plus`, with the full model's gate and masking. Not measured here yet: the data
needs its owners' licence.

    python tune.py run res_rbg_depth --data-root CK+ --folds all --seeds 3
    python tune.py run res_rbg_depth --smoke
"""

import dataclasses

from search_spaces import res_rbg_components
from search_spaces.core.designs import sweep

FULL = {key: res_rbg_components.ROWS["full"][key] for key in ("masking_rate", "recurrent", "attention")}

STUDY = dataclasses.replace(
    res_rbg_components.STUDY,
    design=sweep("rbg_depth", [1, 2, 3], reference=2),
    settings={**res_rbg_components.STUDY.settings, **FULL},
    published={
        "rbg_depth=1": {"accuracy": 0.9730, "published_time_s": 574.2},
        "rbg_depth=2": {"accuracy": 0.9810, "published_time_s": 641.5},
        "rbg_depth=3": {"accuracy": 0.9834, "published_time_s": 881.8},
    },
)
