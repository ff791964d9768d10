"""The page at wine's address, in a browser: fill the form, read the answer, run the lines that it shows."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import NAMES, Chromium, find
from tests.browser.person import Page, from_python, from_shell


@pytest.fixture(scope="module")
def chromium():
    program = find()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    with Chromium(program) as browser:
        yield browser


def test_the_form_predicts_and_the_lines_beside_it_do_the_same(wine, chromium, tmp_path):
    url = wine.aws.outputs("wine")["ApiUrl"]

    page = Page(chromium, url)
    page.fill(0, "0.1")
    predicted = page.predict()

    assert predicted == "1"
    assert from_shell(page.text("#curl"), tmp_path) == [1]
    assert from_python(page.text("#python")) == [1]
    assert page.visit.complaints == []
    assert {urlsplit(address).netloc for address in page.visit.requests} <= {urlsplit(url).netloc, ""}
