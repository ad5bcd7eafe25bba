"""The six rows of Res-RBG's ablation on hard drawn faces, where one frame is ambiguous and only the change tells the class.

It shows that the machinery of an ablation works, and says nothing about real faces. The network is that of `demo`, the rows
are those of `res_rbg_components` (Mou et al., Sensors 2025, 25, 3829, who publish none on this data). Two classes, two
clips of each from 80 people: with four classes and one clip from 60 no row leaves chance level. One training on fold 0
took 90 s of a core for the full model, which was right on 62 % of its test clips, and 75 s for the baseline, 59 %: three seeds
on five folds are 90 trainings, about an hour on 2 cores. The table in benchmarks/RESULTS.md is of one seed.

    python tune.py run res_rbg_components_drawn --folds all --seeds 3
    python tune.py run res_rbg_components_drawn --smoke
"""

import dataclasses

from search_spaces import demo, res_rbg_components
from search_spaces.core.designs import named

STUDY = dataclasses.replace(
    demo.STUDY,
    parameters={},
    design=named(res_rbg_components.ROWS, reference="baseline"),
    settings={**demo.STUDY.settings, "gru_hidden": 64, "num_frames": 4, "epochs": 30},
    drawing={
        **demo.STUDY.drawing,
        "difficulty": "hard",
        "num_subjects": 80,
        "clips_per_class": 2,
        "classes": ("happiness", "surprise"),
    },
    smoke={**demo.STUDY.smoke, "gru_hidden": 8},
)
