"""What every form of data can be asked: its columns' names, and some columns as numbers or texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy.typing as npt

# `category` is a feature out of a closed set, `class` the label of a classification.
Kind = Literal["number", "category", "class"]
Column = npt.NDArray[Any]


class Table(Protocol):
    """An open data set."""

    @property
    def names(self) -> Sequence[str]:
        """Its columns, in order."""
        ...

    def read(self, kinds: Mapping[str, Kind]) -> dict[str, Column]:
        """Read some columns.

        Args:
            kinds: what is wanted, by name.

        Returns:
            One array a column, all of one length: of `number` float64, NaN where there is none; of `category`
            str, None where there is none; of `class` int64, or str and None.

        Raises:
            DataInvalid: a cell is something else; it is named.
        """
        ...
