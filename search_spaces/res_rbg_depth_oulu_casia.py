"""How many RBG blocks: Res-RBG with one, two and three on Oulu-CASIA (Mou et al., Sensors 2025, 25, 3829).

Published (accuracy in %, and a time in s whose meaning is not stated): one block 87.90, 775.3; two 88.64, 848.8; three
88.69, 953.7. Settings as in `res_rbg_depth`. Not measured here yet: the data needs its owners' licence.

    python tune.py run res_rbg_depth_oulu_casia --data-root Oulu_CASIA --folds all --seeds 3
    python tune.py run res_rbg_depth_oulu_casia --smoke
"""

import dataclasses

from search_spaces import res_rbg_depth, res_rbg_oulu_casia

STUDY = dataclasses.replace(
    res_rbg_depth.STUDY,
    dataset="oulu_casia",
    registered_model="oulu_casia",
    drawing=res_rbg_oulu_casia.STUDY.drawing,
    published={
        "rbg_depth=1": {"accuracy": 0.8790, "published_time_s": 775.3},
        "rbg_depth=2": {"accuracy": 0.8864, "published_time_s": 848.8},
        "rbg_depth=3": {"accuracy": 0.8869, "published_time_s": 953.7},
    },
)
