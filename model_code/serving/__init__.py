"""The serving runtime: what turns a request into an answer, the same on every target.

These modules are copied into the archive of a model as `code/serving/`, so they import each other
relatively and need numpy alone (and pandas where a model asks for column names).
"""

import os

# ONNX Runtime tells its maker of every process and model unless this is set before it is imported.
# Source: docs/Privacy.md of ONNX Runtime 1.29 and newer.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
