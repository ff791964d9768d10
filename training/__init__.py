"""From data to an artifact: split, fit, evaluate, gate, package."""
