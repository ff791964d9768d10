"""Writes the pages of docs/reference/ that say what the code says: `make docs`. A test compares them."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from pathlib import Path

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from localaws import errors as local_errors
from slipway import errors
from slipway.main import EXIT_CODES, VERBS, cli
from stacks import job_settings, model_section, serve_settings, settings
from training.report import card_settings

GENERATED = "<!-- Written by `make docs`; change the code instead. -->\n"


def pages() -> dict[str, str]:
    """Return every generated page by its path under docs/reference/."""
    return {"cli.md": cli_page(), "settings.md": settings_page(), "errors.md": errors_page()}


def cli_page() -> str:
    """Return what `--help` says of every verb."""
    parts = [f"# The command line\n\n{GENERATED}\nExit codes: {EXIT_CODES}.\n"]
    parent = click.Context(cli, info_name="slipway", max_content_width=100, terminal_width=100)
    parts.append(f"```\n{cli.get_help(parent)}\n```\n")
    for verb in VERBS:
        command = cli.get_command(parent, verb)
        assert command is not None  # noqa: S101 - VERBS is what the group knows
        context = click.Context(
            command, info_name=verb, parent=parent, max_content_width=100, terminal_width=100
        )
        parts.append(f"## slipway {verb}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def settings_page() -> str:
    """Return every key of model.toml and stages.toml with its type, default and meaning."""
    parts = [f"# Settings\n\n{GENERATED}"]
    parts.append(
        "\nAny key of `model.toml` can be overridden for one command: `slipway deploy iris --set "
        "serve.instance_count=1`,\nor `cdk deploy -c iris.serve.instance_count=1`.\n"
    )
    sections = (
        ("`model.toml`, `[model]`", model_section.ModelSection),
        ("`model.toml`, `[split]`", model_section.SplitSection),
        ("`model.toml`, `[gate]`", model_section.GateSection),
        ("`model.toml`, `[train]`", job_settings.TrainSection),
        ("`model.toml`, `[batch]`", job_settings.BatchSection),
        ("`model.toml`, `[serve]`", serve_settings.ServeSection),
        ("`model.toml`, `[[serve.variants]]`", serve_settings.VariantSection),
        ("`card.toml`", card_settings.CardSettings),
        ("`stages.toml`, `[local]`, `[dev]`, `[prod]`", settings.StageSettings),
    )
    for title, kind in sections:
        parts.append(f"\n## {title}\n\n{(kind.__doc__ or '').partition(': ')[2].capitalize()}\n")
        parts.append("\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n")
        documented = _attribute_docstrings(kind)
        for name, field in kind.model_fields.items():
            if name == "name" and kind is settings.StageSettings:
                continue
            default = "required" if field.default is PydanticUndefined else f"`{_toml(field.default)}`"
            parts.append(f"| `{name}` | {_type(field.annotation)} | {default} | {documented[name]} |\n")
    return "".join(parts)


def errors_page() -> str:
    """Return every error code with its meaning and exit code."""
    found = {
        kind.code: (kind.exit_code, kind.__doc__)
        for kind in [*vars(errors).values(), *vars(local_errors).values()]
        if inspect.isclass(kind) and issubclass(kind, errors.SlipwayError)
    }
    rows = [f"| `{code}` | {exit_code} | {doc} |\n" for code, (exit_code, doc) in sorted(found.items())]
    head = "Every failure says what happened, why, and what to do, with one of these codes.\n\n"
    return (
        f"# Errors\n\n{GENERATED}\n{head}| code | exit code | meaning |\n| --- | --- | --- |\n{''.join(rows)}"
    )


def _attribute_docstrings(kind: type[BaseModel]) -> dict[str, str]:
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
        ):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def _type(annotation: object) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{_toml(value)}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(part) for part in arguments if part is not type(None))
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "`true`, `false`",
        dict: "table",
        tuple: "list",
    }
    return names.get(typing.cast(type, origin or annotation), str(annotation))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def main() -> None:
    """Write the pages."""
    folder = Path(__file__).resolve().parents[1] / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
