"""A registered model at work in a process of its own: `python -P saved_model.py FOLDER PARAMS`, as `served.predict` starts it.

Nothing of fertune is imported here, so the model runs on the code that was saved with it, whatever has become of the code
beside this file. Standard input holds one path a line, as JSON. Standard output answers, once the model is loaded,
`{"unknown": [...]}`: the names in PARAMS (JSON) that it does not take; then each path with a line of its rows. What libraries
print goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any


def main(folder: str, params: dict[str, Any]) -> None:
    """Load the model in `folder` and answer, with `params`, until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    model = mlflow.pyfunc.load_model(folder)
    schema = model.metadata.get_params_schema()
    known = {param.name for param in schema.params} if schema else set()
    _say(answers, {"unknown": sorted(params.keys() - known)})
    for line in sys.stdin:
        rows: Any = model.predict([json.loads(line)], params=params)  # the saved class answers with a table
        _say(answers, rows.to_dict("records"))


def _say(answers: Any, said: Any) -> None:
    answers.write(json.dumps(said) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
