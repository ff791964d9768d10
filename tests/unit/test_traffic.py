"""Sharing requests between two variants."""

from __future__ import annotations

import tomllib

import pytest

from client import Client
from client.doors import SageMakerDoor
from slipway.errors import NotDeployed, SettingsError
from slipway.traffic import move, shares, split, write_down

MODEL_TOML = """\
# what we serve
[serve]
image = "own"

[[serve.variants]]
name = "champion"      # the one that is known
version = "previous"
weight = 90

[[serve.variants]]
name = "challenger"
version = "latest"
weight = 10
"""


class FakeSageMaker:
    """An endpoint with two variants that takes its time to change."""

    def __init__(self, weights):
        self.weights = dict(weights)
        self.updating = 0

    def describe_endpoint(self, **_request):
        self.updating = max(0, self.updating - 1)
        variants = [{"VariantName": name, "CurrentWeight": weight} for name, weight in self.weights.items()]
        return {
            "EndpointStatus": "Updating" if self.updating else "InService",
            "ProductionVariants": variants,
        }

    def update_endpoint_weights_and_capacities(self, **request):
        self.updating = 2
        for wanted in request["DesiredWeightsAndCapacities"]:
            self.weights[wanted["VariantName"]] = wanted["DesiredWeight"]


class FakeAws:
    """An AWS with that one service."""

    endpoint_url = "http://127.0.0.1:1"

    def __init__(self, sagemaker):
        self._sagemaker = sagemaker

    def client(self, _service):
        return self._sagemaker


def test_shares_are_weights_over_their_sum_and_zero_stays_zero():
    assert shares(FakeAws(FakeSageMaker({"champion": 3, "challenger": 1})), "e") == {
        "champion": 0.75,
        "challenger": 0.25,
    }
    assert shares(FakeAws(FakeSageMaker({"champion": 5, "challenger": 0})), "e")["challenger"] == 0


def test_an_endpoint_that_serves_nothing_has_no_shares():
    with pytest.raises(NotDeployed, match="serves nothing"):
        shares(FakeAws(FakeSageMaker({})), "e")


def test_moving_traffic_waits_until_the_new_weights_are_in_force():
    sagemaker = FakeSageMaker({"champion": 1, "challenger": 0})

    move(FakeAws(sagemaker), "e", {"champion": 90, "challenger": 10})

    assert sagemaker.weights == {"champion": 90, "challenger": 10}
    assert sagemaker.updating == 0


@pytest.mark.parametrize(
    ("champion", "challenger", "expected"),
    [(None, 10, (90, 10)), (75, None, (75, 25)), (0, 100, (0, 100)), (99.5, 0.5, (99.5, 0.5))],
)
def test_one_share_gives_the_other(champion, challenger, expected):
    found = split({"champion": 1, "challenger": 1}, champion, challenger)
    assert (found["champion"], found["challenger"]) == expected


def test_shares_that_are_not_a_hundred_percent_are_refused():
    with pytest.raises(SettingsError, match="not 100 %"):
        split({"champion": 1, "challenger": 1}, 50, 10)


def test_traffic_of_a_single_variant_cannot_be_shared():
    with pytest.raises(SettingsError, match="no traffic to share"):
        split({"champion": 1}, None, 10)


def test_weights_are_written_into_model_toml_and_comments_stay(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text(MODEL_TOML)

    assert write_down(path, {"champion": 75, "challenger": 25})

    text = path.read_text()
    assert "# the one that is known" in text
    assert text == MODEL_TOML.replace("= 90", "= 75").replace("= 10", "= 25")
    assert [variant["weight"] for variant in tomllib.loads(text)["serve"]["variants"]] == [75, 25]


def test_a_model_toml_without_variants_is_left_alone(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text('[serve]\nimage = "own"\n')

    assert not write_down(path, {"champion": 75, "challenger": 25})
    assert path.read_text() == '[serve]\nimage = "own"\n'


class FakeRuntime:
    """Answers as an endpoint with our own container does."""

    def __init__(self):
        self.asked = []

    def invoke_endpoint(self, **request):
        import io

        self.asked.append(request.get("TargetVariant"))
        variant = request.get("TargetVariant", "champion")
        return {
            "Body": io.BytesIO(b"[1]"),
            "InvokedProductionVariant": variant,
            "CustomAttributes": f"version=0123456789ab;variant={variant}",
        }


def test_an_answer_names_the_variant_and_the_version_that_gave_it():
    runtime = FakeRuntime()
    client = Client("digits", SageMakerDoor(runtime, "e"), "0123456789ab")

    answer = client.answer(b"[[1]]", "application/json", variant="challenger")

    assert (answer.content, answer.variant, answer.version) == (b"[1]", "challenger", "0123456789ab")
    assert client.predict([[1.0]]) == [1]
    assert runtime.asked == ["challenger", None]
