"""A study of seconds on drawn faces, and a listener that keeps what it hears."""

from ray import tune

from search_spaces.core.study import Study
from tuning.text.progress import Silent

NAME = "tiny"


class Quiet(Silent):
    """A listener that keeps what it hears."""

    def __init__(self):
        self.ended, self.notes, self.on_epoch = [], [], lambda trial: None

    def prepared(self, prepared):
        self.num_clips = len(prepared)

    def epoch(self, trial, num_epochs):
        self.on_epoch(trial)

    def noted(self, message):
        self.notes.append(message)

    def trial_ended(self, trial):
        self.ended.append(trial.trial_id)


def tiny_study(**changes):
    """Two easily told classes of drawn faces and a network of seconds; its second trial cannot but diverge."""
    fields = {
        "name": NAME,
        "trainable": "res_rbg",
        "dataset": "drawn_faces",
        "registered_model": NAME,
        "parameters": {"gru_hidden": tune.choice([4, 8]), "lr": tune.choice([1e-3, 1e30])},
        "first_points": (
            {"gru_hidden": 8, "lr": 1e-3},
            {"gru_hidden": 8, "lr": 1e30},
            {"gru_hidden": 4, "lr": 1e-3},
        ),
        "settings": {
            "backbone": "resnet18",
            "attention": "none",
            "rbg_depth": 0,
            "num_frames": 2,
            "image_size": 32,
            "epochs": 3,
            "batch_size": 8,
        },
        "controls": {"order_blind": {"temporal": "mean"}},
        "num_samples": 3,
        "drawing": {
            "difficulty": "easy",
            "num_subjects": 15,
            "num_frames": 4,
            "size": 96,
            "classes": ("happiness", "surprise"),
        },
    }
    return Study(**(fields | changes))
