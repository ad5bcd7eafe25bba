"""Four smiles that only order tells apart: onset, offset, neutral, smile, on real faces of 80 people.

Data: 320 clips made from the Face Research Lab London Set (DeBruine and Jones, 2017, doi 10.6084/m9.figshare.5047666),
laid out as a `clip_folder`. Onset and offset are one transition in two directions, so a model blind to order cannot
pass 75 %; the control `order_blind` measures one beside the champion. Our results, time and hardware stand in
`benchmarks/RESULTS.md`.

    python tune.py run smiles --data-root ../shared/faces/smiles
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="clip_folder",
    registered_model="smiles",
    parameters={
        "rbg_depth": tune.choice([0, 1, 2]),
        "gru_hidden": tune.choice([64, 128, 256]),
        "attention": tune.choice(["none", "se", "eca", "g_eca"]),
        "masking_rate": tune.choice([0.0, 0.05, 0.1, 0.2]),
    },
    settings={
        "backbone": "resnet18",
        "shortcut": "linear",
        "neck": "deviation",
        # Small, so that the time buys steps. Each setting is a step of `benchmarks/recipe.py`.
        "num_frames": 4,
        "image_size": 64,
        "epochs": 60,
        "batch_size": 16,
        "batch_by": "subject",
        "label_smoothing": 0.1,
        "ema_decay": 0.98,
        "precision": "bfloat16",
        "max_rotation_deg": 7.0,
        "max_shift": 0.04,
        "max_zoom": 0.07,
        "max_brightness": 0.15,
        "max_drift": 0.6,
        "ramp_epochs": 40,
    },
    num_samples=8,
    first_points=(
        {"rbg_depth": 0, "gru_hidden": 128, "attention": "none", "masking_rate": 0.05},
        {"rbg_depth": 1, "gru_hidden": 128, "attention": "g_eca", "masking_rate": 0.1},
    ),
    controls={"order_blind": {"temporal": "mean"}},
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 6, "size": 96},
    smoke={"epochs": 1, "num_frames": 4, "image_size": 32},
)
