"""Reports and model cards: every number out of the manifest, all text escaped, the same bytes each time."""

import base64
import copy
import hashlib
import html
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluated import SETS, Case
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from stacks.model_section import ModelSection
from stacks.settings import ModelSettings
from tests.figures_shown import Page, check_figure, numbers_elsewhere
from training.data import Dataset
from training.evaluate import evaluate
from training.evaluation import evaluate_in_depth
from training.report import (
    rejected_manifest,
    render,
    render_card,
)
from training.report.card_settings import CardSettings
from training.signature import signature_of
from training.split import split

VERSION, BEFORE = "0123456789ab", "ba9876543210"
# Words of the page itself that hold a digit.
WORDS = {"F1", "sha256", VERSION, BEFORE}
NASTY = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def manifests():
    return {name: Case(name).manifest() for name in SETS}


@pytest.fixture(scope="module")
def without_probabilities():
    return Case("iris", RidgeClassifier()).manifest()


def shown(manifest, before=None) -> Page:
    page = render(manifest, before, version=VERSION, previous_version=BEFORE if before else None)
    return Page(page)


@pytest.mark.parametrize("name", SETS)
def test_every_number_on_the_page_is_in_the_manifest(manifests, name):
    both = {"": manifests[name], "before": Case(name).manifest()}
    both["before"]["metrics"] = {metric: value / 2 for metric, value in both["before"]["metrics"].items()}
    page = shown(both[""], both["before"])

    assert len(page.figures) > 100
    for given, text in page.figures:
        check_figure(given, text, both)
    assert numbers_elsewhere(page, both, WORDS) == []


def test_a_number_that_is_not_the_manifests_is_noticed(manifests):
    page = shown(manifests["iris"])
    given, text = next(pair for pair in page.figures if pair[0].get("data-from") == "/metrics/accuracy")
    with pytest.raises(AssertionError):
        check_figure(given, "0.1234", {"": manifests["iris"]})
    with pytest.raises(AssertionError):
        check_figure(given | {"data-from": "/data/rows"}, text, {"": manifests["iris"]})


@pytest.mark.parametrize("name", SETS)
def test_the_same_manifest_gives_the_same_page(manifests, name):
    again = json.loads(json.dumps(manifests[name], sort_keys=True))

    assert render(manifests[name]) == render(again)


def test_text_from_data_is_text_on_the_page_and_in_the_card(manifests):
    manifest = copy.deepcopy(manifests["breast_cancer"])
    old, names = manifest["signature"]["prediction"]["classes"][1], manifest["signature"]["features"]
    swapped = {old: NASTY, names[0]["name"]: f"{NASTY}|[a](b)", names[1]["name"]: "{{ 7 * 7 }}"}

    def swap(value):
        if isinstance(value, dict):
            return {swapped.get(name, name): swap(part) for name, part in value.items()}
        if isinstance(value, list):
            return [swap(part) for part in value]
        return swapped.get(value, value) if isinstance(value, str) else value

    manifest = swap(manifest)
    manifest["settings"]["label"] = manifest["signature"]["prediction"]["name"] = NASTY
    manifest["settings"]["hyperparameters"] = {NASTY: NASTY}
    manifest["data"]["source"] = manifest["engine"]["reason"] = NASTY
    manifest["origin"] = {"file": NASTY, "form": "onnx"}
    page = shown(manifest, manifests["breast_cancer"])
    allowed = {tag for name in SETS for tag, _ in shown(manifests[name]).tags}

    assert {tag for tag, _ in page.tags} <= allowed
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [given for _, given in page.tags if any(name.startswith("on") for name in given)]
    assert sum(NASTY in text for text in page.words) > 10
    assert any("{{ 7 * 7 }}" in text for text in page.words)
    for given, text in page.figures:
        check_figure(given, text, {"": manifest, "before": manifests["breast_cancer"]})
    card, _ = render_card(manifest, CardSettings(), version=VERSION)
    assert "<script" not in card
    assert "&lt;script&gt;alert" in card


def test_the_policy_allows_the_pages_own_style_and_script_alone(manifests):
    for name in SETS:
        page = render(manifests[name])
        policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        parts = {
            "style-src": re.search(r"<style>(.*?)</style>", page, re.S),
            "script-src": re.search(r"<script>(.*?)</script>", page, re.S),
        }
        for directive, part in parts.items():
            assert (directive in policy) == (part is not None)
            if part:
                digest = base64.b64encode(hashlib.sha256(part[1].encode()).digest()).decode()
                assert f"{directive} 'sha256-{digest}'" in policy
    assert "<script>" in render(manifests["breast_cancer"])
    assert "<script>" not in render(manifests["digits"])


@pytest.mark.parametrize("name", SETS)
def test_the_page_asks_for_nothing_and_is_marked_up_for_all_readers(manifests, name):
    page = shown(manifests[name], manifests[name])
    tags = [tag for tag, _ in page.tags]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]

    assert not {"img", "link", "iframe", "object"}.intersection(tags)
    assert not [given for _, given in page.tags if "src" in given or "style" in given]
    links = {given["href"] for tag, given in page.tags if tag == "a"}
    assert links <= {f"#{given['id']}" for _, given in page.tags if "id" in given}
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert tags.count("caption") == tags.count("table")
    charts = [given for tag, given in page.tags if tag == "svg"]
    assert all(("role" in given) != (given.get("aria-hidden") == "true") for given in charts)
    assert tags.count("title") == 1 + sum("role" in given for given in charts)
    assert all("scope" in given for tag, given in page.tags if tag == "th")


def test_a_model_without_probabilities_says_so(without_probabilities):
    page = render(without_probabilities, version=VERSION)

    assert "gives no probabilities" in page
    assert "AUC" not in page
    assert "Confusion matrix" in page


def test_an_older_artifact_says_how_to_get_a_report(manifests):
    old = {name: part for name, part in manifests["iris"].items() if name not in ("evaluation", "engine")}
    page = render(old, version=VERSION)

    assert "packaged before Slipway made reports" in page
    assert "slipway train iris" in page
    assert "slipway import iris PATH" in render({**old, "origin": {"file": "a.onnx", "form": "onnx"}})
    for given, text in Page(page).figures:
        check_figure(given, text, {"": old})
    assert "older than engines" in page
    assert "0.9" in render(manifests["iris"], old)
    assert render_card(old, CardSettings())[1] == 7


def test_the_version_before_is_compared_with(manifests):
    before = Case("iris", LogisticRegression(C=0.001)).manifest()
    before["settings"]["hyperparameters"] = {"C": 0.001}
    page = render(manifests["iris"], before, version=VERSION, previous_version=BEFORE)
    assert "The data are the same, and so are the test rows." in page
    assert (
        '<th scope="row">hyperparameters C</th><td><code>0.001</code></td><td><code>none</code></td>' in page
    )
    assert '<td class="better">better</td>' in page
    assert '<td class="worse">worse</td>' in render(before, manifests["iris"])
    before["data"] = {**before["data"], "sha256": "1" * 64, "rows": 149}
    assert "The data are others:" in render(manifests["iris"], before)
    assert "There is none to compare with" in render(manifests["iris"])


def test_less_error_is_better(manifests):
    before = copy.deepcopy(manifests["diabetes"])
    before["metrics"]["rmse"] *= 2
    page = render(manifests["diabetes"], before)

    section = page[page.index('<section id="before">') :]
    row = r'<th scope="row">(\w+)</th>.*?<td class="[^"]*">([a-z ]+)</td>'
    verdicts = dict(re.findall(row, section, re.S))
    assert (verdicts["rmse"], verdicts["mae"]) == ("better", "the same")


def test_categories_and_missing_values_are_shown():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "area": generator.integers(20, 90, 200).astype(float),
            "town": np.where(generator.random(200) < 0.1, np.nan, generator.choice([0.0, 1.0], 200)),
            "gap": np.where(generator.random(200) < 0.3, np.nan, generator.normal(size=200)),
        }
    )
    dataset = Dataset(table, table["area"] * 10, {}, "flats.csv", "0" * 64, {"town": ("<i>Ulm</i>", "Worms")})
    section = ModelSection(task="regression", data="flats.csv", label="price", categories=("town",))
    settings = ModelSettings(name="flats", folder=Path(), model=section)
    parts, signature = split(dataset, settings.split, stratify=False), signature_of(settings, dataset)
    truth = dataset.label.to_numpy()[parts.test].tolist()

    def predict(rows):
        return rows["area"].to_numpy() * 10 + rows["town"].fillna(3).to_numpy()

    predicted = predict(table.iloc[parts.test]).tolist()
    found = evaluate_in_depth(
        "regression", dataset, parts, truth, predicted, predict, lambda _rows: None, signature, 0
    )
    metrics = evaluate("regression", truth, predicted)
    refused = rejected_manifest(
        settings, dataset, parts, signature=signature, metrics=metrics, evaluation=found
    )
    manifest = json.loads(json.dumps(refused))
    page = shown(manifest)
    words = " ".join(" ".join(page.words).split())

    assert "categories:" in words
    assert "<i>Ulm</i>" in words
    assert "i" not in {tag for tag, _ in page.tags}
    for given, text in page.figures:
        check_figure(given, text, {"": manifest})
    assert numbers_elsewhere(page, {"": manifest}, WORDS) == []
    card, _ = render_card(manifest, CardSettings())
    assert "| town |  | &lt;i&gt;Ulm&lt;/i&gt;, Worms |" in card
    assert "refused by its gate" in card
