"""The metrics that the image knows, and which way is better.

They are data, so that the embedded AWS, which imports nothing from here, reads the same file.
"""

import json
from pathlib import Path

_NAMES = json.loads((Path(__file__).parent / "metrics.json").read_text())
MAXIMIZE: tuple[str, ...] = tuple(_NAMES["maximize"])
MINIMIZE: tuple[str, ...] = tuple(_NAMES["minimize"])
EVERY = MAXIMIZE + MINIMIZE
