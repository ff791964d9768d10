"""Reports and cards on disk: beside their artifacts, in the place of a refused one, and by command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from evaluated import Case

from slipway.commands.report import command
from slipway.errors import ArtifactMissing, SettingsError, UnknownModel
from stacks.settings import load_model
from tests.figures_shown import Page, check_figure
from training.artifact import load_artifact
from training.report import (
    gate_words,
    remove_rejected_report,
    render,
    write_card,
    write_rejected_report,
    write_report,
)
from training.report.card_settings import load_card
from training.train import train


def test_a_refused_model_leaves_a_page_that_says_by_how_much(project):
    artifact = train(project, load_model(project, "iris"))
    case = Case("iris")
    refused = {name: part for name, part in case.manifest().items() if name != "engine"}
    refused["gate"]["accuracy"] = {"bound": 0.99, "kind": "minimum", "value": 0.95}
    refused["metrics"]["accuracy"] = 0.95
    path = write_rejected_report(project, "iris", refused)
    page = path.read_text()

    assert path == project / "artifacts/iris/rejected-report.html"
    assert "Refused by its gate." in page
    assert artifact.version in page
    figures = {given.get("data-minus"): given for given, _ in Page(page).figures}
    assert float(figures["/gate/accuracy/bound"]["value"]) == 0.95 - 0.99
    assert gate_words(refused) == "accuracy 0.9500, at least 0.99 asked for: failed"
    refused["gate"]["accuracy"]["value"] = refused["metrics"]["accuracy"] = None
    assert "Refused by its gate." in render(refused)
    remove_rejected_report(project, "iris")
    assert not path.exists()


def test_a_version_before_that_was_changed_by_hand_is_not_compared_with(project):
    first = train(project, load_model(project, "iris"))
    second = train(project, load_model(project, "iris", {"model.hyperparameters": {"C": 5.0}}))
    (first.folder / "manifest.json").write_text("{}")

    assert "There is none to compare with" in write_report(project, second).read_text()


def test_reports_are_written_beside_the_archive_and_the_artifact_stays_valid(project):
    first = train(project, load_model(project, "iris"))
    assert "There is none to compare with" in write_report(project, first).read_text()
    second = train(project, load_model(project, "iris", {"model.hyperparameters": {"C": 5.0}}))
    path = write_report(project, second)
    content = path.read_bytes()

    assert path == second.folder / "report.html"
    assert f"Against {first.version}" in content.decode()
    assert write_report(project, second).read_bytes() == content
    assert load_artifact(project, "iris").version == second.version
    assert not list(second.folder.glob(".*"))
    assert "There is none to compare with" in write_report(project, first).read_text()
    for given, text in Page(content.decode()).figures:
        check_figure(given, text, {"": second.manifest, "before": first.manifest})


def test_the_card_counts_what_only_a_person_can_say(project):
    artifact = train(project, load_model(project, "iris"))
    path, missing = write_card(project, artifact)
    assert missing == 7
    assert "missing: fill in `intended_use` in model_code/iris/card.toml" in path.read_text()
    (project / "model_code/iris/card.toml").write_text('intended_use = "Sorting *irises*."\nowner = " "\n')
    path, missing = write_card(project, artifact)
    text = path.read_text()

    assert missing == 6
    assert "Sorting *irises*." in text
    assert "fill in `intended_use`" not in text
    assert f"| accuracy | {artifact.manifest['metrics']['accuracy']:.4f} |" in text
    assert artifact.version in text
    for heading in ("Model details", "Intended use", "Data", "Metrics", "Limitations", "How to call it"):
        assert f"## {heading}\n" in text
    assert "\n\n\n" not in text


def test_a_wrong_card_names_the_nearest_spelling(project):
    folder = project / "model_code/iris"
    (folder / "card.toml").write_text('intended_uses = "x"\n')
    with pytest.raises(SettingsError, match=r"card.toml: unknown key 'intended_uses'(.|\n)*'intended_use'"):
        load_card(folder)
    (folder / "card.toml").write_text("owner = 1\n")
    with pytest.raises(SettingsError, match="owner = 1 is not allowed"):
        load_card(folder)
    (folder / "card.toml").write_text("owner")
    with pytest.raises(SettingsError, match="is not TOML"):
        load_card(folder)


def test_the_command_prints_paths_and_metrics(project, monkeypatch):
    artifact = train(project, load_model(project, "iris"))
    monkeypatch.chdir(project)

    def slipway(*arguments):
        return CliRunner().invoke(command, arguments)

    told = slipway("iris")
    assert told.stdout.strip() == str(artifact.folder / "report.html"), told.exception
    assert "at least 0.9 asked for: passed" in told.stderr
    assert "lacks 7 fields" in told.stderr
    assert slipway("iris", "--card").stdout.strip() == str(artifact.folder / "model-card.md")
    result = json.loads(slipway("iris", "--version", artifact.version, "--json").stdout)
    assert result["metrics"] == artifact.manifest["metrics"]
    assert Path(result["report"]).is_file()
    assert isinstance(slipway("iris", "--version", "0123456789ab").exception, ArtifactMissing)
    assert isinstance(slipway("roses").exception, UnknownModel)
