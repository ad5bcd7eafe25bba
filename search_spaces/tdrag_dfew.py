"""TDRAG on DFEW: redundancy threshold, number of keyframes, GRU width, attention (Liu et al., Journal of XPU 2024).

Published: +4.27 WAR and +4.16 UAR over 3-D ResNet-18; base, settings and hardware are not openly available. Public tables give
3-D ResNet-18 58.27 WAR and 46.52 UAR on DFEW, so 62.54 and 50.68 if that is the base: compare the gain, not the level.

Not specified by the source, chosen: 112 px, 40 epochs, batches of 32, AdamW at 1e-3, weights from scratch (a local file:
`weights` kinetics). Folds: the five official ones, which name no subjects; a search locks 20 % of the clips away before.
Not measured here yet: the data needs its owners' licence.

    python tune.py run tdrag_dfew --data-root DFEW --num-samples 30
    python tune.py run tdrag_dfew --smoke
"""

from ray import tune

from search_spaces.core.study import Objective, Study

STUDY = Study(
    trainable="tdrag",
    dataset="dfew",
    registered_model="dfew",
    parameters={
        "redundancy_threshold": tune.choice([0.9, 0.95, 0.98, 0.99]),
        "num_frames": tune.choice([8, 12, 16]),
        "gru_hidden": tune.choice([128, 256, 512]),
        "attention": tune.choice(["none", "spatial_3d"]),
    },
    settings={"frame_selection": "keyframes", "image_size": 112, "epochs": 40, "batch_size": 32},
    objectives=(  # the classes are uneven (disgust is 1 %), so both rates count
        Objective(metric="uar"),
        Objective(metric="accuracy"),
        Objective(metric="train_time_s"),
        Objective(metric="param_count"),
    ),
    num_samples=30,
    first_points=({"redundancy_threshold": 0.98, "num_frames": 16, "gru_hidden": 256, "attention": "spatial_3d"},),
    controls={"even_frames": {"frame_selection": "even"}, "order_blind": {"temporal": "mean"}},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 9, "size": 112},
    smoke={"width": 8, "image_size": 32, "batch_size": 8, "epochs": 1},
    published={
        "3-D ResNet-18 (public tables)": {"accuracy": 0.5827, "uar": 0.4652},
        "TDRAG, if that is its base": {"accuracy": 0.6254, "uar": 0.5068},
    },
)
