"""The documents say what the code says."""

import re
from pathlib import Path

import pytest

from slipway.main import VERBS
from slipway.reference import pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", list(pages()))
def test_generated_pages_are_current(name):
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == pages()[name], "run `make docs` and review the diff"


def test_every_verb_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert not [verb for verb in VERBS if f"slipway {verb}" not in readme]


def test_links_between_documents_lead_somewhere():
    missing = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")

    assert not missing


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    import subprocess

    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    pattern = re.compile(
        rb"files\.pythonhosted|registry\.npmjs|--index-url|--find-links /|[\"' (]/(home|root|work)/"
    )
    found = [
        name
        for name in tracked.split()
        if not name.endswith("test_docs.py") and pattern.search((ROOT / name).read_bytes())
    ]

    assert not found
