"""What a person can set, as frozen objects: the only reader of model.toml, stages.toml and the CDK context.

Precedence: the built-in default, the file, then `-c <model>.<section>.<key>=<value>` (or `slipway … --set`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from slipway.errors import SettingsError, UnknownModel, did_you_mean
from stacks.beanstalk_combinations import BEANSTALK_COMBINATIONS
from stacks.combinations import COMBINATIONS, require_possible
from stacks.job_settings import BatchSection, TrainSection
from stacks.lambda_combinations import LAMBDA_COMBINATIONS
from stacks.metrics import METRICS
from stacks.model_combinations import MODEL_COMBINATIONS
from stacks.model_section import GateSection, ModelSection, SplitSection
from stacks.section import Section
from stacks.serve_settings import ServeSection
from stacks.settings_errors import unknown_key, validated

StageName = Literal["local", "dev", "prod"]
STAGES: tuple[str, ...] = get_args(StageName)
# What the context says for no model at all: the shared stack alone.
NO_MODELS = "none"
RESERVED_FOLDERS = frozenset({"serving", NO_MODELS})
# An endpoint is called slipway-<stage>-<model>[-serverless] and AWS allows 63 characters of [a-z0-9-].
MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,37}")
_ENVIRONMENT_NAME = 40 - len("-green")


class ModelSettings(Section):
    """One model folder's `model.toml`."""

    name: str
    folder: Path
    model: ModelSection
    split: SplitSection = SplitSection()
    gate: GateSection = GateSection()
    train: TrainSection = TrainSection()
    batch: BatchSection = BatchSection()
    serve: ServeSection = ServeSection()

    @field_validator("gate")
    @classmethod
    def _gate_fits_the_task(cls, gate: GateSection, info: Any) -> GateSection:
        section = info.data.get("model")
        if section is not None:
            for name in sorted(gate.bounds().keys() - set(METRICS[section.task])):
                raise ValueError(f"{name} is not a metric of a {section.task} model")
        return gate


class StageSettings(Section):
    """One stage of `stages.toml`."""

    name: StageName
    account: str | None = Field(default=None, pattern=r"^\d{12}$", examples=["123456789012"])
    """The AWS account; default: the one that your credentials are for, found out at deploy."""
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", examples=["eu-west-1"])
    """The AWS region; default: the one that your credentials are for."""
    instance_count: int = Field(default=2, ge=1, le=100)
    """Instances of an endpoint or environment; with two, they are in two zones, and the SLA of AWS holds."""
    load_balanced: bool = True
    """Put environments of Beanstalk behind a load balancer (about 20 USD a month for each); else each is one
    machine with an address of its own, without TLS."""
    retain_data: bool = True
    """Keep buckets and keys when the stack is destroyed."""
    encryption: Literal["kms", "s3-managed"] = "kms"
    """Encrypt with a key of your own (about 1 USD a month) or with the service's."""
    access_logs: bool = True
    """Log every request to the bucket, and to load balancers, into a second bucket."""
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731] = 365
    """How long container logs are kept, in days."""
    model_latency_alarm_ms: int = Field(default=1000, ge=1)
    """Alarm when the p99 of the model's own time stays above this, in milliseconds."""
    waf: bool = True
    """Put AWS WAF in front of APIs: its managed rules, and a limit for each address (about 10 USD a month for
    each API)."""
    waf_requests_per_five_minutes: int = Field(default=2000, ge=10, le=2_000_000_000)
    """How many requests WAF lets one address make in five minutes."""


class Settings(Section):
    """Everything that synth needs to know."""

    root: Path
    stage: StageSettings
    models: tuple[ModelSettings, ...]


def stack_name(stage: str, model: str | None = None) -> str:
    """Return the name of the shared stack, or of a model's."""
    return f"slipway-{stage}" if model is None else f"slipway-{stage}-{model.replace('_', '-')}"


def endpoint_name(stage: str, model: ModelSettings) -> str:
    """Return the name of a model's endpoint: the stack's, with the mode after it where it has one.

    AWS cannot turn an endpoint on machines into a serverless one, so that is another endpoint.
    """
    return stack_name(stage, model.name) + ("-serverless" if model.serve.serverless else "")


def environment_name(stage: str, model: str) -> str:
    """Return the name of a model's environments on Beanstalk, up to `-blue` or `-green`.

    AWS allows 40 characters with that end. A stack's name that leaves no room for it is cut, and ends in a
    hash of the whole.
    """
    name = stack_name(stage, model)
    if len(name) <= _ENVIRONMENT_NAME:
        return name
    return f"{name[: _ENVIRONMENT_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def model_names(root: Path) -> tuple[str, ...]:
    """Return the names of the model folders: those in model_code/ with a model.toml."""
    found = (root / "model_code").glob("*/model.toml")
    return tuple(sorted(path.parent.name for path in found if path.parent.name not in RESERVED_FOLDERS))


def load_settings(root: Path, context: Mapping[str, Any] | None = None) -> Settings:
    """Read the stage and every model.

    Args:
        root: the project's folder.
        context: CDK context; `stage`, `models` (comma separated, or none) and `<model>.<section>.<key>` are
            ours.

    Raises:
        SettingsError: a key or a value is wrong.
        UnknownModel: the context names a model without a folder.
    """
    context = context or {}
    names = model_names(root)
    stage_name = str(context.get("stage", "local"))
    overrides = _overrides(context, names)
    named = [name.strip() for name in str(context.get("models", "")).split(",")]
    wanted = dict.fromkeys(name for name in named if name) or names  # each once
    if list(wanted) == [NO_MODELS]:
        wanted = ()
    models = tuple(load_model(root, name, overrides.get(name)) for name in wanted)
    return Settings(root=root, stage=load_stage(root, stage_name), models=models)


def load_stage(root: Path, name: str) -> StageSettings:
    """Read one stage of stages.toml.

    Raises:
        SettingsError: the stage or one of its keys is wrong.
    """
    if name not in STAGES:
        raise SettingsError(
            f"Unknown stage {name!r}.",
            why=f"The stages are {', '.join(STAGES)}. {did_you_mean(name, STAGES)}".strip(),
            fix="Say --stage dev, or -c stage=dev to cdk.",
        )
    tables = _read_toml(root / "stages.toml")
    for table in tables.keys() - set(STAGES):
        raise unknown_key("stages.toml", table, STAGES)
    return validated(StageSettings, {"name": name, **tables.get(name, {})}, f"stages.toml [{name}]")


def load_model(root: Path, name: str, overrides: Mapping[str, Any] | None = None) -> ModelSettings:
    """Read one model folder.

    Raises:
        UnknownModel: there is no such folder.
        SettingsError: a key or a value is wrong.
    """
    path = root / "model_code" / name / "model.toml"
    if not path.is_file():
        known = model_names(root)
        raise UnknownModel(
            f"No model {name!r}: model_code/{name}/model.toml is not there.",
            why=f"Models here: {', '.join(known) or 'none'}. {did_you_mean(name, known)}".strip(),
            fix="Add the folder, or name one of these.",
        )
    if not MODEL_NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} cannot be a model's name.",
            why="It becomes a part of stack and endpoint names: a-z, 0-9 and _, a letter first, 38 at most.",
            fix=f"Rename the folder model_code/{name}.",
        )
    tables = _read_toml(path)
    for dotted, value in (overrides or {}).items():
        section, _, key = dotted.partition(".")
        tables.setdefault(section, {})[key] = value
    where = f"model_code/{name}/model.toml"
    settings = validated(ModelSettings, {"name": name, "folder": path.parent, **tables}, where)
    impossible = (*BEANSTALK_COMBINATIONS, *COMBINATIONS, *LAMBDA_COMBINATIONS)
    require_possible(settings.serve, impossible, where, section="serve.")
    require_possible(settings, MODEL_COMBINATIONS, where)
    return settings


def parse_override(text: str) -> Any:
    """Read an override's value as TOML where it is TOML (numbers, booleans, lists), else as a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _overrides(context: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, value in context.items():
        if re.fullmatch(r"[A-Za-z_]\w*\.\w+\.\w+(\.\w+)?", key):
            model, _, rest = key.partition(".")
            if model not in names:
                raise UnknownModel(
                    f"The override {key!r} names no model.",
                    why=f"Models here: {', '.join(names)}. {did_you_mean(model, names)}".strip(),
                    fix="Write it as <model>.<section>.<key>=<value>, after --set or -c.",
                )
            found.setdefault(model, {})[rest] = parse_override(value) if isinstance(value, str) else value
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path.parent.name}/{path.name} is not TOML: {error}.", fix="Mend the line that it names."
        ) from None
