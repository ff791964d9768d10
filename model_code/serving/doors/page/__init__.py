"""The page to try a model: a form made from its signature, in one file that asks nobody else."""

from .render import HEADERS as HEADERS
from .render import page as page
