"""The built-in XGBoost image answers as AWS's does: types, statuses and texts."""

import json

import numpy as np
import pytest
import xgboost as xgb

from tests.contract.xgboost_image import COLUMNS, CSV, ROWS, Server, serving, train

ACCEPTED = "['application/json', 'application/jsonlines', 'application/x-recordio-protobuf', 'text/csv']"
REGRESSION = train("reg:squarederror")
EXPECTED = REGRESSION.predict(xgb.DMatrix(ROWS)).tolist()
CSV_ANSWER = "".join(f"{value}\n" for value in EXPECTED)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("regression"), {"xgboost-model": REGRESSION}) as running:
        yield running


def test_ping_is_empty_and_of_flasks_own_type(server: Server) -> None:
    answer = server.call("GET", "/ping")
    assert (answer.status, answer.content_type, answer.body) == (200, "text/html; charset=utf-8", b"")


def test_execution_parameters_tell_a_transform_job_how_to_call(server: Server) -> None:
    answer = server.call("GET", "/execution-parameters")
    assert answer.content_type == "application/json"
    assert json.loads(answer.text) == {
        "MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6,
    }  # fmt: skip


@pytest.mark.parametrize("accept", [None, "*/*", "text/csv", "text/csv;q=1", "TEXT/CSV"])
def test_csv_is_one_value_a_line(server: Server, accept: str | None) -> None:
    answer = server.invoke(CSV, accept=accept)
    assert (answer.status, answer.content_type, answer.text) == (200, "text/csv; charset=utf-8", CSV_ANSWER)


def test_json_is_a_score_a_row(server: Server) -> None:
    answer = server.invoke(CSV, accept="application/json")
    assert answer.content_type == "application/json"
    assert json.loads(answer.text) == {"predictions": [{"score": value} for value in EXPECTED]}


@pytest.mark.parametrize("accept", ["application/jsonlines", "application/x-recordio-protobuf"])
def test_types_of_selectable_inference_alone_are_a_page_of_500(server: Server, accept: str) -> None:
    answer = server.invoke(CSV, accept=accept)
    assert (answer.status, answer.content_type) == (500, "text/html; charset=utf-8")


@pytest.mark.parametrize("accept", ["image/png", "text/csv, application/json"])
def test_an_accept_that_is_not_known_is_406(server: Server, accept: str) -> None:
    answer = server.invoke(CSV, accept=accept)
    assert answer.status == 406
    assert answer.text == (
        f"Accept type {accept} is not supported. Please use supported accept types: {ACCEPTED}."
    )


@pytest.mark.parametrize(
    "content_type", ["csv", "text/csv; charset=utf-8", "TEXT/CSV", "text/csv;label_size=1"]
)
def test_csv_goes_by_several_names(server: Server, content_type: str) -> None:
    assert server.invoke(CSV, content_type).text == CSV_ANSWER


@pytest.mark.parametrize(
    "body", [CSV.replace(",", ";"), CSV.replace(",", " "), CSV.replace("\n", "\r\n"), CSV + "\n\n"]
)
def test_delimiters_and_line_ends_are_found_out(server: Server, body: str) -> None:
    assert server.invoke(body).text == CSV_ANSWER


def test_an_empty_cell_is_missing(server: Server) -> None:
    rows = ROWS.copy()
    rows[0, 1] = np.nan
    answer = server.invoke(CSV.replace(str(ROWS[0, 1]), "", 1))
    assert answer.text == "".join(f"{value}\n" for value in REGRESSION.predict(xgb.DMatrix(rows)).tolist())


def test_rows_that_are_too_narrow_are_predicted(server: Server) -> None:
    assert server.invoke("0.1,0.2,0.3").status == 200


def test_rows_that_are_too_wide_are_400(server: Server) -> None:
    answer = server.invoke("1,2,3,4,5")
    assert answer.status == 400
    assert answer.text.startswith("Unable to evaluate payload provided: ")
    assert "Number of columns does not match number of features in booster" in answer.text


@pytest.mark.parametrize("body", ["a,b,c,d\n1,2,3,4", "1,2,3,4\n1,2,3"])
def test_a_header_and_ragged_rows_are_415(server: Server, body: str) -> None:
    answer = server.invoke(body)
    assert answer.status == 415
    assert answer.text.startswith(
        "Loading csv data failed with Exception, "
        "please ensure data is in csv format:\n <class 'ValueError'>\n "
    )


@pytest.mark.parametrize("content_type", ["application/json", "image/png"])
def test_a_type_that_is_not_known_is_415(server: Server, content_type: str) -> None:
    answer = server.invoke(CSV, content_type)
    assert answer.status == 415
    assert answer.text.startswith(f"{content_type} is not an accepted ContentType: csv, libsvm, parquet, ")


def test_parquet_is_for_training_alone(server: Server) -> None:
    answer = server.invoke(b"PAR1", "application/x-parquet")
    assert (answer.status, answer.text) == (415, "Content-type application/x-parquet is not supported.")


def test_more_than_one_label_is_415(server: Server) -> None:
    answer = server.invoke(CSV, "text/csv;label_size=2")
    assert answer.status == 415
    assert "Optional parameter label_size must be equal to 1" in answer.text


@pytest.mark.parametrize("content_type", [None, "text/libsvm", "text/x-libsvm", "libsvm"])
@pytest.mark.parametrize("first", [0, 1])
def test_libsvm_counts_columns_from_0_or_1_and_is_what_comes_without_a_type(
    server: Server, content_type: str | None, first: int
) -> None:
    line = " ".join(f"{column + first}:{value}" for column, value in enumerate(ROWS[0].tolist()))
    assert server.invoke(line, content_type).text == f"{EXPECTED[0]}\n"


def test_bad_libsvm_is_415(server: Server) -> None:
    answer = server.invoke("a:1 b:2", "text/libsvm")
    assert answer.status == 415
    assert answer.text.startswith(
        "Loading libsvm data failed with Exception, please ensure data is in libsvm"
    )


def test_an_empty_body_is_204(server: Server) -> None:
    assert server.invoke("").status == 204


def test_a_body_above_6_mib_is_413(server: Server) -> None:
    row = ",".join("0" * COLUMNS) + "\n"
    assert server.invoke(row * (6 * 1024**2 // len(row) + 1)).status == 413


def test_other_doors_and_methods_are_flasks(server: Server) -> None:
    assert server.call("GET", "/").status == 404
    assert server.call("GET", "/invocations").status == 405
    assert server.call("POST", "/ping").status == 405
