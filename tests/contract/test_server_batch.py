"""Our server in a transform job: larger requests, any number of rows, and what it says of itself."""

from __future__ import annotations

import json

import pytest

from tests.server.models import model
from tests.server.process import Server


def test_it_offers_one_request_a_worker_of_sagemakers_own_size() -> None:
    with Server(model("regression"), workers=2, SLIPWAY_MAX_BODY_BYTES=str(4 << 20)) as small:
        told = json.loads(small.ask("GET", "/execution-parameters").body)
    with Server(model("regression"), SAGEMAKER_BATCH="true") as batch:
        answer = batch.ask("GET", "/execution-parameters")

    assert told == {"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 4}
    assert (answer.status, json.loads(answer.body)["MaxPayloadInMB"]) == (200, 6)


@pytest.mark.parametrize(("variables", "status"), [({}, 413), ({"SAGEMAKER_BATCH": "true"}, 200)])
def test_a_batch_may_have_more_rows_than_a_request(variables: dict[str, str], status: int) -> None:
    with Server(model("regression"), **variables) as server:
        answer = server.predict(b"1,2,3,4\n" * 100_001, accept="text/csv")

    assert answer.status == status
    assert status == 413 or answer.body.count(b"\n") == 100_001
