"""Putting models on a stage, and making sure that they arrived."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from slipway.api_account import require_log_role
from slipway.arrival import await_version
from slipway.aws import Aws
from slipway.cdk import bootstrap, cdk, stacks_of, synthesize
from slipway.direct import deploy_assembly
from slipway.environment_checks import verified_environment
from slipway.environment_events import beanstalk_told
from slipway.environment_swap import SLOT, Swap
from slipway.errors import SettingsError
from slipway.function_checks import bring_forward
from slipway.project import Project
from slipway.story import Story
from slipway.verify import (
    CHAMPION,
    LATENCY_CALLS,
    SHADOW,
    Replay,
    check_configuration,
    client_for,
    replay_golden_rows,
)
from stacks.images import PREBUILT
from stacks.serve_settings import ServeSection
from stacks.settings import ModelSettings, stack_name
from training.artifact import Artifact, load_artifact
from training.target_build import build_for_target

OUTPUTS_FILE = "outputs.json"
# By model, then by the name of the variant.
Replays = dict[str, dict[str, Replay]]
_NAMES = {"lambda": "Lambda", "beanstalk": "Elastic Beanstalk"}
# What stands for the variant where the API in front of an endpoint was asked.
FRONT_DOOR = f"{CHAMPION}, front door"


def deploy(
    project: Project,
    aws: Aws,
    models: Sequence[ModelSettings],
    context: dict[str, str],
    story: Story,
    *,
    direct: bool,
    approve: str = "never",
    swap: bool = False,
) -> Replays:
    """Deploy the shared stack and the models' stacks, then verify every endpoint and every function.

    Args:
        project: the project.
        aws: where to.
        models: what.
        context: CDK context, overrides among them.
        story: is told every event.
        direct: put the templates on the embedded AWS without the CLI, which is faster.
        approve: the CLI's --require-approval.
        swap: put the new version beside the one that answers and exchange their addresses; Beanstalk only.

    Returns:
        What the golden rows showed, for each variant that answers.

    Raises:
        DeployFailed: a stack failed, or an endpoint or a function does not run or answer what was deployed.
        AwsUnreachable: as require_log_role does.
        SettingsError: as require_mapped_region does, or what is to be swapped is no environment.
        NotDeployed: as Swap.plan does.
    """
    require_mapped_region(aws)
    swaps = [Swap.plan(aws, model, story) for model in models] if swap else []
    if aws.stage.name != "local" and any(model.serve.has_api for model in models):
        require_log_role(aws)
    names = [model.name for model in models]
    artifacts = {model.name: artifacts_of(project, model) for model in models}
    for model in models:
        newest = artifacts[model.name][CHAMPION]
        if changed := changed_files(model, newest):
            story.say(
                f"{model.name}: {', '.join(changed)} changed since {newest.version} was trained. "
                f"To serve the change, run: slipway train {model.name}"
            )
    for model in models:
        if not model.serve.on_sagemaker:
            with story.step(f"package {model.name} for {_NAMES[model.serve.target]}"):
                build_for_target(project.root, model, artifacts[model.name][CHAMPION], progress=story.event)
    wanted = stacks_of(aws.stage.name, names)
    if aws.stage.name == "local":
        bootstrap(project, aws, story)
    for each in swaps:
        story.say(each.told())
    slots = {each.stack: {SLOT: each.slot} for each in swaps}
    if direct:
        with story.step(f"synthesize {', '.join(wanted)}"):
            folder = synthesize(project, aws, story, context)
        with story.step(f"deploy {', '.join(wanted)}"), beanstalk_told(aws, models, story):
            deploy_assembly(Path(folder), aws, story, wanted, slots)
    else:
        with story.step(f"cdk deploy {' '.join(wanted)}"), beanstalk_told(aws, models, story):
            arguments = ["deploy", *wanted, "--require-approval", approve, "--progress", "events"]
            for stack, values in slots.items():
                arguments += ["--parameters", *(f"{stack}:{name}={value}" for name, value in values.items())]
            cdk(project, aws, arguments, story, context)
    for each in swaps:
        each.check(aws, story)
    replays = {model.name: _verified(aws, model, artifacts[model.name], story) for model in models}
    write_outputs(project, aws, names)
    return replays


def require_mapped_region(aws: Aws) -> None:
    """Refuse a region that the templates do not know where they are made for any region.

    Their table of AWS's registries has no entry for it, and CloudFormation would stop at that.

    Raises:
        SettingsError: stages.toml names no region, and AWS publishes no prebuilt images in the session's.
    """
    region = aws.session.region_name
    if aws.stage.region is None and not all(image.published_in(region) for image in PREBUILT.values()):
        raise SettingsError(
            f"AWS publishes no scikit-learn or XGBoost image in {region}, and the templates look for them.",
            why=f"[{aws.stage.name}] in stages.toml names no region, so that they are made for any.",
            fix=f'Set region = "{region}" there: what needs these images is left out then.',
        )


def artifacts_of(project: Project, model: ModelSettings) -> dict[str, Artifact]:
    """Return the artifact of each variant of a model, by the variant's name.

    Raises:
        ArtifactMissing, ArtifactInvalid: as load_artifact does.
    """
    return {
        variant.name: load_artifact(project.root, model.name, variant.version)
        for variant in model.serve.resolved_variants()
    }


def _verified(
    aws: Aws, model: ModelSettings, artifacts: dict[str, Artifact], story: Story
) -> dict[str, Replay]:
    if model.serve.on_beanstalk:
        return verified_environment(aws, model, artifacts[CHAMPION], story)
    if model.serve.on_lambda:
        bring_forward(aws, model, artifacts[CHAMPION], story)
    else:
        check_configuration(aws, aws.outputs(model.name))
    client = client_for(aws, model.name)
    asked = {name: artifact for name, artifact in artifacts.items() if name != SHADOW}
    replays = {}
    for name, artifact in asked.items():
        with story.step(f"replay the golden rows of {model.name} {artifact.version} ({name})"):
            variant = name if len(asked) > 1 else None
            replays[name] = replay_golden_rows(
                client, artifact, variant=variant, latency_calls=timed_requests(model.serve)
            )
    # An API does not choose between variants, so that only the one there is can be held to its golden rows.
    if model.serve.front_door and len(asked) == 1:
        api = client_for(aws, model.name, "api")
        with story.step(f"replay the golden rows of {model.name} through its front door"):
            await_version(aws, api)
            replays[FRONT_DOOR] = replay_golden_rows(
                api, artifacts[CHAMPION], latency_calls=timed_requests(model.serve)
            )
    return replays


def timed_requests(serve: ServeSection) -> int:
    """Return how many requests to time: no more than an API takes at once, or 5 % of a key's day."""
    quota = LATENCY_CALLS if serve.quota_per_day is None else serve.quota_per_day // 20
    return max(1, min(LATENCY_CALLS, quota, serve.throttle_burst))


def changed_files(model: ModelSettings, artifact: Artifact) -> list[str]:
    """Return which files of a model's folder say something else than when the artifact was packaged."""
    changed = []
    if artifact.manifest["settings"] != model.model.model_dump(mode="json"):
        changed.append("model.toml")
    for name in ("inference.py", "requirements.txt"):
        file = model.folder / name
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
        packaged = artifact.manifest["files"].get(f"code/{name}")
        if name == "inference.py" and not artifact.manifest["hooks"]:
            packaged = None  # it is ours
        if digest != packaged:
            changed.append(name)
    return changed


def write_outputs(project: Project, aws: Aws, models: Sequence[str]) -> None:
    """Write the stacks' outputs into outputs.json, beside those of other stacks that are there."""
    path = project.root / OUTPUTS_FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known[stack_name(aws.stage.name)] = aws.outputs()
    for model in models:
        known[stack_name(aws.stage.name, model)] = aws.outputs(model)
    staging = path.with_suffix(".new")
    staging.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    staging.replace(path)


def forget_outputs(project: Project, stacks: Sequence[str]) -> None:
    """Take stacks that are gone out of outputs.json, and the file away with the last one."""
    path = project.root / OUTPUTS_FILE
    if not path.is_file():
        return
    known = json.loads(path.read_text(encoding="utf-8"))
    kept = {name: outputs for name, outputs in known.items() if name not in stacks}
    if kept:
        path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    else:
        path.unlink()
