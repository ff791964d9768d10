"""AWS's Query protocol, read and written by the service model that comes with botocore.

A request is a form: `Action`, `Version`, and members by their paths (`Tags.member.1.Key`). An answer is XML
in the shapes of the model, which is what every SDK and the AWS CLI parse it with.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import botocore.session
from botocore.model import ServiceModel

from localaws.beanstalk.errors import ApiError, invalid_value

NAMESPACE = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
_LONGEST_NUMBER = 7
_Tree = dict[str, Any]
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def _model() -> Any:
    loader = botocore.session.Session().get_component("data_loader")
    described = loader.load_service_model("elasticbeanstalk", "service-2")
    # AWS gives it, and the EB CLI's own copy of the model has it.
    described["shapes"]["ConfigurationSettingsDescription"]["members"]["Tier"] = {"shape": "EnvironmentTier"}
    return ServiceModel(described, "elasticbeanstalk")


def operation_of(body: bytes) -> str:
    """Return the operation that a request names; "" for none."""
    return str(_form(body).get("Action", ""))


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the operation and its members, typed as the model says. Raises ApiError."""
    form = _form(body)
    operation = str(form.get("Action", ""))
    if operation not in _model().operation_names:
        raise ApiError("InvalidAction", f"Could not find operation {operation} for version 2010-12-01")
    shape = _model().operation_model(operation).input_shape
    return operation, _read(shape, form) if shape else {}


def answer(operation: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """Return the XML of an answer; times are seconds since 1970."""
    root = ElementTree.Element(f"{operation}Response", xmlns=NAMESPACE)
    shape = _model().operation_model(operation).output_shape
    if shape is not None:
        _write(root, f"{operation}Result", shape, result)
    metadata = ElementTree.SubElement(root, "ResponseMetadata")
    ElementTree.SubElement(metadata, "RequestId").text = request_id
    return ElementTree.tostring(root)


def error(error: ApiError, request_id: str) -> bytes:
    """Return the XML of an error."""
    root = ElementTree.Element("ErrorResponse", xmlns=NAMESPACE)
    told = ElementTree.SubElement(root, "Error")
    parts = {
        "Type": "Sender" if error.status < 500 else "Receiver",
        "Code": error.code,
        "Message": error.message,
    }
    for name, text in parts.items():
        ElementTree.SubElement(told, name).text = _NOT_IN_XML.sub("", text)
    ElementTree.SubElement(root, "RequestId").text = request_id
    return ElementTree.tostring(root)


def _form(body: bytes) -> _Tree:
    tree: _Tree = {}
    for path, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        *parents, leaf = path.split(".")
        node = tree
        for name in parents:
            child = node.setdefault(name, {})
            if not isinstance(child, dict):
                child = node[name] = {}
            node = child
        node[leaf] = value
    return tree


def _read(shape: Any, node: Any) -> Any:
    if shape.type_name == "structure":
        found = node if isinstance(node, dict) else {}
        return {name: _read(member, found[name]) for name, member in shape.members.items() if name in found}
    if shape.type_name == "list":
        entries = node.get("member") if isinstance(node, dict) else None
        entries = entries if isinstance(entries, dict) else {}
        numbers = sorted(
            (name for name in entries if name.isdecimal() and len(name) < _LONGEST_NUMBER), key=int
        )
        return [_read(shape.member, entries[number]) for number in numbers]
    text = node if isinstance(node, str) else ""
    try:
        return _read_scalar(shape.type_name, text)
    except ValueError:
        raise invalid_value(f"'{text}' is not a valid {shape.type_name}.") from None


def _read_scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        return (
            {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else bool(text)
        )
    if kind in ("integer", "long"):
        return int(text)
    if kind == "timestamp":
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return text


def _write(parent: ElementTree.Element, name: str, shape: Any, value: Any) -> None:
    element = ElementTree.SubElement(parent, name)
    if shape.type_name == "structure":
        for member, member_shape in shape.members.items():
            if value.get(member) is not None:
                _write(element, member, member_shape, value[member])
    elif shape.type_name == "list":
        for entry in value:
            _write(element, "member", shape.member, entry)
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    elif shape.type_name == "timestamp":
        moment = datetime.fromtimestamp(value, UTC)
        element.text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    else:
        element.text = _NOT_IN_XML.sub("", str(value))  # logs hold escape sequences
