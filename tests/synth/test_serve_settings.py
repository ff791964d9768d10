from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SettingsError
from stacks.combinations import COMBINATIONS
from stacks.serve_settings import ServeSection
from stacks.settings import load_model, load_settings

_MODEL = '[model]\ntask = "classification"\ndata = "sklearn:digits"\nlabel = "digit"\n[serve]\n'


def _serve(root: Path, text: str, **overrides: Any) -> ServeSection:
    folder = root / "model_code" / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(_MODEL + text, encoding="utf-8")
    return load_model(root, "digits", {f"serve.{key}": value for key, value in overrides.items()}).serve


def _variants(*entries: str) -> str:
    return f"variants = [{', '.join('{' + entry + '}' for entry in entries)}]\n"


CHAMPION, CHALLENGER, SHADOW = ('name = "champion"', 'name = "challenger"', 'name = "shadow"')
SERVERLESS = 'target = "sagemaker-serverless"\n'
OWN = 'image = "own"\n'

# The table of stacks/combinations.py, each with the key and value that its error names.
IMPOSSIBLE: list[tuple[int, str, str]] = [
    (0, _variants(CHAMPION, CHAMPION), "serve.variants[1].name = 'champion'"),
    (0, _variants(SHADOW, CHAMPION, SHADOW), "serve.variants[2].name = 'shadow'"),
    (1, _variants(CHALLENGER), "serve.variants = ['challenger']"),
    (1, _variants(SHADOW), "serve.variants = ['shadow']"),
    (2, SERVERLESS + _variants(CHAMPION, CHALLENGER), "serve.variants = ['champion', 'challenger']"),
    (2, SERVERLESS + _variants(CHAMPION, SHADOW), "serve.variants = ['champion', 'shadow']"),
    (3, SERVERLESS + 'instance_type = "ml.m5.large"\n', "serve.instance_type = 'ml.m5.large'"),
    (3, SERVERLESS + "instance_count = 1\n", "serve.instance_count = 1"),
    (
        3,
        SERVERLESS + _variants(CHAMPION + ', instance_type = "ml.c5.large"'),
        "serve.variants[0].instance_type = 'ml.c5.large'",
    ),
    (3, SERVERLESS + _variants(CHAMPION + ", instance_count = 2"), "serve.variants[0].instance_count = 2"),
    (4, "memory_mb = 2048\n", "serve.memory_mb = 2048"),
    (4, "max_concurrency = 5\n", "serve.max_concurrency = 5"),
    (4, "provisioned_concurrency = 1\n", "serve.provisioned_concurrency = 1"),
    (
        5,
        SERVERLESS + "max_concurrency = 3\nprovisioned_concurrency = 4\n",
        "serve.provisioned_concurrency = 4",
    ),
    (5, SERVERLESS + "provisioned_concurrency = 6\n", "serve.provisioned_concurrency = 6"),
    (
        6,
        _variants(CHAMPION, CHALLENGER, SHADOW),
        "serve.variants = ['champion', 'challenger', 'shadow']",
    ),
    (7, _variants(CHAMPION + ", weight = 0"), "serve.variants = {'champion': 0.0}"),
    (
        7,
        _variants(CHAMPION + ", weight = 0", CHALLENGER + ", weight = 0.0"),
        "serve.variants = {'champion': 0.0, 'challenger': 0.0}",
    ),
    (7, _variants(CHAMPION + ", weight = 0", SHADOW), "serve.variants = {'champion': 0.0}"),
    (8, _variants(CHAMPION, SHADOW + ", weight = 1.5"), "serve.variants[1].weight = 1.5"),
    (8, _variants(SHADOW + ", weight = 3", CHAMPION + ", weight = 2"), "serve.variants[0].weight = 3.0"),
    (9, 'base_image = "python:3.13-slim"\n', "serve.base_image = 'python:3.13-slim'"),
    (10, 's3_prefixes = ["s3://bucket/rows"]\n', "serve.s3_prefixes = ['s3://bucket/rows']"),
    (11, SERVERLESS + "memory_mb = 1769\n", "serve.memory_mb = 1769"),
    (11, SERVERLESS + "memory_mb = 7168\n", "serve.memory_mb = 7168"),
]


@pytest.mark.parametrize(("row", "toml", "what"), IMPOSSIBLE)
def test_a_combination_that_cannot_be_names_key_value_cause_and_remedy(
    row: int, toml: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert refused.value.what == f"model_code/digits/model.toml: {what} is not allowed."
    assert (refused.value.why, refused.value.fix) == (COMBINATIONS[row].why, COMBINATIONS[row].fix)


def test_a_text_in_the_place_of_a_list_is_told_how_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not allowed") as refused:
        _serve(tmp_path, OWN + 's3_prefixes = "s3://bucket/rows"\n')
    assert refused.value.why == 'It is a list. Write it as ["s3://bucket/rows"].'


def test_every_combination_has_a_test() -> None:
    assert {row for row, _, _ in IMPOSSIBLE} == set(range(len(COMBINATIONS)))


@pytest.mark.parametrize(
    ("toml", "what", "help_"),
    [
        (_variants('name = "champoin"'), "serve.variants[0].name = 'champoin'", "Did you mean 'champion'?"),
        (
            _variants(CHAMPION, 'name = "v2"'),
            "serve.variants[1].name = 'v2'",
            "Allowed: champion, challenger, shadow. A name is a role and no version",
        ),
        (_variants(CHAMPION + ", weight = -1"), "serve.variants[0].weight = -1", "or equal to 0"),
        (_variants(CHAMPION + ", weight = nan"), "serve.variants[0].weight = nan", "finite"),
        (_variants(CHAMPION + ', weight = "1"'), "serve.variants[0].weight = '1'", "number"),
        (_variants(CHAMPION + ", wieght = 1"), "'serve.variants[0].wieght'", "Did you mean 'weight'?"),
        (_variants('version = "latest"'), "serve.variants[0].name is missing", ""),
        (_variants(CHAMPION + ', version = "v1"'), "serve.variants[0].version = 'v1'", "latest, previous or"),
        ('variants = "champion"\n', "serve.variants = 'champion'", "Write it as"),
        (SERVERLESS + "memory_mb = 1500\n", "serve.memory_mb = 1500", "1024, 2048, 3072, 4096, 5120 or 6144"),
        (SERVERLESS + "max_concurrency = 201\n", "serve.max_concurrency = 201", "less than or equal to 200"),
        (SERVERLESS + "max_concurrency = 0\n", "serve.max_concurrency = 0", "greater than or equal to 1"),
        ('target = "serverless"\n', "serve.target = 'serverless'", "'sagemaker-serverless'"),
        ('image = "onw"\n', "serve.image = 'onw'", "Did you mean 'own'?"),
        ('version = "newest"\n', "serve.version = 'newest'", "latest, previous or"),
        (OWN + 'base_image = "python"\n', "serve.base_image = 'python'", "two builds could be of two images"),
        (OWN + 'base_image = "a.b:5000/python"\n', "serve.base_image", "neither a tag nor a digest"),
        (OWN + 'base_image = "python:latest"\n', "serve.base_image", "neither a tag nor a digest"),
        (OWN + 'base_image = "Python 3"\n', "serve.base_image", "registry/name:tag"),
        (OWN + 's3_prefixes = ["bucket/rows"]\n', "serve.s3_prefixes", "'bucket/rows' is not s3://bucket/prefix"),
        (OWN + 's3_prefixes = ["s3://bucket"]\n', "serve.s3_prefixes", "is not s3://bucket/prefix"),
        (OWN + 's3_prefixes = ["s3://bucket/"]\n', "serve.s3_prefixes", "is not s3://bucket/prefix"),
        (OWN + 's3_prefixes = ["s3://bucket/*"]\n', "serve.s3_prefixes", "is not s3://bucket/prefix"),
        (OWN + 's3_prefixes = ["s3://a-b/c,s3://a-b/d"]\n', "serve.s3_prefixes", "is not s3://bucket/prefix"),
        (OWN + 's3_prefixes = "s3://bucket/rows"\n', "serve.s3_prefixes", "Write it as"),
    ],
)  # fmt: skip
def test_a_wrong_value_says_what_is_allowed(toml: str, what: str, help_: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert what in refused.value.what
    assert help_ in f"{refused.value.why} {refused.value.fix}"


@pytest.mark.parametrize(
    "image",
    [
        "python:3.13-slim",
        "public.ecr.aws/docker/library/python:3.13-slim",
        "localhost:5000/python:3.13",
        "python@sha256:" + "0" * 64,
        "python:latest@sha256:" + "0" * 64,
    ],
)
def test_a_base_image_with_a_tag_or_a_digest_is_taken(image: str, tmp_path: Path) -> None:
    assert _serve(tmp_path, f'{OWN}base_image = "{image}"\n').base_image == image


def test_without_variants_there_is_one_champion_as_serve_says(tmp_path: Path) -> None:
    (one,) = _serve(tmp_path, 'version = "previous"\ninstance_type = "ml.c5.large"\n').resolved_variants()
    assert (one.name, one.version, one.weight) == ("champion", "previous", 1.0)
    assert (one.instance_type, one.instance_count) == ("ml.c5.large", None)


def test_variants_take_what_they_leave_out_from_serve(tmp_path: Path) -> None:
    serve = _serve(
        tmp_path,
        'instance_type = "ml.c5.large"\ninstance_count = 3\nversion = "previous"\n'
        + _variants(
            CHALLENGER + ', version = "0123456789ab", weight = 10, instance_type = "ml.m5.large"',
            CHAMPION + ", weight = 90, instance_count = 4",
        ),
    )
    champion, challenger = serve.resolved_variants()
    assert (champion.name, challenger.name) == ("champion", "challenger")
    assert (champion.version, challenger.version) == ("previous", "0123456789ab")
    assert (champion.instance_type, challenger.instance_type) == ("ml.c5.large", "ml.m5.large")
    assert (champion.instance_count, challenger.instance_count) == (4, 3)
    assert (champion.weight, challenger.weight) == (90, 10)


def test_weight_zero_stays_zero(tmp_path: Path) -> None:
    variants = _serve(tmp_path, _variants(CHAMPION, CHALLENGER + ", weight = 0")).resolved_variants()
    assert [variant.weight for variant in variants] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("champion", "shadow", "weights"),
    [("", "", [1, 1]), (", weight = 90", "", [90, 90]), (", weight = 4", ", weight = 1", [4, 1])],
)
def test_a_shadow_gets_a_copy_of_every_request_unless_less_is_asked(
    champion: str, shadow: str, weights: list[float], tmp_path: Path
) -> None:
    variants = _serve(tmp_path, _variants(CHAMPION + champion, SHADOW + shadow)).resolved_variants()
    assert [variant.weight for variant in variants] == weights
    assert [variant.is_shadow for variant in variants] == [False, True]


def test_a_serverless_endpoint_has_sizes_and_no_machines(tmp_path: Path) -> None:
    serve = _serve(tmp_path, SERVERLESS)
    assert (serve.resolved_memory_mb, serve.max_concurrency, serve.provisioned_concurrency) == (2048, 5, None)
    assert [(v.instance_type, v.instance_count) for v in serve.resolved_variants()] == [(None, None)]


def test_overrides_replace_variants_for_one_command(tmp_path: Path) -> None:
    _serve(tmp_path, OWN + _variants(CHAMPION + ", weight = 90", CHALLENGER + ", weight = 10"))
    (tmp_path / "stages.toml").write_text("", encoding="utf-8")
    text = '[{name="champion",version="previous"},{name="shadow"}]'
    (model,) = load_settings(tmp_path, {"digits.serve.variants": text}).models
    assert [(v.name, v.version) for v in model.serve.resolved_variants()] == [
        ("champion", "previous"),
        ("shadow", "latest"),
    ]
    (model,) = load_settings(
        tmp_path, {"digits.serve.variants": "[]", "digits.serve.target": "sagemaker-serverless"}
    ).models
    assert [variant.name for variant in model.serve.resolved_variants()] == ["champion"]


def test_a_model_may_read_the_prefixes_that_it_names(tmp_path: Path) -> None:
    serve = _serve(tmp_path, OWN + 's3_prefixes = ["s3://my-bucket/requests/", "s3://other.bucket/a/b"]\n')
    assert serve.s3_prefixes == ("s3://my-bucket/requests/", "s3://other.bucket/a/b")
