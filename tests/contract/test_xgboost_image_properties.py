"""Whatever bytes come, the XGBoost image's readers give rows or refuse them: nothing else is raised."""

import sys
from pathlib import Path

import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from training.xgboost_algorithm.channels import FORMATS
from training.xgboost_algorithm.errors import UserError
from training.xgboost_algorithm.matrices import load

IMAGE = Path(__file__).resolve().parents[2] / "localaws" / "images" / "xgboost_3_2_0"
sys.path.insert(0, str(IMAGE))  # as in the image's own environment
from xgboost_serving import payload  # noqa: E402

from tests.contract.xgboost_image import train  # noqa: E402

MODEL = train("reg:squarederror")
CELL = st.one_of(
    st.floats().map(str),
    st.integers().map(str),
    st.sampled_from(["", " ", "nan", "x", '"1"', "1e", "é", "1:2"]),
)
TABLE = st.builds(
    lambda rows, delimiter, end: end.join(delimiter.join(row) for row in rows),
    st.lists(st.lists(CELL, min_size=1, max_size=6), max_size=5),
    st.sampled_from([",", ";", " ", "\t", "|", "a"]),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
BODY = st.one_of(TABLE.map(str.encode), st.text().map(str.encode), st.binary())
TYPE = st.one_of(
    st.none(), st.sampled_from([*FORMATS, "text/csv;label_size=1", "text/csv;label_size"]), st.text()
)


@given(BODY, TYPE)
@settings(max_examples=400, deadline=None)
def test_a_body_is_predicted_or_refused(body: bytes, content_type: str | None) -> None:
    try:
        matrix = payload.read(body, content_type)
    except payload.UnreadablePayload:
        return
    try:
        assert len(MODEL.predict(matrix, validate_features=False)) == matrix.num_row()
    except xgb.core.XGBoostError as error:
        assert "Number of columns does not match" in str(error)


@given(BODY, st.sampled_from(["csv", "libsvm"]))
@settings(max_examples=200, deadline=None)
def test_a_training_file_is_read_or_refused(tmp_path_factory, body: bytes, form: str) -> None:
    folder = tmp_path_factory.mktemp("channel")
    (folder / "data").write_bytes(body)
    try:
        matrix = load(folder, form)
    except UserError:
        return
    assert matrix is None or matrix.get_label().size == matrix.num_row()
