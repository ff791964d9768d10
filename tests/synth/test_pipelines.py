"""What the state machines and the registry may do, and what starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks.storage import archive_key, code_key
from tests.synth.harness import (
    STAGES,
    Templates,
    every,
    machine,
    make_project,
    only,
    rights,
    role,
    synthesize,
)

MACHINE = "AWS::StepFunctions::StateMachine"


def test_only_what_sagemaker_can_train_has_a_training_machine(tmp_path: Path, dev: Templates) -> None:
    assert {name: len(every(dev[name], MACHINE)) for name in dev if name != "slipway-dev"} == {
        "slipway-dev-iris": 2,
        "slipway-dev-diabetes": 2,
        "slipway-dev-digits": 1,
        "slipway-dev-wine": 0,
        "slipway-dev-iris-forest": 0,
    }
    root = make_project(tmp_path, "iris")
    stages = root / "stages.toml"
    stages.write_text(stages.read_text().replace('"us-east-1"', '"mx-central-1"'))
    templates = synthesize(root, tmp_path / "out", iris__serve__image="own")
    assert every(templates["slipway-local-iris"], MACHINE) == [only(templates["slipway-local-iris"], MACHINE)]
    actions = {action for action, _ in rights(templates["slipway-local"], "TrainingRole")}
    assert not [action for action in actions if action.startswith("ecr:")]


def test_the_training_machine_can_train_register_and_pass_one_role(prod: Templates) -> None:
    here = "<AWS::Region>:<AWS::AccountId>"
    bucket = "arn:<AWS::Partition>:s3:::<BucketName>"
    job = "slipway-prod-diabetes-??????????"
    jobs = f"arn:<AWS::Partition>:sagemaker:{here}:training-job/{job}"
    rule = f"arn:<AWS::Partition>:events:{here}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
    packages = f"arn:<AWS::Partition>:sagemaker:{here}:model-package/slipway-prod-diabetes/*"
    found = rights(prod["slipway-prod-diabetes"], "TrainingRole")
    own = {key: value for key, value in found.items() if key[1] != "*"}
    assert own.keys() == {
        *((f"sagemaker:{verb}TrainingJob", jobs) for verb in ("Create", "Describe", "Stop")),
        ("sagemaker:AddTags", jobs),
        ("sagemaker:ListTags", jobs),
        *((f"events:{verb}", rule) for verb in ("DescribeRule", "PutRule", "PutTargets")),
        ("iam:PassRole", "<TrainingRoleArn>"),
        ("sagemaker:CreateModelPackage", "<Registry.ModelPackageGroupArn>"),
        ("sagemaker:CreateModelPackage", packages),
        ("s3:GetObject", f"{bucket}/{archive_key(job)}"),
        ("kms:Decrypt", "<KeyArn>"),
        ("kms:GenerateDataKey", "<KeyArn>"),
    }
    assert own["iam:PassRole", "<TrainingRoleArn>"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    assert {action.partition(":")[0] for action, resource in found if resource == "*"} == {"logs", "xray"}
    (trust,) = role(prod["slipway-prod-diabetes"], "TrainingRole")["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"].keys() == {"StringEquals", "ArnLike"}
    script = rights(prod["slipway-prod-iris"], "TrainingRole").keys() - found.keys()
    assert ("s3:PutObject", f"{bucket}/{code_key('slipway-prod-iris-??????????')}") in script


def test_the_batch_machine_transforms_with_the_champion_and_may_do_nothing_else(dev: Templates) -> None:
    template = dev["slipway-dev-digits"]
    arguments = machine(template, "Batch")["States"]["Transform"]["Arguments"]
    assert arguments["TransformInput"] == {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "{% $input %}"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    assert arguments["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert "MaxConcurrentTransforms" not in arguments
    values = template["Resources"]["Batch"]["Properties"]["DefinitionSubstitutions"]
    assert values["ModelName"] == {"Fn::GetAtt": ["Model", "ModelName"]} == template["Outputs"]["ModelName"][
        "Value"
    ]  # fmt: skip
    begin = machine(template, "Batch")["States"]["Begin"]["Assign"]
    assert "s3://${Bucket}/batch/digits/input/current/" in begin["input"]
    assert "s3://${Bucket}/batch/digits/output/" in begin["output"]
    services = {action.partition(":")[0] for action, _ in rights(template, "BatchRole")}
    assert services == {"sagemaker", "events", "logs", "xray"}


def test_batch_settings_reach_the_job(tmp_path: Path) -> None:
    context = {
        "diabetes.batch.strategy": "SingleRecord",
        "diabetes.batch.max_payload_mb": "2",
        "diabetes.batch.max_concurrent": "4",
        "diabetes.batch.join": "true",
        "diabetes.batch.input_filter": "$[1:]",
        "diabetes.batch.output_filter": "$[0,-1]",
        "diabetes.batch.instance_count": "3",
    }
    root = make_project(tmp_path, "diabetes")
    template = synthesize(root, tmp_path / "out", stage="dev", **context)["slipway-dev-diabetes"]
    asked = machine(template, "Batch")["States"]["Transform"]["Arguments"]
    assert (asked["BatchStrategy"], asked["MaxPayloadInMB"], asked["MaxConcurrentTransforms"]) == (
        "SingleRecord",
        2,
        4,
    )
    assert asked["DataProcessing"] == {
        "InputFilter": "$[1:]",
        "OutputFilter": "$[0,-1]",
        "JoinSource": "Input",
    }
    assert asked["TransformResources"]["InstanceCount"] == 3


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_scheduled_unless_asked_for(stage: str, templates: dict[str, Templates]) -> None:
    for template in templates[stage].values():
        assert every(template, "AWS::Events::Rule") == []


def test_a_schedule_starts_its_machine_and_may_do_nothing_else(tmp_path: Path) -> None:
    context = {"diabetes.train.schedule": "rate(7 days)", "diabetes.batch.schedule": "cron(0 3 * * ? *)"}
    root = make_project(tmp_path, "diabetes")
    # prod, so that the house rules and cdk-nag look at it as well.
    template = synthesize(root, tmp_path / "out", stage="prod", **context)["slipway-prod-diabetes"]
    rules = [rule["Properties"] for rule in every(template, "AWS::Events::Rule")]
    assert {rule["ScheduleExpression"]: rule["Targets"][0]["Arn"] for rule in rules} == {
        "rate(7 days)": {"Ref": "Training"},
        "cron(0 3 * * ? *)": {"Ref": "Batch"},
    }
    assert {rule["Targets"][0]["Input"] for rule in rules} == {"{}"}
    assert rights(template, "TrainingScheduleRole").keys() == {("states:StartExecution", "<Training>")}
    (trust,) = role(template, "BatchScheduleRole")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert "aws:SourceArn" in json.dumps(trust["Condition"])


def test_the_registry_is_emptied_before_it_goes_and_after_the_machine_that_fills_it(dev: Templates) -> None:
    template = dev["slipway-dev-diabetes"]
    group = only(template, "AWS::SageMaker::ModelPackageGroup")["Properties"]
    assert group["ModelPackageGroupName"] == "slipway-dev-diabetes"
    packages = only(template, "Custom::SlipwayModelPackages")
    assert packages["DependsOn"] == ["Registry"]
    # Less than the hour that CloudFormation waits by itself, and time for the three runs that Lambda makes.
    function = only(template, "AWS::Lambda::Function")["Properties"]
    assert 3 * function["Timeout"] + 180 < int(packages["Properties"]["ServiceTimeout"]) < 3600
    training = template["Resources"]["Training"]
    (emptied,) = (n for n, r in template["Resources"].items() if r["Type"] == "Custom::SlipwayModelPackages")
    assert emptied in training["DependsOn"]
    code = function["Code"]["ZipFile"]
    assert len(code) <= 4096  # CloudFormation's limit
    compile(code, "index.py", "exec")
    allowed = {action for action, _ in rights(template, "RegistryEmptierRole")}
    assert allowed == {
        "sagemaker:DeleteModelPackage",
        "sagemaker:ListModelPackages",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
