"""What one trial trains: one file is one published system; imports neither Ray nor MLflow outside `core/ray_train.py` and `core/serving.py`."""
