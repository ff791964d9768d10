"""Our handler inside Powertools' logger, metrics and, where POWERTOOLS_TRACER is set, tracer."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from serving.aws_lambda.handler import handler as ours

logger, metrics = Logger(service="wine"), Metrics(namespace="slipway", service="wine")


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer as our handler does."""
    return ours(event, context)


if os.environ.get("POWERTOOLS_TRACER"):
    from aws_lambda_powertools import Tracer

    handler = Tracer(service="wine").capture_lambda_handler(handler)
