"""A person's file as a transform job gets it."""

from __future__ import annotations

import gzip

import pytest

from slipway.batch_rows import prepare
from slipway.errors import BadInput

SIGNATURE = {"features": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "id_column": True}
PLAIN = {**SIGNATURE, "id_column": False}


CITY = {"features": [{"name": "a"}, {"name": "city", "categories": ["Bonn", "Köln, Mitte"]}]}


def written(tmp_path, content, signature=SIGNATURE, *, ids=True, whole=False, coded=False):
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_bytes(content)
    prepared = prepare(source, target, signature, ids=ids, whole=whole, coded=coded)
    return target.read_bytes(), prepared


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b,c\n1,2,3\n4,5,6\n", b"1,2,3\n4,5,6\n"),
        (b"\xef\xbb\xbfa,b,c\r\n1,2,3\r\n4,5,6", b"1,2,3\n4,5,6\n"),
        (b"c, a ,b\n3,1,2\n6,4,5\n", b"1,2,3\n4,5,6\n"),
        (b"1,2,3\n\n4,5,6\n", b"1,2,3\n4,5,6\n"),
        (b"c,label,a,b\n3,x,1,2\n\n6,y,4,5\n", b"1,2,3\n4,5,6\n"),
        (gzip.compress(b"a,b,c\n1,2,3\n4,5,6\n", mtime=0), b"1,2,3\n4,5,6\n"),
        (b"a,b,c\n1,,3\n4,5,6\n", b"1,,3\n4,5,6\n"),
    ],
)
def test_rows_are_headerless_and_in_the_order_of_the_signature(tmp_path, content, expected):
    out, prepared = written(tmp_path, content)

    assert (out, prepared.rows) == (expected, 2)


def test_what_the_model_does_not_take_is_left_out_and_said(tmp_path):
    out, prepared = written(tmp_path, b"label,c,b,a,when\nx,3,2,1,now\n")

    assert out == b"1,2,3\n"
    assert prepared.left_out == ("label", "when")
    assert prepared.header


@pytest.mark.parametrize("content", [b"c,id,b,a\n3,r1,2,1\n", b"r1,1,2,3\n"])
def test_an_id_comes_first_where_the_image_takes_one_and_is_left_out_where_not(tmp_path, content):
    with_id, _ = written(tmp_path, content)
    without, prepared = written(tmp_path, content, ids=False)

    assert (with_id, without) == (b"r1,1,2,3\n", b"1,2,3\n")
    assert prepared.left_out == ("id",)


def test_with_a_filter_every_column_goes_since_the_filter_chooses(tmp_path):
    out, prepared = written(tmp_path, b"key,c,a,b\nk1,3,1,2\n", whole=True)

    assert (out, prepared.left_out) == (b"k1,3,1,2\n", ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no rows"),
        (b"a,b,c\n", "has no rows"),
        (b"a,b\n1,2\n", "no column 'c'"),
        (b"x,y,z\n1,2,3\n", "names none of the model's features"),
        (b"1,2\n", "has 2 columns, and the model takes 3"),
        (b"a,b,c,c\n1,2,3,4\n", "'c' twice"),
        (b"c,b,a\n1,2\n", "line 2: it has 2 cells"),
        (b'c,b,a\n1,"2\n3",4\n', "line breaks"),
        (b"c,b,a\n1,\xff,2\n", "not UTF-8"),
        (b"\x1f\x8bnot packed", "not a CSV file"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused_with_the_place(tmp_path, content, words):
    with pytest.raises(BadInput) as refused:
        written(tmp_path, content, PLAIN)

    assert words in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match="not there"):
        prepare(tmp_path / "nowhere.csv", tmp_path / "out.csv", SIGNATURE, ids=False)


@pytest.mark.parametrize(
    "content",
    [
        'city,a\n"Köln, Mitte",1\n,2\n Bonn ,3\n',
        'a,city\n1,"Köln, Mitte"\n2,\n3,Bonn\n',
        '1,"Köln, Mitte"\n2,\n3,Bonn\n',
    ],
)
def test_xgboosts_image_gets_the_codes_of_categories_and_other_images_their_texts(tmp_path, content):
    coded, _ = written(tmp_path, content.encode(), CITY, coded=True)
    texts, _ = written(tmp_path, content.encode(), CITY)

    assert coded == b"1,1\n2,\n3,0\n"
    assert "Köln, Mitte" in texts.decode()


def test_codes_stand_where_the_columns_stood_when_a_filter_chooses(tmp_path):
    out, _ = written(tmp_path, b"key,city,a\nk1,Bonn,1\n", CITY, whole=True, coded=True)

    assert out == b"k1,0,1\n"


def test_a_text_that_a_category_does_not_know_is_refused_before_anything_is_sent(tmp_path):
    with pytest.raises(BadInput) as refused:
        written(tmp_path, b"a,city\n1,Bonn\n2,Bon\n", CITY, coded=True)

    assert "line 3: city: 'Bon' is not one of its categories" in str(refused.value)
    assert "Did you mean 'Bonn'?" in (refused.value.why or "")
