"""The entry point in an archive whose model folder has no inference.py of its own.

To change one step, put an inference.py into the model folder that imports these four and defines its own.
"""

from serving.script_mode import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
