"""The page to try a model, in headless Chromium, before real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from model_code.serving.doors.page import page
from tests.server.models import COLORS, NAMES, ModelFolder, model
from tests.server.more_models import codes
from tests.server.process import Server

from .person import Page, from_python, from_shell
from .test_reports import FAINT, keep_picture
from .tried import KEY, NASTY, hostile, mounted, wide

KINDS = ("logistic", "codes", "regression", "mixed", "wide", "hostile")
MOST_BARS = 12
REFUSED = "Failed to load resource"  # what a browser says of every status from 400 on


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFolder]:
    root = tmp_path_factory.mktemp("tried")
    return {
        **{kind: model(kind) for kind in ("logistic", "regression", "mixed")},
        "codes": codes(),
        "wide": wide(root / "wide"),
        "hostile": hostile(root / "hostile"),
    }


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest, folders: dict[str, ModelFolder]) -> Iterator[tuple[str, Server]]:
    with Server(folders[request.param]) as server:
        yield request.param, server


@pytest.fixture(scope="module")
def iris(folders: dict[str, ModelFolder]) -> Iterator[Server]:
    with Server(folders["logistic"]) as server:
        yield server


@pytest.fixture(scope="module")
def mixed(folders: dict[str, ModelFolder]) -> Iterator[Server]:
    with Server(folders["mixed"]) as server:
        yield server


def address_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


def test_fill_predict_and_ask_the_same_from_elsewhere(chromium, served, folders, tmp_path):
    kind, server = served
    tried = Page(chromium, address_of(server))
    manifest = folders[kind].manifest
    classes = manifest["signature"]["prediction"].get("classes", [])
    tells = bool(manifest["engine"].get("probabilities"))

    shown = tried.predict()
    keep_picture(chromium, tried.visit, f"page-{kind}")

    expected = manifest["golden"]["predictions"][0]
    assert float(shown) == pytest.approx(expected) if kind == "regression" else shown == str(expected)
    shares = [float(text.removesuffix(" %")) for text in tried.texts(".bars .share")]
    assert len(shares) == (min(len(classes), MOST_BARS) if tells else 0)
    if len(shares) == len(classes) > 0:
        assert sum(shares) == pytest.approx(100, abs=0.2)
        assert tried.texts(".bars .name") == [str(name) for name in classes]
    assert str(from_shell(tried.text("#curl"), tmp_path)[0]) == shown
    assert str(from_python(tried.text("#python"))[0]) == shown
    if kind == "hostile":
        tried.fill(4, NASTY[2])
        assert from_shell(tried.text("#curl"), tmp_path) == [tried.predict()]
        assert from_python(tried.text("#python")) == [tried.text("#prediction")]
    assert list(tmp_path.iterdir()) == []  # nothing of a name was run by the shell
    assert tried.text("title") == f"Try {manifest['model']}"
    assert tried.run("document.querySelectorAll('script, img').length") == 2
    asked = address_of(server) + ("probabilities" if tells else "predict")
    assert {*tried.visit.requests} - {"data:,"} == {tried.address, asked}
    assert tried.visit.complaints == []


def test_what_is_typed_is_what_is_asked(chromium, iris, tmp_path):
    tried = Page(chromium, address_of(iris))
    for place, text in enumerate(("6.5", "+3", " 5.2 ", ".2e1")):
        tried.fill(place, text)

    assert tried.predict() == "virginica"
    assert "[[6.5, 3, 5.2, 2]]" in tried.text("#curl")
    assert from_shell(tried.text("#curl"), tmp_path) == ["virginica"]
    assert tried.text("#f0-hint") == "0.1 to 9 cm"
    tried.fill(0, "90")
    assert tried.text("#f0-hint") == "beyond training's 0.1 to 9 cm"


def test_another_example_is_another_golden_row(chromium, iris, folders):
    tried = Page(chromium, address_of(iris))
    golden = folders["logistic"].manifest["golden"]
    found = []
    for _ in golden["rows"]:
        found.append(tried.predict())
        tried.run("document.getElementById('another').click()")

    assert found == golden["predictions"]


def test_an_error_is_told_at_the_field_that_it_names(chromium, iris):
    tried = Page(chromium, address_of(iris))
    tried.fill(2, "5,2")

    assert tried.predict() is None
    assert list(tried.errors()) == [2]
    assert "'5,2' is not a number" in tried.errors()[2]
    assert "petal_length" in tried.text("#answer .refused")
    assert tried.run("document.activeElement.id") == "f2"
    assert [REFUSED in complaint for complaint in tried.visit.complaints] == [True]
    tried.fill(2, "1e39")
    assert tried.predict() is None
    assert "larger than the model can compute with" in tried.errors()[2]
    tried.fill(2, "")
    assert tried.predict() is None
    assert tried.errors() == {2: "Fill in a number."}
    tried.fill(2, "5.2")
    assert tried.predict() is not None
    assert tried.errors() == {}


def test_categories_are_chosen_and_what_may_be_missing_is_left_out(chromium, mixed, tmp_path):
    tried = Page(chromium, address_of(mixed))
    tried.fill(0, "")
    tried.fill(1, COLORS[2])

    shown = tried.predict()

    assert f"[[null, {json.dumps(COLORS[2])}, " in tried.text("#curl")
    assert from_shell(tried.text("#curl"), tmp_path) == [shown]
    tried.fill(1, "(none)")
    assert "[[null, null, " in tried.text("#curl")
    assert from_python(tried.text("#python")) == [tried.predict()]
    assert tried.visit.complaints == []


def test_a_row_of_csv_fills_the_form(chromium, mixed):
    tried = Page(chromium, address_of(mixed))

    def paste(text: str) -> list[str]:
        tried.run(f"document.getElementById('line').value = {json.dumps(text)}")
        tried.run("document.getElementById('take').click()")
        return tried.run(
            "[...document.querySelectorAll('#fields .field > :nth-child(2)')].map((o) => o.value)"
        )

    quoted = '"' + COLORS[2].replace('"', '""') + '"'
    assert paste(f"5.1, {quoted},1.5,0.25\n") == ["5.1", COLORS[2], "1.5", "0.25"]
    assert paste(",red,2,3") == ["", "red", "2", "3"]
    turned = ",".join(NAMES[::-1])
    assert paste(f"{turned}\n1,2,blue,4") == ["4", "blue", "2", "1"]
    assert tried.text("#line-error") == ""
    paste("1,2,3")
    assert tried.text("#line-error") == "The row has 3 cells; 4 are wanted."
    paste("1,green,3,4")
    assert "no such category" in tried.text("#line-error")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("auth", ["none", "api_key"])
def test_it_works_below_a_path_with_a_slash_at_its_end_or_without(
    chromium, iris, folders, tmp_path, auth, slash
):
    path = "/restapis/a1b2c3/dev/_user_request_"
    with mounted(iris, folders["logistic"].manifest, path, auth) as address:
        tried = Page(chromium, address + slash)
        if auth == "api_key":
            assert tried.predict() is None
            assert "Not allowed." in tried.text("#answer")
            tried.run(f"document.getElementById('key').value = {json.dumps(KEY)}")

        assert tried.predict() == "setosa"
        assert from_shell(tried.text("#curl"), tmp_path, API_KEY=KEY) == ["setosa"]
        assert from_python(tried.text("#python"), API_KEY=KEY) == ["setosa"]
        assert KEY not in tried.run("document.documentElement.outerHTML")
        assert tried.run("document.getElementById('description').href") == f"{address}/openapi.json"
        assert all(asked.startswith((address, "data:,")) for asked in tried.visit.requests)


def test_behind_signatures_its_lines_sign_and_it_asks_nothing_itself(chromium, iris, folders, tmp_path):
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    with mounted(iris, folders["logistic"].manifest, "/prod", "iam") as address:
        tried = Page(chromium, address)

        assert tried.run("document.getElementById('predict').hidden")
        assert "signed requests alone" in tried.text("#signed")
        assert from_shell(tried.text("#curl"), tmp_path, **keys) == ["setosa"]
        assert from_python(tried.text("#python"), **keys) == ["setosa"]
        assert "error" in from_shell(tried.text("#curl"), tmp_path, **{**keys, "AWS_REGION": "us-east-1"})


def test_copy_puts_the_line_on_the_clipboard(chromium, iris):
    address = address_of(iris)
    chromium.call("Browser.grantPermissions", permissions=["clipboardReadWrite"], origin=address)
    tried = Page(chromium, address)
    chromium.call("Emulation.setFocusEmulationEnabled", tried.visit, enabled=True)
    for name in ("curl", "python"):
        tried.run(f"document.querySelector('[data-copy={name}]').click()")
        assert tried.run("navigator.clipboard.readText()") == tried.text(f"#{name}")
    assert tried.text("#copied") == "Copied."


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_a_phone_and_stands_out_from_its_ground(chromium, served, dark):
    kind, server = served
    tried = Page(chromium, address_of(server), width=390, dark=dark)
    tried.predict()
    keep_picture(chromium, tried.visit, f"page-{kind}-phone-{'dark' if dark else 'light'}")

    assert tried.run("document.documentElement.scrollWidth - innerWidth") <= 0
    assert (tried.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)") != dark
    assert tried.run(FAINT) == []


def test_who_hears_the_page_is_told_what_each_field_is(chromium, mixed):
    tried = Page(chromium, address_of(mixed))
    tried.call("Accessibility.enable")
    nodes = tried.call("Accessibility.getFullAXTree")["nodes"]
    told = {
        (node["role"]["value"], node["name"]["value"]): node.get("description", {}).get("value", "")
        for node in nodes
        if "name" in node and not node.get("ignored")
    }

    assert told["textbox", NAMES[0]] == "0.1 to 9 cm, may be left out"
    assert told["combobox", NAMES[1]] == "may be left out"
    assert {("button", "Predict"), ("button", "Another example"), ("heading", "curl")} <= told.keys()
    assert tried.run("document.getElementById('answer').getAttribute('aria-live')") == "polite"


def test_without_script_it_says_how_to_ask(chromium, iris):
    visit = chromium.open(address_of(iris), script=False)

    assert "needs JavaScript" in chromium.evaluate(visit, "document.querySelector('noscript').textContent")
    assert visit.complaints == []


def test_the_page_is_small_and_the_same_each_time(folders):
    for kind in KINDS:
        made = [page(folders[kind].manifest, version="0123456789ab") for _ in range(2)]
        assert made[0] == made[1]
        # A name of a feature is in it once; the rest is the same for every model.
        assert len(made[0]) < 30_000 + (120 * 1000 if kind == "wide" else 0)
    text = page(folders["hostile"].manifest, version="v").decode()
    assert not any(nasty in text for nasty in NASTY[:2])
