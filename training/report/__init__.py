"""`report.html` and the model card: a manifest, for people to read."""

from .card import render_card
from .card_settings import load_card
from .comparison import gate_words
from .rejected import rejected_manifest
from .render import render
from .write import REPORT, remove_rejected_report, write_card, write_rejected_report, write_report

__all__ = [
    "REPORT",
    "gate_words",
    "load_card",
    "rejected_manifest",
    "remove_rejected_report",
    "render",
    "render_card",
    "write_card",
    "write_rejected_report",
    "write_report",
]
