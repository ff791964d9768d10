"""The OpenAPI description of one model behind one door, made from its signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..csv_cells import line_of
from .openapi_schemas import Schema, error_schema, predictions_of, probabilities_of, rows_of, sealed

JSON, CSV, JSON_LINES, NPY = "application/json", "text/csv", "application/jsonlines", "application/x-npy"
ROUTES = ("/predict", "/classify", "/probabilities")
_MEANINGS = {
    "400": "The body is wrong; the error names row and column.",
    "403": "Not allowed: no signature or key, or a wrong one; or no such path.",
    "405": "Another method.",
    "406": "Nothing that Accept names is served.",
    "408": "No whole request came in time.",
    "413": "Too many bytes or rows.",
    "415": "A Content-Type that is not served.",
    "422": "A text that is no category of its column.",
    "429": "Too many requests for now, or for this key.",
    "431": "Too many bytes of headers.",
    "500": "The model failed; the error holds a request id.",
    "502": "The model gave no answer; the error holds a request id.",
    "503": "The model is not ready; the error says why.",
    "504": "The model took too long.",
}
# What comes from the door itself, whatever is asked for.
_OF_DOOR = {"server": ("405",), "gateway": ("403", "429", "500", "502", "503", "504")}
_OF_BODY = ("400", "406", "413", "415", "500", "503")
_OF_SENDING = {"server": ("408", "431"), "gateway": ()}
_SECURITY: dict[str, Schema] = {
    # As API Gateway's own exports describe it.
    "iam": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
}


@dataclass(frozen=True)
class Door:
    """Where requests come in.

    Args:
        kind: our own HTTP server, or API Gateway.
        version: the artifact's.
        max_rows: how many rows a request may have.
        auth: what a caller has to show.
        routes: of those for predictions the ones that this door has; a model that predicts no classes has
            `/predict` alone on any door.
    """

    kind: Literal["server", "gateway"]
    version: str
    max_rows: int
    auth: Literal["none", "iam", "api_key"] = "none"
    routes: tuple[str, ...] = ROUTES


def routes_of(manifest: Mapping[str, Any], routes: tuple[str, ...] = ROUTES) -> tuple[str, ...]:
    """Return those routes for predictions that a model can answer."""
    told = manifest.get("engine", {}).get("probabilities", False) and not manifest.get("hooks")
    able = {
        "/predict": True,
        "/classify": "classes" in manifest["signature"]["prediction"],
        "/probabilities": bool(told),
    }
    return tuple(route for route in ROUTES if route in routes and able[route])


def openapi(manifest: Mapping[str, Any], door: Door) -> dict[str, Any]:
    """Return the description, OpenAPI 3.1.

    Args:
        manifest: the model's; its signature gives names, units and ranges. Ranges are examples, no limits.
        door: decides paths, statuses, limits and what a caller has to show.
    """
    label = manifest["signature"]["prediction"]["name"]
    posts = {"/predict": _predict, "/classify": _classify, "/probabilities": _probabilities}
    paths = {route: _post(route, posts[route], manifest, door) for route in routes_of(manifest, door.routes)}
    paths["/"] = _get("A page to try the model", "text/html", {"type": "string"}, door, "503")
    paths["/openapi.json"] = _get("This description", JSON, {"type": "object"}, door, "503")
    if door.kind == "server":
        paths["/invocations"] = _post("/invocations", _predict, manifest, door)
        paths["/ping"] = _get("Whether the model is ready", JSON, {"type": "object"}, door, "503")
        paths["/metrics"] = _get("Counters, as Prometheus has them", "text/plain", {"type": "string"}, door)
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": str(manifest["model"]),
            "version": door.version or "0",
            "description": f"Predicts {label}.",
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {"schemas": {"Error": error_schema()}},
    }
    if door.auth != "none":
        description["components"]["securitySchemes"] = {door.auth: _SECURITY[door.auth]}
        description["security"] = [{door.auth: []}]
    return description


def _predict(manifest: Mapping[str, Any], door: Door) -> Schema:
    text, binary = {"type": "string"}, {"type": "string", "format": "binary"}
    predictions = predictions_of(manifest["signature"])
    wrapped = {"type": "object", "properties": {"predictions": predictions}, "required": ["predictions"]}
    return {
        "summary": f"Predict {manifest['signature']['prediction']['name']}",
        "requestBody": _rows(manifest, door),
        "answer": {
            "description": "One prediction for each row, in order.",
            "content": {
                JSON: {"schema": {"oneOf": [predictions, wrapped]}},
                CSV: {"schema": text},
                JSON_LINES: {"schema": text},
                NPY: {"schema": binary},
            },
        },
    }


def _probabilities(manifest: Mapping[str, Any], door: Door) -> Schema:
    signature = manifest["signature"]
    members = {"predictions": predictions_of(signature), "probabilities": probabilities_of(signature)}
    return {
        "summary": f"Tell the probability of each class of {signature['prediction']['name']}",
        "requestBody": _rows(manifest, door),
        "answer": {
            "description": "For each row its prediction, and the probability of each class by its name.",
            "content": {JSON: {"schema": sealed(members)}},
        },
    }


def _classify(manifest: Mapping[str, Any], _door: Door) -> Schema:
    signature = manifest["signature"]
    names = ", ".join(feature["name"] for feature in signature["features"])
    data = {"type": "string", "description": f"One line of CSV: {names}"}
    prediction = {"type": "string", "enum": [str(name) for name in signature["prediction"]["classes"]]}
    example = {"data": line_of(manifest["golden"]["rows"][0])}
    return {
        "summary": f"Predict {signature['prediction']['name']} of one row",
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": sealed({"data": data}), "example": example}},
        },
        "answer": {
            "description": "The prediction, as text.",
            "content": {JSON: {"schema": sealed({"prediction": prediction})}},
        },
    }


def _rows(manifest: Mapping[str, Any], door: Door) -> Schema:
    """Return the description of a body with rows."""
    rows, example = rows_of(manifest["signature"], door.max_rows), manifest["golden"]["rows"][:1]
    text = {"type": "string"}
    content = {
        JSON: {"schema": {"oneOf": [rows, sealed({"instances": rows})]}, "example": example},
        CSV: {"schema": text, "example": line_of(example[0])},
        JSON_LINES: {"schema": text},
        NPY: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"required": True, "content": content}


def _post(
    path: str, describe: Callable[[Mapping[str, Any], Door], Schema], manifest: Mapping[str, Any], door: Door
) -> Schema:
    operation = describe(manifest, door)
    answer = operation.pop("answer")
    categories = any("categories" in feature for feature in manifest["signature"]["features"])
    statuses = {*_OF_DOOR[door.kind], *_OF_BODY, *_OF_SENDING[door.kind], *(["422"] if categories else [])}
    responses = {"200": answer, **_refusals(statuses)}
    return {"post": {"operationId": path.strip("/"), **operation, "responses": responses}}


def _get(summary: str, media_type: str, schema: Schema, door: Door, *refusals: str) -> Schema:
    answer = {"description": summary, "content": {media_type: {"schema": schema}}}
    refused = _refusals({*_OF_DOOR[door.kind], *refusals})
    return {"get": {"summary": summary, "responses": {"200": answer, **refused}}}


def _refusals(statuses: set[str]) -> Schema:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in sorted(statuses)}
