"""XGBoost's own form of a fitted model: universal binary JSON, which every version of it reads."""

from __future__ import annotations

from typing import Any


def is_xgboost(estimator: Any) -> bool:
    """Whether an estimator is XGBoost's and nothing is around it."""
    return type(estimator).__module__ == "xgboost.sklearn"


def to_ubj(estimator: Any) -> bytes:
    """Return the bytes of a fitted XGBClassifier's or XGBRegressor's trees."""
    return bytes(estimator.get_booster().save_raw("ubj"))
