"""Checks of environments on Elastic Beanstalk: how machines are made, watched, reached and replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stacks.template_reading import Hit, Template, option_settings, references, resources, waits_for

_ENVIRONMENT = "AWS::ElasticBeanstalk::Environment"
_KEEPING_CAPACITY = {"Immutable", "RollingWithAdditionalBatch"}
_HTTP, _TLS = {"HTTP", "TCP"}, {"HTTPS", "SSL", "TLS"}
Options = Mapping[tuple[str, str], Any]


def borrowed_profiles(template: Template) -> Iterator[Hit]:
    """Yield environments whose machines have no instance profile of the stack's own."""
    own = {name for name, _ in resources(template, "AWS::IAM::InstanceProfile")}
    for name, options in _environments(template):
        profile = options.get(("aws:autoscaling:launchconfiguration", "IamInstanceProfile"))
        if not own.intersection(references(profile)):
            yield name, ""


def old_launches(template: Template) -> Iterator[Hit]:
    """Yield environments whose machines answer IMDSv1; turning it off also brings launch templates."""
    for name, options in _environments(template):
        if options.get(("aws:autoscaling:launchconfiguration", "DisableIMDSv1")) != "true":
            yield name, ""


def unwatched(template: Template) -> Iterator[Hit]:
    """Yield environments without enhanced health, or whose health is not asked at a path."""
    for name, options in _environments(template):
        if options.get(("aws:elasticbeanstalk:healthreporting:system", "SystemType")) != "enhanced":
            yield name, "SystemType"
        if not options.get(("aws:elasticbeanstalk:application", "Application Healthcheck URL")):
            yield name, "Application Healthcheck URL"


def not_updated(template: Template) -> Iterator[Hit]:
    """Yield environments whose platform gets no updates."""
    namespace = "aws:elasticbeanstalk:managedactions"
    for name, options in _environments(template):
        enabled = options.get((namespace, "ManagedActionsEnabled")) == "true"
        needed = ((namespace, "PreferredStartTime"), (f"{namespace}:platformupdate", "UpdateLevel"))
        if not enabled or not all(options.get(option) for option in needed):
            yield name, ""


def lost_logs(template: Template) -> Iterator[Hit]:
    """Yield environments whose logs die with a machine, stay for ever, or whose end nobody decided."""
    for name, options in _environments(template):
        for namespace, on in (("logs", "StreamLogs"), ("logs:health", "HealthStreamingEnabled")):
            of = f"aws:elasticbeanstalk:cloudwatch:{namespace}"
            needed = (options.get((of, key)) for key in ("RetentionInDays", "DeleteOnTerminate"))
            if options.get((of, on)) != "true" or not all(needed):
                yield name, on


def plain_listeners(template: Template) -> Iterator[Hit]:
    """Yield environments that speak plain HTTP; `beside TLS` where they speak both."""
    for name, options in _environments(template):
        protocols = _listeners(options)
        if protocols & _HTTP:
            yield name, "beside TLS" if protocols & _TLS else "no TLS"


def narrow_load_balancers(template: Template) -> Iterator[Hit]:
    """Yield load balancers that are old, in one zone, or take a machine for well that never said so."""
    for name, options in _environments(template):
        if not _load_balanced(options):
            continue
        if options.get(("aws:elasticbeanstalk:environment", "LoadBalancerType")) != "application":
            yield name, "LoadBalancerType"
        subnets = str(options.get(("aws:ec2:vpc", "ELBSubnets"), "")).split(",")
        zones = str(options.get(("aws:autoscaling:asg", "Availability Zones"), "")) in ("Any 2", "Any 3")
        if not (len(subnets) > 1 or zones):
            yield name, "zones"
        if not options.get(("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath")):
            yield name, "HealthCheckPath"


def interrupting_deployments(template: Template) -> Iterator[Hit]:
    """Yield environments that take machines away before others have shown that they are well."""
    for name, options in _environments(template):
        command = "aws:elasticbeanstalk:command"
        if options.get((command, "DeploymentPolicy")) not in _KEEPING_CAPACITY:
            yield name, "DeploymentPolicy"
        if options.get((command, "IgnoreHealthCheck"), "false") != "false":
            yield name, "IgnoreHealthCheck"
        settings = "aws:autoscaling:updatepolicy:rollingupdate"
        rolling = options.get((settings, "RollingUpdateEnabled")) == "true"
        if not rolling or options.get((settings, "RollingUpdateType")) not in ("Health", "Immutable"):
            yield name, "RollingUpdateType"


def public_machines(template: Template) -> Iterator[Hit]:
    """Yield environments whose machines have public addresses, with subnets and a load balancer."""
    for name, options in _environments(template):
        private = options.get(("aws:ec2:vpc", "AssociatePublicIpAddress")) == "false"
        if _load_balanced(options) and ("aws:ec2:vpc", "Subnets") in options and not private:
            yield name, ""


def loose_ends(template: Template) -> Iterator[Hit]:
    """Yield environments that are live without a check, or that leave Beanstalk's own objects behind."""
    live = {
        other
        for kept, resource in resources(template, "Custom::SlipwayLiveEnvironment")
        for other in (*references(resource["Properties"]), *waits_for(template, kept))
    }
    cleanups = {name for name, _ in resources(template, "Custom::SlipwayEnvironmentCleanup")}
    for name, _ in resources(template, _ENVIRONMENT):
        if name not in live:
            yield name, "check"
        if not cleanups & waits_for(template, name):
            yield name, "cleanup"


def _environments(template: Template) -> Iterator[tuple[str, Options]]:
    for name, resource in resources(template, _ENVIRONMENT):
        yield name, option_settings(resource["Properties"])


def _load_balanced(options: Options) -> bool:
    return options.get(("aws:elasticbeanstalk:environment", "EnvironmentType")) != "SingleInstance"


def _listeners(options: Options) -> set[str]:
    """Return the protocols that callers can speak. A listener that nothing is said of is on, and HTTP."""
    if not _load_balanced(options):
        return {"HTTP"}
    prefix = "aws:elbv2:listener:"
    names = {namespace for namespace, _ in options if namespace.startswith(prefix)} | {f"{prefix}default"}
    return {
        str(options.get((name, "Protocol"), "HTTP"))
        for name in names
        if options.get((name, "ListenerEnabled"), "true") == "true"
    }
