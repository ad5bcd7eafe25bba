"""Deep residual attention on BAUM-1s: gate, perceptron, learning rate (Zhao et al., IETE Technical Review 2021).

Published: nothing that is openly available. Not specified by the source, chosen: ResNet-18, 16 frames of 112 px, 40 epochs,
batches of 16, AdamW, weights from scratch (a local file: `weights` imagenet), and what is searched. Folds: five groups of
subjects, of which the source leaves one out at a time; a search locks 20 % of the subjects away before. Not measured here
yet: the data needs its owners' licence.

    python tune.py run deep_residual_attention_baum1s --data-root BAUM-1s --num-samples 30
    python tune.py run deep_residual_attention_baum1s --smoke
"""

from ray import tune

from search_spaces.core.study import Study

STUDY = Study(
    trainable="deep_residual_attention",
    dataset="baum1s",
    registered_model="baum1s",
    parameters={
        "attention": tune.choice(["none", "spatial", "se", "eca"]),
        "mlp_hidden": tune.choice([128, 256, 512, 1024]),
        "dropout": tune.choice([0.0, 0.25, 0.5]),
        "lr": tune.loguniform(1e-4, 3e-3),
    },
    settings={"backbone": "resnet18", "num_frames": 16, "image_size": 112, "epochs": 40, "batch_size": 16},
    num_samples=30,
    first_points=({"attention": "spatial", "mlp_hidden": 512, "dropout": 0.0, "lr": 1e-3},),
    drawing={"difficulty": "easy", "num_subjects": 8, "num_frames": 6, "size": 120},
    smoke={"num_frames": 3, "image_size": 32, "batch_size": 8, "epochs": 1},
)
