"""Who may do what around an environment on Beanstalk: all of it, and nothing else."""

from __future__ import annotations

import json
import re

from tests.synth.harness import Templates, only, rights, role

HERE = "<AWS::Region>:<AWS::AccountId>"
STACK = "slipway-dev-iris-forest"
BUCKET = "arn:<AWS::Partition>:s3:::elasticbeanstalk-<AWS::Region>-<AWS::AccountId>"
ENVIRONMENTS = f"{BUCKET}/resources/environments"
APPLICATION = f"arn:<AWS::Partition>:elasticbeanstalk:{HERE}:application/{STACK}"
BOTH = [
    f"arn:<AWS::Partition>:elasticbeanstalk:{HERE}:environment/{STACK}/{STACK}-{s}" for s in ("blue", "green")
]
LOGS = [
    f"arn:<AWS::Partition>:logs:{HERE}:log-group:/aws/elasticbeanstalk/{STACK}-{slot}/*"
    for slot in ("blue", "green")
]


def test_a_machine_pulls_one_image_and_reads_and_writes_what_is_its_application_s(dev: Templates) -> None:
    template = dev[STACK]
    found = rights(template, "InstanceProfileRole")
    (repository,) = {resource for action, resource in found if action == "ecr:BatchGetImage"}
    assert repository.startswith("arn:") and repository.endswith("/slipway-dev")
    assert found.keys() == {
        *(
            (f"ecr:{action}", repository)
            for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        ),
        ("ecr:GetAuthorizationToken", "*"),
        ("s3:GetObject", f"{ENVIRONMENTS}/e-??????????/_runtime/_versions/{STACK}/*"),
        ("s3:GetObject", f"{ENVIRONMENTS}/e-??????????/_runtime/versions/manifest_*"),
        ("s3:PutObject", f"{ENVIRONMENTS}/logs/*"),
        *(
            (f"logs:{action}", group)
            for action in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
            for group in LOGS
        ),
        *(("elasticbeanstalk:PutInstanceStatistics", arn) for arn in (APPLICATION, *BOTH)),
    }


def test_the_check_swaps_the_names_of_two_environments_and_of_no_others(dev: Templates) -> None:
    found = rights(dev[STACK], "LiveEnvironmentCheckerRole")
    assert {resource for action, resource in found if "Swap" in action} == set(BOTH)
    assert {action for action, _ in found if "Describe" not in action} == {
        "elasticbeanstalk:SwapEnvironmentCNAMEs",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    assert ("cloudformation:DescribeStacks", "<AWS::StackId>") in found


def test_the_cleanup_deletes_objects_of_environments_alone_and_logs_only_where_no_data_is_kept(
    dev: Templates, prod: Templates
) -> None:
    found = rights(dev[STACK], "CleanupCleanerRole")
    assert {resource for action, resource in found if action == "s3:DeleteObject"} == {
        f"{ENVIRONMENTS}/e-??????????/*",
        f"{ENVIRONMENTS}/logs/*/e-??????????/*",
    }
    assert {resource for action, resource in found if action == "logs:DeleteLogGroup"} == set(LOGS)
    assert found["s3:ListBucket", BUCKET] == {"StringLike": {"s3:prefix": ["resources/environments/*"]}}
    kept = rights(prod["slipway-prod-iris-forest"], "CleanupCleanerRole")
    assert not [action for action, _ in kept if "LogGroup" in action]


def test_beanstalk_only_looks_and_no_policy_of_aws_is_attached(dev: Templates, prod: Templates) -> None:
    for template, stage in ((dev[STACK], "dev"), (prod["slipway-prod-iris-forest"], "prod")):
        found = rights(template, "ServiceRole")
        moved = {"ec2:AssociateAddress"} if stage == "dev" else set()
        assert {action for action, _ in found if not re.match("logs:|.*:Describe", action)} == moved
        (trust,) = role(template, "ServiceRole")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "elasticbeanstalk.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}}
        assert "ManagedPolicyArns" not in json.dumps(template)


def test_beanstalk_writes_the_health_of_two_environments_to_their_own_log_groups(dev: Templates) -> None:
    groups = [group.removesuffix("*") + "environment-health.log:*" for group in LOGS]
    assert {key for key in rights(dev[STACK], "ServiceRole") if key[0].startswith("logs:")} == {
        (f"logs:{action}", group)
        for action in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
        for group in groups
    }


def test_machines_get_the_role_by_a_profile_of_the_stack(dev: Templates) -> None:
    (named,) = only(dev[STACK], "AWS::IAM::InstanceProfile")["Properties"]["Roles"]
    assert dev[STACK]["Resources"][named["Ref"]] == role(dev[STACK], "InstanceProfileRole")
