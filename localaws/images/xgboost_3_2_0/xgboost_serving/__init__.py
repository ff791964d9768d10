"""Serving as AWS's built-in XGBoost image 3.2-0 does it in algorithm mode.

Runs in the image's environment alone. Source of every rule and message, unless said otherwise:
github.com/aws/sagemaker-xgboost-container, commit cb8df91 of June 2026, run and measured.
"""
