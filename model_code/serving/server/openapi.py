"""The OpenAPI description of one model's server, made from its signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..csv_cells import line_of
from ..media import CSV, JSON, JSON_LINES, NPY
from ..signature import SINGLE_MAX
from .settings import ServerSettings

_TYPES = {"string": "string", "integer": "integer", "number": "number"}
# Beyond these no tree and no ONNX model computes.
_NUMBER = {"type": "number", "minimum": -SINGLE_MAX, "maximum": SINGLE_MAX}
_REFUSALS = {
    "400": "The body is wrong; the error names row and column.",
    "405": "Another method.",
    "406": "Nothing that Accept names is served.",
    "408": "No whole request came in time.",
    "413": "Too many bytes or rows.",
    "415": "A Content-Type that is not served.",
    "422": "A text that is no category of its column.",
    "431": "Too many bytes of headers.",
    "500": "The model failed; the error holds a request id.",
    "503": "The model is not ready; the error says why.",
}


def openapi(manifest: Mapping[str, Any], settings: ServerSettings) -> dict[str, Any]:
    """Return the description.

    Args:
        manifest: the model's; its signature gives names, units and ranges. Ranges are examples, no limits.
        settings: the server's; its limits are in the description.
    """
    signature = manifest["signature"]
    features = signature["features"]
    row = _row(features)
    named: dict[str, Any] = {
        "type": "object",
        "properties": {feature["name"]: _feature(feature) for feature in features},
        "required": [feature["name"] for feature in features if not feature.get("missing")],
        "additionalProperties": False,
    }
    if signature["id_column"]:
        row = {"anyOf": [row, _row(features, {})]}
        named["properties"]["id"] = {}
    limits = {"minItems": 1, "maxItems": settings.max_rows}
    rows = {"oneOf": [{"type": "array", "items": item, **limits} for item in (row, named)]}
    prediction = {
        "type": _TYPES[signature["prediction"]["type"]],
        "description": signature["prediction"]["name"],
    }
    if "classes" in signature["prediction"]:
        prediction["enum"] = signature["prediction"]["classes"]
    predictions = {"type": "array", "items": prediction}
    wrapped = {"type": "object", "properties": {"predictions": predictions}, "required": ["predictions"]}
    instances = {
        "type": "object",
        "properties": {"instances": rows},
        "required": ["instances"],
        "additionalProperties": False,
    }
    categories = any("categories" in feature for feature in features)
    example = manifest["golden"]["rows"][:1]
    text = {"type": "string"}
    binary = {"type": "string", "format": "binary"}
    invocation = {
        "summary": f"Predict {signature['prediction']['name']}",
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"oneOf": [rows, instances]}, "example": example},
                CSV: {"schema": text, "example": line_of(example[0])},
                JSON_LINES: {"schema": text},
                NPY: {"schema": binary},
            },
        },
        "responses": {
            "200": {
                "description": "One prediction for each row, in order.",
                "content": {
                    JSON: {"schema": {"oneOf": [predictions, wrapped]}},
                    CSV: {"schema": text},
                    JSON_LINES: {"schema": text},
                    NPY: {"schema": binary},
                },
            },
            **_refusals(*(status for status in _REFUSALS if categories or status != "422")),
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": str(manifest["model"]), "version": settings.version or "0"},
        "paths": {
            "/invocations": {"post": {"operationId": "invocations", **invocation}},
            "/predict": {"post": {"operationId": "predict", **invocation}},
            "/ping": {"get": _reader("Whether the model is ready", JSON, {"type": "object"}, "503")},
            "/metrics": {"get": _reader("Counters, as Prometheus has them", "text/plain", text)},
        },
        "components": {"schemas": {"Error": _error_schema()}},
    }


def _row(features: Sequence[Mapping[str, Any]], *leading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a row as a list, with cells before those of the features."""
    width = len(leading) + len(features)
    array: dict[str, Any] = {"type": "array", "minItems": width, "maxItems": width}
    if any("categories" in feature or feature.get("missing") for feature in features):
        # Beyond the last of them there is none: `items` would be for what cannot be.
        return {**array, "prefixItems": [*leading, *map(_cell, features)]}
    return {**array, **({"prefixItems": list(leading)} if leading else {}), "items": _NUMBER}


def _cell(feature: Mapping[str, Any]) -> dict[str, Any]:
    missing = bool(feature.get("missing"))
    if "categories" in feature:
        return {"enum": [*feature["categories"], *([None] if missing else [])]}
    return {**_NUMBER, "type": ["number", "null"]} if missing else _NUMBER


def _feature(feature: Mapping[str, Any]) -> dict[str, Any]:
    described = [f"in {feature['unit']}"] if "unit" in feature else []
    if "minimum" in feature:
        whole = "whole numbers, " if feature.get("type") == "integer" else ""
        described.append(f"{whole}{feature['minimum']:g} to {feature['maximum']:g} in training")
    if feature.get("missing"):
        described.append("may be left out")
    return {**_cell(feature), **({"description": ", ".join(described)} if described else {})}


def _reader(summary: str, media_type: str, schema: Mapping[str, Any], *refusals: str) -> dict[str, Any]:
    answer = {"description": summary, "content": {media_type: {"schema": schema}}}
    return {"summary": summary, "responses": {"200": answer, **_refusals(*refusals, "405")}}


def _refusals(*statuses: str) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": _REFUSALS[status], "content": content} for status in statuses}


def _error_schema() -> dict[str, Any]:
    members = {name: {"type": "string"} for name in ("code", "message", "column", "hint", "request_id")}
    error = {
        "type": "object",
        "properties": {**members, "row": {"type": "integer", "minimum": 1}},
        "required": ["code", "message"],
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}
