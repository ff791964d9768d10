"""DataProcessing of a request, checked against the formats on both sides of the model."""

from collections.abc import Mapping
from typing import Any

from localaws.sagemaker.errors import ApiError, validation_error
from localaws.sagemaker.transform.json_path import Path, PathError, parse
from localaws.sagemaker.transform.processing import CSV, JSON, JSON_LINES, Processing, Records, records_of


def parsed(wanted: Mapping[str, Any], source: Mapping[str, Any], target: Mapping[str, Any]) -> Processing:
    """Return what is filtered and joined. Raises the ValidationException of what cannot be.

    Source of the rules: the developer guide, "Associate Prediction Results with Input Records".
    """
    join = wanted.get("JoinSource") == "Input"
    paths = {name: _path(wanted, name) for name in ("InputFilter", "OutputFilter")}
    if not join and not any(paths.values()):
        return Processing()
    content_type, accept = source.get("ContentType") or "", target.get("Accept") or ""
    split, assemble = source.get("SplitType", "None"), target.get("AssembleWith", "None")
    if join and (content_type != accept or split != assemble):
        raise validation_error(
            "To join input and output (JoinSource is Input), ContentType and Accept must be the same, and so "
            f"must SplitType and AssembleWith. They are '{content_type}' and '{accept}', '{split}' and "
            f"'{assemble}'."
        )
    inputs = records_of(content_type, lines=split == "Line")
    outputs = records_of(accept, lines=assemble == "Line")
    if inputs is None and (join or paths["InputFilter"]):
        raise _unknown("ContentType", content_type)
    if outputs is None and (join or paths["OutputFilter"]):
        raise _unknown("Accept", accept)
    for side, path, kind, how in (
        (inputs, paths["InputFilter"], content_type, split),
        (outputs, paths["OutputFilter"], accept, assemble),
    ):
        if (path or join) and kind.startswith(CSV) and how != "Line":
            raise validation_error(f"DataProcessing of {CSV} needs SplitType Line and AssembleWith Line.")
        _check(side, path)
    return Processing(inputs, outputs, paths["InputFilter"], paths["OutputFilter"], join)


def _path(wanted: Mapping[str, Any], name: str) -> Path:
    text = str(wanted.get(name) or "$")
    try:
        return parse(text)
    except PathError as error:
        raise _invalid(text, error) from error


def _check(side: Records | None, path: Path) -> None:
    try:
        if side is not None:
            side.check(path)
    except PathError as error:
        raise validation_error(f"Invalid JSONPath for {CSV}: {error}.") from error


def _invalid(text: str, error: PathError) -> ApiError:
    return validation_error(f"Invalid JSONPath '{text}': {error}.")


def _unknown(member: str, value: str) -> ApiError:
    return validation_error(
        f"DataProcessing needs {member} to be {CSV}, {JSON} or {JSON_LINES}, and it is '{value}'."
    )
