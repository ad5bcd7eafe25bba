"""The main job on drawn faces: Res-RBG over its four searched parameters, small enough for a laptop.

Drawn faces say nothing about accuracy on real ones. The space is that of Mou et al. (Sensors 2025, 25, 3829), with a
smaller backbone and fewer pixels. About 7 minutes on 2 cores: `python tune.py`.
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="res_rbg",
    dataset="drawn_faces",
    registered_model="demo",
    parameters={
        "rbg_depth": tune.choice([0, 1, 2, 3]),
        "gru_hidden": tune.choice([16, 32, 64, 128]),
        "attention": tune.choice(["none", "se", "eca", "g_eca"]),
        "masking_rate": tune.choice([0.0, 0.05, 0.1, 0.2]),
    },
    settings={
        "backbone": "resnet18",
        "shortcut": "linear",
        "num_frames": 3,
        "image_size": 40,
        "epochs": 20,
        "batch_size": 12,
        "batch_by": "subject",
        "precision": "bfloat16",
        "flip": False,
        "max_rotation_deg": 3.0,
        "max_shift": 0.02,
        "max_zoom": 0.03,
        "max_brightness": 0.05,
    },
    num_samples=8,
    drawing={
        "difficulty": "easy",
        "num_subjects": 50,
        "num_frames": 8,
        "size": 128,
        "classes": ("anger", "happiness", "sadness", "surprise"),
    },
    smoke={"epochs": 1, "num_frames": 2, "image_size": 32},
)
