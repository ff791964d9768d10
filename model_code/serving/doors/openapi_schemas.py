"""JSON Schemas of what a model takes and gives, from its signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = {"string": "string", "integer": "integer", "number": "number"}
# The largest float32: beyond it no tree and no ONNX model computes.
_SINGLE_MAX = (2 - 2**-23) * 2.0**127
_NUMBER = {"type": "number", "minimum": -_SINGLE_MAX, "maximum": _SINGLE_MAX}
Schema = dict[str, Any]


def rows_of(signature: Mapping[str, Any], max_rows: int) -> Schema:
    """Return the schema of rows: lists in the signature's order, or objects by feature name."""
    features = signature["features"]
    row = _row(features)
    named: Schema = {
        "type": "object",
        "properties": {feature["name"]: _feature(feature) for feature in features},
        "required": [feature["name"] for feature in features if not feature.get("missing")],
        "additionalProperties": False,
    }
    if signature["id_column"]:
        row = {"anyOf": [row, _row(features, {})]}
        named["properties"]["id"] = {}
    limits = {"minItems": 1, "maxItems": max_rows}
    return {"oneOf": [{"type": "array", "items": item, **limits} for item in (row, named)]}


def predictions_of(signature: Mapping[str, Any]) -> Schema:
    """Return the schema of a list of predictions."""
    prediction = signature["prediction"]
    item = {"type": _TYPES[prediction["type"]], "description": prediction["name"]}
    if "classes" in prediction:
        item["enum"] = prediction["classes"]
    return {"type": "array", "items": item}


def probabilities_of(signature: Mapping[str, Any]) -> Schema:
    """Return the schema of a list of objects with the probability of each class."""
    names = [str(name) for name in signature["prediction"]["classes"]]
    return {"type": "array", "items": sealed({name: {"type": "number", "minimum": 0} for name in names})}


def sealed(properties: Mapping[str, Any]) -> Schema:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def error_schema() -> Schema:
    """Return the schema of every answer that is an error."""
    members = {name: {"type": "string"} for name in ("code", "message", "column", "hint", "request_id")}
    error = {
        "type": "object",
        "properties": {**members, "row": {"type": "integer", "minimum": 1}},
        "required": ["code", "message"],
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def _row(features: Sequence[Mapping[str, Any]], *leading: Mapping[str, Any]) -> Schema:
    """Return the schema of a row as a list, with cells before those of the features."""
    width = len(leading) + len(features)
    array: Schema = {"type": "array", "minItems": width, "maxItems": width}
    if any("categories" in feature or feature.get("missing") for feature in features):
        # Beyond the last of them there is none: `items` would be for what cannot be.
        return {**array, "prefixItems": [*leading, *map(_cell, features)]}
    return {**array, **({"prefixItems": list(leading)} if leading else {}), "items": _NUMBER}


def _cell(feature: Mapping[str, Any]) -> Schema:
    missing = bool(feature.get("missing"))
    if "categories" in feature:
        return {"enum": [*feature["categories"], *([None] if missing else [])]}
    return {**_NUMBER, "type": ["number", "null"]} if missing else _NUMBER


def _feature(feature: Mapping[str, Any]) -> Schema:
    described = [f"in {feature['unit']}"] if "unit" in feature else []
    if "minimum" in feature:
        whole = "whole numbers, " if feature.get("type") == "integer" else ""
        described.append(f"{whole}{feature['minimum']:g} to {feature['maximum']:g} in training")
    if feature.get("missing"):
        described.append("may be left out")
    return {**_cell(feature), **({"description": ", ".join(described)} if described else {})}
