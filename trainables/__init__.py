"""What one trial trains: one file is one published system.

Ray is needed in `core/ray/` alone, MLflow in `core/serving/mlflow_model.py` alone.
"""
