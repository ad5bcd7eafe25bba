"""How wide a GRU: the full Res-RBG on CK+ from 64 to 1,024 hidden units (Mou et al., Sensors 2025, 25, 3829).

The source gives no such table, and not its width; 696 is the only one that we found to give its 64.20 M parameters. Settings
as in `res_rbg_ck_plus`. Not measured here yet: the data needs its owners' licence.

    python tune.py run res_rbg_width --data-root CK+ --folds all --seeds 3
    python tune.py run res_rbg_width --smoke
"""

import dataclasses

from search_spaces import res_rbg_ck_plus, res_rbg_components
from search_spaces.core.designs import sweep

STUDY = dataclasses.replace(
    res_rbg_components.STUDY,
    design=sweep("gru_hidden", [64, 128, 256, 512, 696, 1024], reference=696),
    settings={**res_rbg_ck_plus.STUDY.settings, **res_rbg_components.ROWS["full"]},
    smoke=res_rbg_ck_plus.STUDY.smoke,
    published={"gru_hidden=696": {"accuracy": 0.9810, "param_count": 64_200_000}},
)
