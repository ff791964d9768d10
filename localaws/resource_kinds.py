"""The kinds of resources an inventory lists, and where the emulator keeps each. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind: its service, its name in an inventory, the CloudFormation types that make it, its store."""

    service: str
    kind: str
    types: tuple[str, ...]
    module: str
    store: str


KINDS = (
    Kind("cloudformation", "stack", ("AWS::CloudFormation::Stack",), "cloudformation", "_stacks"),
    Kind("s3", "bucket", ("AWS::S3::Bucket",), "s3", "_buckets"),
    Kind("iam", "role", ("AWS::IAM::Role",), "iam", "_roles"),
    Kind("iam", "user", ("AWS::IAM::User",), "iam", "_users"),
    Kind("iam", "group", ("AWS::IAM::Group",), "iam", "_groups"),
    Kind("iam", "policy", ("AWS::IAM::ManagedPolicy",), "iam", "_policies"),
    Kind("iam", "instance-profile", ("AWS::IAM::InstanceProfile",), "iam", "_instance_profiles"),
    Kind("kms", "key", ("AWS::KMS::Key",), "kms", "_keys"),
    Kind("kms", "alias", ("AWS::KMS::Alias",), "kms", "_aliases"),
    Kind("ecr", "repository", ("AWS::ECR::Repository",), "ecr", "_repositories"),
    Kind("logs", "log-group", ("AWS::Logs::LogGroup",), "cloudwatch_logs", "_log_groups"),
    Kind("logs", "metric-filter", ("AWS::Logs::MetricFilter",), "cloudwatch_logs", "_metric_filters"),
    Kind("cloudwatch", "alarm", ("AWS::CloudWatch::Alarm",), "cloudwatch", "_alarms"),
    Kind("cloudwatch", "dashboard", ("AWS::CloudWatch::Dashboard",), "cloudwatch", "_dashboards"),
    Kind("ssm", "parameter", ("AWS::SSM::Parameter",), "ssm", "_parameters"),
    Kind("sns", "topic", ("AWS::SNS::Topic",), "sns", "_topics"),
    Kind("sqs", "queue", ("AWS::SQS::Queue",), "sqs", "_queues"),
    Kind("lambda", "function", ("AWS::Lambda::Function",), "lambda_svc", "_functions"),
    Kind("lambda", "layer", ("AWS::Lambda::LayerVersion",), "lambda_svc", "_layers"),
    Kind("lambda", "event-source", ("AWS::Lambda::EventSourceMapping",), "lambda_svc", "_esms"),
    Kind("apigateway", "rest-api", ("AWS::ApiGateway::RestApi",), "apigateway_v1", "_rest_apis"),
    Kind("apigateway", "api-key", ("AWS::ApiGateway::ApiKey",), "apigateway_v1", "_api_keys"),
    Kind("apigateway", "usage-plan", ("AWS::ApiGateway::UsagePlan",), "apigateway_v1", "_usage_plans"),
    Kind("wafv2", "web-acl", ("AWS::WAFv2::WebACL",), "waf", "_web_acls"),
    Kind(
        "states", "state-machine", ("AWS::StepFunctions::StateMachine",), "stepfunctions", "_state_machines"
    ),
    Kind("events", "rule", ("AWS::Events::Rule",), "eventbridge", "_rules"),
    Kind("dynamodb", "table", ("AWS::DynamoDB::Table",), "dynamodb", "_tables"),
    Kind("secretsmanager", "secret", ("AWS::SecretsManager::Secret",), "secretsmanager", "_secrets"),
)

# Listed by the services of this package itself.
OWN_TYPES = frozenset(
    {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::ElasticBeanstalk::Application",
        "AWS::ElasticBeanstalk::ApplicationVersion",
        "AWS::ElasticBeanstalk::ConfigurationTemplate",
        "AWS::ElasticBeanstalk::Environment",
    }
)

# Parts of another resource, which go with it: they are nowhere on their own.
ATTACHMENTS = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::IAM::Policy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::SQS::QueuePolicy",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Url",
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::GatewayResponse",
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Model",
        "AWS::ApiGateway::RequestValidator",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGateway::Stage",
        "AWS::ApiGateway::UsagePlanKey",
        "AWS::Logs::ResourcePolicy",
        "AWS::WAFv2::LoggingConfiguration",
        "AWS::WAFv2::WebACLAssociation",
        "Custom::S3AutoDeleteObjects",
        "Custom::SlipwayEnvironmentCleanup",
        "Custom::SlipwayGoldenCheck",
        "Custom::SlipwayLiveEnvironment",
        "Custom::SlipwayModelArchive",
        "Custom::SlipwayModelPackages",
        "Custom::SlipwayModelPointer",
    }
)


def covered(resource_type: str) -> bool:
    """Whether an inventory would show what is left of this CloudFormation type."""
    listed = {name for kind in KINDS for name in kind.types} | OWN_TYPES
    return resource_type in listed or resource_type in ATTACHMENTS
