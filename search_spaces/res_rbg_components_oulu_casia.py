"""The six rows of Res-RBG's ablation on Oulu-CASIA (Mou et al., Sensors 2025, 25, 3829).

Published (accuracy in %, and a time in s whose meaning is not stated):

| baseline | + random masking | + bi-GRU | + RBG | + ECA | + G-ECA (full) |
|---|---|---|---|---|---|
| 86.32, 0.639 | 86.61, 0.616 | 86.87, 0.629 | 86.91, 0.681 | 87.76, 0.693 | 88.64, 0.704 |

Rows and settings are those of `res_rbg_components`. Not measured here yet: the data needs its owners' licence.

    python tune.py run res_rbg_components_oulu_casia --data-root Oulu_CASIA --folds all --seeds 3
    python tune.py run res_rbg_components_oulu_casia --smoke
"""

import dataclasses

from search_spaces import res_rbg_components, res_rbg_oulu_casia

STUDY = dataclasses.replace(
    res_rbg_components.STUDY,
    dataset="oulu_casia",
    registered_model="oulu_casia",
    drawing=res_rbg_oulu_casia.STUDY.drawing,
    published={
        "baseline": {"accuracy": 0.8632, "published_time_s": 0.639},
        "random_masking": {"accuracy": 0.8661, "published_time_s": 0.616},
        "bi_gru": {"accuracy": 0.8687, "published_time_s": 0.629},
        "rbg": {"accuracy": 0.8691, "published_time_s": 0.681},
        "eca": {"accuracy": 0.8776, "published_time_s": 0.693},
        "full": {"accuracy": 0.8864, "published_time_s": 0.704},
    },
)
