"""Holding rows back, reproducibly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from slipway.errors import DataInvalid
from stacks.model_section import SplitSection

from .data import Dataset

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, ascending; together they are all rows, once each."""

    train: Rows
    validation: Rows
    test: Rows


def split(dataset: Dataset, settings: SplitSection, *, stratify: bool) -> Split:
    """Split the rows of a data set.

    Args:
        dataset: what to split.
        settings: shares and seed.
        stratify: keep the classes' shares in every part.

    Raises:
        DataInvalid: there are too few rows.
    """
    rows = np.arange(len(dataset.label), dtype=np.int64)
    labels = dataset.label.to_numpy()

    def halve(part: Rows, share: float) -> tuple[Rows, Rows]:
        kept, held = train_test_split(
            part, test_size=share, random_state=settings.seed, stratify=labels[part] if stratify else None
        )
        return np.sort(kept), np.sort(held)

    try:
        rest, test = halve(rows, settings.test)
        train, validation = halve(rest, settings.validation) if settings.validation else (rest, rest[:0])
    except ValueError as error:
        raise DataInvalid(
            f"{dataset.source}: {len(rows)} rows cannot be split.",
            why=str(error),
            fix="Change [split] or add rows.",
        ) from None
    return Split(train, validation, test)
