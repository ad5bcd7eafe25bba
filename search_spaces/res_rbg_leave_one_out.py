"""What each component is worth to the full Res-RBG on CK+: the model without masking, gate, recurrence or RBG blocks.

The source adds its components one after another (`res_rbg_components`); this takes one at a time out of the whole (Mou et al.,
Sensors 2025, 25, 3829: full model 98.10 %). `order` replaces everything recurrent by a mean over time, the order-blind
control. Settings as in `res_rbg_ck_plus`. Not measured here yet: the data needs its owners' licence.

    python tune.py run res_rbg_leave_one_out --data-root CK+ --folds all --seeds 3
    python tune.py run res_rbg_leave_one_out --smoke
"""

import dataclasses

from search_spaces import res_rbg_components
from search_spaces.core.designs import leave_one_out

STUDY = dataclasses.replace(
    res_rbg_components.STUDY,
    design=leave_one_out(
        {**res_rbg_components.ROWS["full"], "temporal": "gru"},
        {
            "masking": {"masking_rate": 0.0},
            "gate": {"attention": "none"},
            "residual_blocks": {"recurrent": "bi_gru"},
            "bidirectional_layers": {"rbg_depth": 0},
            "order": {"temporal": "mean"},
        },
    ),
    published={"full": {"accuracy": 0.9810, "param_count": 64_200_000}},
)
