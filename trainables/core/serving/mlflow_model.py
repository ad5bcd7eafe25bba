"""The registered model, as MLflow runs it: a models-from-code file that MLflow copies next to the weights.

It is executed when a model is logged and whenever one is loaded; the class below is all that it leaves behind.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import mlflow
import pandas as pd

from trainables.core.serving.classifier import Classifier

COLUMNS = ("path", "label", "probabilities", "error", "clip")


class ExpressionModel(mlflow.pyfunc.PythonModel):
    """Files in, one row a clip out. The artifact `model` is the folder that `Classifier.load` reads."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.classifier = Classifier.load(Path(context.artifacts["model"]))

    # MLflow makes a table of a list of paths; annotated as a list, it would drop the signature, and with it `params`.
    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Rows of `COLUMNS` for the paths in the only column; `probabilities` by class name, `error` `None` where all is well.

        `clip` is what is told of the clip. With `params` `{"every_face": True}` there is a row for each person in it.
        """
        predictions = self.classifier.predict(model_input.iloc[:, 0], every_face=bool((params or {}).get("every_face")))
        return pd.DataFrame(
            [dataclasses.asdict(prediction) for prediction in predictions], columns=COLUMNS, dtype=object
        )


mlflow.models.set_model(ExpressionModel())
