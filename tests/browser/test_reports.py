"""The reports of the example models, opened from a file in headless Chromium."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.figures_shown import check_figure

from .conftest import EXAMPLES, TWO_CLASSES

ALL = (*EXAMPLES, TWO_CLASSES)
FIGURES = """[...document.querySelectorAll("data")].map((element) => [
  Object.fromEntries([...element.attributes].map((one) => [one.name, one.value])), element.textContent])"""
# Text that is not at least 4.5 times as light or dark as what is behind it (WCAG 2.2, 1.4.3).
FAINT = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (color) => {
    const parts = [...rgba(color)].slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] === 255) return color;
    }
    return "white";
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const nodes = [...element.childNodes].filter((node) => node.nodeType === 3);
    const text = nodes.map((node) => node.data).join("").trim();
    if (!text || element.tagName === "SCRIPT" || element.tagName === "title") continue;
    const style = getComputedStyle(element);
    const pair = [light(element.closest("svg") ? style.fill : style.color), light(behind(element))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) faint.push(`${element.tagName} ${text}: ${contrast.toFixed(2)}`);
  }
  return faint;
})()"""


def keep_picture(chromium, visit, name: str) -> None:
    """Write a screenshot where SLIPWAY_SCREENSHOTS says, for a person to look at."""
    if folder := os.environ.get("SLIPWAY_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        chromium.screenshot(visit, Path(folder) / f"{name}.png")


@pytest.mark.parametrize("name", ALL)
def test_the_page_opens_from_a_file_without_a_complaint_or_a_request(chromium, reports, name):
    visit = chromium.open(reports[name].address)
    keep_picture(chromium, visit, name)

    assert visit.complaints == []
    assert visit.requests == [reports[name].address]
    assert name in chromium.evaluate(visit, "document.title")


@pytest.mark.parametrize("name", ALL)
def test_the_figures_that_are_shown_are_the_manifests(chromium, reports, name):
    figures = chromium.evaluate(chromium.open(reports[name].address), FIGURES)

    assert len(figures) > 100
    for given, text in figures:
        check_figure(given, text, reports[name].manifests)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ALL)
def test_it_fits_a_phone_and_stands_out_from_its_ground(chromium, reports, name, dark):
    visit = chromium.open(reports[name].address, width=390, dark=dark)
    keep_picture(chromium, visit, f"{name}-phone-{'dark' if dark else 'light'}")
    wide = chromium.evaluate(visit, "document.documentElement.scrollWidth - innerWidth")
    ground = chromium.evaluate(visit, "getComputedStyle(document.body).backgroundColor")

    assert wide <= 0
    assert (ground == "rgb(255, 255, 255)") != dark
    assert chromium.evaluate(visit, FAINT) == []


def test_the_slider_shows_what_follows_from_a_threshold(chromium, reports):
    visit = chromium.open(reports[TWO_CLASSES].address)
    rows = reports[TWO_CLASSES].manifests[""]["evaluation"]["classification"]["thresholds"]["rows"]
    shown = "[...document.querySelectorAll('#chosen data, #consequences data')]"
    for place in (25, 0, 50, 40):
        chromium.evaluate(visit, f"slider.value = {place}; slider.dispatchEvent(new Event('input'))")
        expected = [value for value in _in_order(rows[place]) if value is not None]
        assert chromium.evaluate(visit, f"{shown}.map((one) => Number(one.value))") == expected
    assert visit.complaints == []


def test_without_script_the_thresholds_are_a_table(chromium, reports):
    visit = chromium.open(reports[TWO_CLASSES].address, script=False)

    assert chromium.evaluate(visit, "document.querySelector('.slider').hidden")
    assert chromium.evaluate(visit, "document.querySelectorAll('#thresholds tbody tr').length") == 51
    assert visit.complaints == []


def test_a_script_in_the_data_is_not_run(chromium, reports, tmp_path):
    from training.report import render

    manifest = reports["iris"].manifests[""]
    nasty = "</title></style></script><script>document.title = 'run'</script><img src=x onerror=alert(1)>"
    page = tmp_path / "report.html"
    page.write_text(render({**manifest, "model": nasty, "origin": {"file": nasty, nasty: nasty}}))
    visit = chromium.open(page.as_uri())

    assert chromium.evaluate(visit, "document.title") != "run"
    assert nasty in chromium.evaluate(visit, "document.querySelector('h1').textContent")
    assert chromium.evaluate(visit, "document.querySelectorAll('script, img').length") == 0
    assert (visit.complaints, len(visit.requests)) == ([], 1)


def test_a_complaint_and_a_request_would_be_noticed(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\"><img src=x.png>")
    refused = chromium.open(page.as_uri())
    page.write_text("<img src=x.png><script>console.error('no')</script>")
    loud = chromium.open(page.as_uri())

    assert "Content Security Policy" in refused.complaints[0]
    assert loud.requests[1:] == [(tmp_path / "x.png").as_uri()]
    assert any("'no'" in complaint for complaint in loud.complaints)


def _in_order(row):
    names = ("threshold", "true_positives", "false_positives", "false_negatives", "true_negatives")
    return [row[name] for name in (*names, "precision", "recall", "accuracy")]
