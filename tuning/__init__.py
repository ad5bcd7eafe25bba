"""How a study runs: one file is one verb; Ray is in `execution`, MLflow in `records`, words for people in `text`."""
