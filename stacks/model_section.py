"""`[model]`, `[split]` and `[gate]`: what is learnt, from what, and how well it has to be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stacks.section import Section


class ModelSection(Section):
    """`[model]`: what is learnt, from what."""

    task: Literal["classification", "regression"]
    """What the label is: a class, or a number."""
    data: str = Field(min_length=1)
    """`sklearn:<name>`, the path of a `.csv`, `.csv.gz` or `.parquet` file relative to the model folder, or
    that of an object, `s3://bucket/key.csv`. CSV has a header row."""
    label: str = Field(min_length=1)
    """The column to predict."""
    features: tuple[str, ...] | None = Field(default=None, strict=False)
    """The columns to predict from; default: every other column."""
    categories: tuple[str, ...] = Field(default=(), strict=False)
    """Features whose values are texts out of a closed set, such as a color: those that the data holds."""
    missing_values: bool | None = None
    """Whether features may be missing: an empty cell of CSV, null or NaN of Parquet. Default: true for the
    framework "xgboost", else false."""
    framework: Literal["sklearn", "xgboost"] = "sklearn"
    """What trains the model: your train.py, or XGBoost as AWS's built-in algorithm, without a script."""
    hyperparameters: dict[str, bool | int | float | str] = Field(default={})
    """Arguments of train.py: `C = 0.5` arrives as `-C 0.5`, `max_iter = 100` as `--max_iter 100`; or those of
    the built-in algorithm."""
    id_column: bool = False
    """Whether request rows may carry one leading id, which is ignored."""
    label_codes: bool = False
    """Predict integer codes instead of class names (for the data sets of scikit-learn)."""

    @property
    def takes_missing_values(self) -> bool:
        """Whether features may be missing."""
        return self.framework == "xgboost" if self.missing_values is None else self.missing_values


class SplitSection(Section):
    """`[split]`: how rows are held back."""

    test: float = Field(default=0.2, gt=0, lt=1)
    """Share of all rows that training never sees; the gate is measured on them."""
    validation: float = Field(default=0.25, ge=0, lt=1)
    """Share of the remaining rows that go to the validation channel."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the split."""


class GateSection(Section):
    """`[gate]`: bounds on the test set; training refuses to package a model outside them."""

    accuracy: float | None = Field(default=None, ge=0, le=1)
    """Lowest share of right classes."""
    balanced_accuracy: float | None = Field(default=None, ge=0, le=1)
    """Lowest mean recall over the classes."""
    f1_macro: float | None = Field(default=None, ge=0, le=1)
    """Lowest unweighted mean of the classes' F1."""
    r2: float | None = Field(default=None, le=1)
    """Lowest coefficient of determination."""
    rmse: float | None = Field(default=None, ge=0)
    """Highest root mean squared error, in units of the label."""
    mae: float | None = Field(default=None, ge=0)
    """Highest mean absolute error, in units of the label."""

    def bounds(self) -> dict[str, float]:
        """Return the bounds that are set, by metric."""
        return {name: value for name, value in self.model_dump().items() if value is not None}
