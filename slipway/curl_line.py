"""A line for the shell that asks a model over its API, and works as it is pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from model_code.serving.csv_cells import line_of

# Both print `export AWS_ACCESS_KEY_ID=…` and the like; the parentheses keep them out of the person's shell.
_LOCAL_KEYS = "slipway env"
_ACCOUNT_KEYS = "aws configure export-credentials --format env"


def curl_line(
    outputs: Mapping[str, str], region: str, row: Sequence[Any], *, classifies: bool, local: bool
) -> str:
    """Return the line.

    Args:
        outputs: the stack's.
        region: the stage's.
        row: one row, in the signature's order.
        classifies: whether the API has /classify: a function with a classification model behind it.
        local: whether it is the embedded AWS.
    """
    route = "classify" if classifies else "predict"
    body = json.dumps({"data": line_of(row)} if classifies else [row], ensure_ascii=False)
    asked = ["curl", "-sS", outputs["ApiUrl"] + route, "-H", "Content-Type: application/json", "-d", body]
    line = shlex.join(asked)
    auth = outputs["ApiAuth"]
    if auth == "none":
        return line
    if auth == "api_key":
        key = f"aws apigateway get-api-key --region {region} --api-key {outputs['ApiKeyId']} --include-value"
        line += f' -H "x-api-key: $({key} --query value --output text)"'
        # In an account the AWS CLI knows its keys; on this machine it is told them.
        return f'(eval "$({_LOCAL_KEYS} 2>/dev/null)"; {line})' if local else line
    line += f' --aws-sigv4 aws:amz:{region}:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'
    line += ' -H "x-amz-security-token: $AWS_SESSION_TOKEN"'  # without a token curl leaves the header out
    return f'(eval "$({_LOCAL_KEYS if local else _ACCOUNT_KEYS} 2>/dev/null)"; {line})'
