"""The command line without any AWS: rows, overrides, messages, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.commands.predict import read_rows, read_text
from slipway.errors import BadInput, SettingsError, SlipwayError
from slipway.options import context_of
from slipway.verify import agrees
from stacks.settings import load_model
from training.train import train

ROOT = Path(__file__).parents[2]


def slipway(*arguments, cwd=ROOT, **options):
    return subprocess.run(
        [sys.executable, "-m", "slipway.main", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["predict", "iriss", "1,2,3,4"], 2, ["No model 'iriss'", "Did you mean 'iris'", "E-UNKNOWN-MODEL"]),
        (["train", "iris", "--set", "model.taks=x"], 2, ["unknown key 'model.taks'", "Did you mean 'task'"]),
        (["train", "iris", "--set", "split.test=much"], 2, ["split.test = 'much' is not allowed"]),
        (
            ["train", "iris", "--set", "gate.accuracy=0.999"],
            3,
            ["E-GATE", "accuracy is 0.9667", "stays as it is"],
        ),
        (
            ["train", "iris", "--set", "model.hyperparameters.C=2"],
            2,
            ["An override sets them all", "--set 'model.hyperparameters={C = 2, ...}'"],
        ),
        (["train", "--set", "serve.version=1"], 2, ["E-SETTINGS", "name the models"]),
        (["deploy", "iris", "--stage", "prd"], 2, ["prd"]),
        (["depoly"], 2, ["depoly"]),
        (["predict", "iris", "nowhere.csv"], 2, ["neither a file nor a row of numbers"]),
        (["predict", "iriss", "-1.5,2,3,4", "--json"], 2, ["No model 'iriss'"]),
        (["predict", "iris", "1,2,3,4", "--jsn"], 2, ["No such option", "--json"]),
    ],
)
def test_a_mistake_has_a_message_and_an_exit_code(arguments, code, words):
    ended = slipway(*arguments)

    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    flat = " ".join(ended.stderr.split())
    assert not [word for word in words if word not in flat], ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["outputs", "iris"],
        ["predict", "iris", "1,2,3,4"],
        ["deploy", "iris"],
        ["destroy", "--yes"],
    ],
)
@pytest.mark.parametrize(
    ("region", "what"), [(None, "There is no AWS region"), ("eu-west-1", "There are no AWS credentials")]
)
def test_an_account_that_cannot_be_found_is_told_in_few_lines(project, arguments, region, what):
    train(project, load_model(project, "iris"))
    nowhere = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(project)}
    nowhere |= {"AWS_REGION": region} if region else {}

    ended = slipway(*arguments, "--stage", "dev", env=nowhere, cwd=project)

    assert ended.returncode == 4, ended.stderr
    assert what in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_artifact_names_the_command_that_makes_it(project, monkeypatch):
    ended = slipway("deploy", "iris", "--set", "serve.version=0123456789ab")

    assert ended.returncode == 3
    assert "slipway train iris" in ended.stderr


def test_no_color_is_honoured():
    ended = slipway(
        "predict", "iris", "nowhere", env={"PATH": "/usr/bin", "NO_COLOR": "1", "FORCE_COLOR": "1"}
    )

    assert "\x1b[3" not in ended.stderr


def test_rows_without_a_header_are_lists(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("1,2,3,4\n5,6,7,8\n")

    assert read_rows(read_text(str(file))) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert read_rows("1,2|3,4") == [[1, 2], [3, 4]]


def test_a_row_may_be_longer_than_the_name_of_a_file():
    row = ",".join(["0.125"] * 100)
    assert read_text(row) == row


def test_a_header_in_any_order_sends_objects_by_name(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("\ufeffid,b, a\nx-1,2,1\n\nx-2,4,3\n", encoding="utf-8")

    assert read_rows(read_text(str(file))) == [{"id": "x-1", "b": 2, "a": 1}, {"id": "x-2", "b": 4, "a": 3}]


def test_columns_beside_all_features_are_left_out_and_said_as_in_batch():
    told = []
    signature = {"features": [{"name": "a"}, {"name": "b"}]}

    assert read_rows("id,b,when,a|r1,2,now,1", signature, told.extend) == [{"b": 2, "a": 1}]
    assert told == ["id", "when"]
    # Where a feature is missing, a column may be its misspelling: the model says so.
    assert read_rows("a,bb|1,2", signature, told.extend) == [{"a": 1, "bb": 2}]
    assert told == ["id", "when"]


def test_a_header_without_rows_is_refused():
    with pytest.raises(BadInput, match="no rows below the header"):
        read_rows("a,b", {"features": [{"name": "a"}, {"name": "b"}]})


def test_texts_and_empty_cells_pass_through(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text('a,color\n1,"red, dark|er"\n,\n')

    assert read_rows(read_text(str(file))) == [{"a": 1, "color": "red, dark|er"}, {"a": None, "color": None}]
    assert read_rows('1,"red|er"|,blue') == [[1, "red|er"], [None, "blue"]]


def test_the_signature_says_which_cells_are_texts_and_what_a_header_is():
    categories = {"type": "category", "categories": ["7", "8"]}
    signature = {"features": [{"name": "zip", **categories}, {"name": "floor", **categories}]}

    assert read_rows("7,8|8,7", signature) == [["7", "8"], ["8", "7"]]
    assert read_rows("n1,7,8", signature) == [["n1", "7", "8"]]
    assert read_rows("floor,zip|8,7", signature) == [{"floor": "8", "zip": "7"}]
    assert read_rows("x,y|8,7", signature) == [["x", "y"], ["8", "7"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1\n", "Row 1 has 1 cells"),
        ("\n\n", "no rows"),
    ],
)
def test_a_file_that_cannot_be_sent_names_row_and_column(tmp_path, text, message):
    file = tmp_path / "rows.csv"
    file.write_text(text)

    with pytest.raises(BadInput, match=message):
        read_rows(read_text(str(file)))


def test_an_override_becomes_the_same_cdk_context():
    assert context_of(("iris",), "dev", ("serve.instance_count=1",)) == {
        "stage": "dev",
        "models": "iris",
        "iris.serve.instance_count": "1",
    }
    assert context_of((), "dev", ("iris.gate.accuracy=0.5",))["iris.gate.accuracy"] == "0.5"
    with pytest.raises(SettingsError):
        context_of(("iris",), "dev", ("serve",))


def test_classes_agree_when_equal_and_numbers_within_the_tolerance():
    assert agrees("a", "a") and agrees(1, 1) and agrees(1.0000001, 1.0) and agrees(2, 2.0)
    assert not agrees("1", 1)
    assert not agrees(1, "1")
    assert not agrees(1.001, 1.0)
    assert not agrees(True, 1)


def test_every_error_of_the_project_has_its_own_code():
    kinds = SlipwayError.__subclasses__()
    kinds += [kind for parent in kinds for kind in parent.__subclasses__()]

    assert len({kind.code for kind in kinds}) == len(kinds)
