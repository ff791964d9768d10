"""`report.html` and the model card: a manifest, for people to read."""

from .card import render_card
from .render import render
from .write import write_card, write_rejected_report, write_report

__all__ = ["render", "render_card", "write_card", "write_rejected_report", "write_report"]
