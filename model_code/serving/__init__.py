"""The serving runtime: what turns a request into an answer, the same on every target.

These modules are copied into the archive of a model as `code/serving/`, so they import each other
relatively and need numpy alone (and pandas where a model asks for column names).
"""
