"""Training as AWS's built-in XGBoost image 3.2-0 does it in algorithm mode.

A program of its own: it reads and writes what SageMaker puts under /opt/ml, and imports nothing of the
project. `python -m training.xgboost_algorithm` runs it. Source of every rule and message, unless said
otherwise: github.com/aws/sagemaker-xgboost-container, commit cb8df91 of June 2026.
"""
