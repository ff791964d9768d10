"""The page at wine's address, in a browser: fill the form, read the answer, run the line that it shows."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import NAMES, Chromium, find

FILL = """new Promise((done) => {
  document.getElementById("f0").value = "0.1";
  document.getElementById("f0").dispatchEvent(new Event("input", { bubbles: true }));
  const answer = document.getElementById("answer");
  new MutationObserver(() => { if (answer.textContent.includes("%")) done(answer.innerText); })
    .observe(answer, { childList: true, subtree: true, characterData: true });
  document.getElementById("form").requestSubmit();
  setTimeout(() => done(answer.innerText), 10000);
})"""


@pytest.fixture(scope="module")
def chromium():
    program = find()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    with Chromium(program) as browser:
        yield browser


def test_the_form_predicts_and_its_curl_line_does_the_same(wine, chromium):
    url = wine.aws.outputs("wine")["ApiUrl"]

    visit = chromium.open(url)
    answer = chromium.evaluate(visit, FILL)
    line = chromium.evaluate(visit, 'document.getElementById("curl").textContent')
    ran = subprocess.run(["bash", "-ec", line], capture_output=True, text=True, timeout=30, check=True)

    assert "1" in answer.split() and "%" in answer, answer
    assert visit.complaints == []
    assert {urlsplit(address).netloc for address in visit.requests} <= {urlsplit(url).netloc, ""}
    assert "1" in ran.stdout
