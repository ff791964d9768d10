"""The files that a training reads: one folder a channel, one CSV file in it, as SageMaker lays them out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from stacks.settings import ModelSettings

from .data import Dataset
from .split import Split

# What a training job gets. The test channel is for who measures the model, never for the job.
TRAINING_CHANNELS = ("train", "validation")
TEST_CHANNEL = "test"


def write_channels(settings: ModelSettings, dataset: Dataset, parts: Split, folder: Path) -> dict[str, Path]:
    """Write `<folder>/<channel>/<channel>.csv` for train, validation and test.

    A script gets a header row and the label under its name. XGBoost's built-in algorithm gets neither: no
    header, the label first, classes as 0, 1, 2, … in their sorted order.

    Returns:
        The folder of each channel; for the built-in algorithm those without a row are left out, since it
        takes an empty file for a mistake.
    """
    builtin = settings.model.framework == "xgboost"
    label = dataset.label.rename(settings.model.label)
    if builtin:
        label = label_codes(label) if settings.model.task == "classification" else label
        table = pd.concat([label, dataset.features], axis=1)
    else:
        table = pd.concat([dataset.features, label], axis=1)
    channels: dict[str, Path] = {}
    rows_of = {"train": parts.train, "validation": parts.validation, TEST_CHANNEL: parts.test}
    for name, rows in rows_of.items():
        if builtin and not len(rows):
            continue
        channels[name] = folder / name
        channels[name].mkdir(parents=True)
        table.iloc[rows].to_csv(
            channels[name] / f"{name}.csv", index=False, header=not builtin, lineterminator="\n"
        )
    return channels


def label_codes(label: pd.Series) -> pd.Series:
    """Return each class as its place in the sorted list of classes, which is what the signature lists."""
    classes = sorted(set(label.tolist()))
    return label.map({name: code for code, name in enumerate(classes)})
