"""A person's CSV file as a transform job wants it: no header, the signature's columns in its order."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from slipway.errors import BadInput, did_you_mean

ID = "id"
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_SHOWN = 10


@dataclass(frozen=True)
class Prepared:
    """What was written.

    Args:
        rows: how many.
        header: whether the file began with the columns' names.
        left_out: columns of the file that the model does not take.
    """

    rows: int
    header: bool
    left_out: tuple[str, ...]


def prepare(
    source: Path,
    target: Path,
    signature: Mapping[str, Any],
    *,
    ids: bool,
    whole: bool = False,
    coded: bool = False,
) -> Prepared:
    """Write the rows of a CSV file, packed with gzip or not, as a model takes them.

    Args:
        source: with the features' names in the first row, in any order and among others; or without, in the
            signature's order.
        target: is written.
        signature: the model's.
        ids: the model's image takes a leading id.
        whole: keep every column, since a filter of the job chooses.
        coded: write a category's text as its place in the signature's list, since AWS's XGBoost image takes
            numbers alone.

    Raises:
        BadInput: the file is not there, is no CSV in UTF-8, has no rows or lacks a column, or a category does
            not know a text.
    """
    if not source.is_file():
        raise BadInput(
            f"{source} is not there.", fix="Name a CSV file, or a prefix: s3://bucket/folder/rows.csv"
        )
    features = [str(feature["name"]) for feature in signature["features"]]
    try:
        first = _first_row(source)
        header = _is_header(first, features, source)
        # With ids, the one column before the features of a file without a header is the id.
        names = first if header else _unnamed(first, features, source, signature, whole=whole)
        wanted = names if whole else [*([ID] if ids and ID in names else []), *features]
        texts = _texts_by_name(signature) if coded else {}
        rows = _write(source, target, names, wanted, texts, skip_first=header)
    except UnicodeDecodeError:
        raise BadInput(f"{source} is not UTF-8 text.", fix="Save it as a CSV file in UTF-8.") from None
    except (csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"{source} is not a CSV file: {error}", fix="Mend the file.") from None
    if not rows:
        raise BadInput(f"{source} has no rows.", fix="Give it at least one below the header.")
    return Prepared(rows, header, tuple(name for name in names if name not in wanted))


@contextmanager
def _opened(source: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked, behind the mark that some programs write at its beginning."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(source.open("rb"))
        packed = file.read(2) == _GZIP
        file.seek(0)
        if packed:
            file = stack.enter_context(gzip.open(file))
        if file.read(3) != _BOM:
            file.seek(0)
        yield file


def _texts(file: IO[bytes]) -> Iterator[str]:
    return (line.decode() for line in file)


def _first_row(source: Path) -> list[str]:
    with _opened(source) as file:
        row = next((row for row in csv.reader(_texts(file)) if row), None)
    if row is None:
        raise BadInput(f"{source} has no rows.", fix="Give it rows.")
    return [cell.strip() for cell in row]


def _is_header(first: Sequence[str], features: Sequence[str], source: Path) -> bool:
    known = set(features)
    if not known & set(first):
        if any(_is_number(cell) or not cell for cell in first):
            return False
        raise BadInput(
            f"{source}: the first row names none of the model's features.",
            why=f"It has: {_list(first)}. The features: {_list(features)}.",
            fix="Name the features in the first row, or leave it out.",
        )
    missing = [name for name in features if name not in first]
    if missing:
        raise BadInput(
            f"{source} has no column {missing[0]!r}.",
            why=f"Missing: {_list(missing)}. {did_you_mean(missing[0], first)}".strip(),
            fix="Mend the first row.",
        )
    doubled = next((name for name in features if list(first).count(name) > 1), None)
    if doubled:
        raise BadInput(f"{source} has the column {doubled!r} twice.", fix="Rename one of them.")
    return True


def _unnamed(
    first: Sequence[str], features: list[str], source: Path, signature: Mapping[str, Any], *, whole: bool
) -> list[str]:
    """Return the names of the columns of a file that has none."""
    if whole:
        return [f"column {number}" for number in range(1, len(first) + 1)]
    if len(first) == len(features):
        return features
    if signature.get("id_column") and len(first) == len(features) + 1:
        return [ID, *features]
    raise BadInput(
        f"{source} has {len(first)} columns, and the model takes {len(features)}.",
        why=f"Without names in the first row they are, in this order: {_list(features)}.",
        fix="Mend the rows, or name the columns in the first row.",
    )


def _texts_by_name(signature: Mapping[str, Any]) -> dict[str, list[str]]:
    return {str(each["name"]): each["categories"] for each in signature["features"] if "categories" in each}


def _write(
    source: Path,
    target: Path,
    names: Sequence[str],
    wanted: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    *,
    skip_first: bool,
) -> int:
    if list(names) == list(wanted) and texts.keys().isdisjoint(names):
        with _opened(source) as file, target.open("wb") as out:
            return _copy(file, out, skip_first=skip_first)
    with _opened(source) as file, target.open("w", encoding="utf-8", newline="") as text:
        return _choose(csv.reader(_texts(file)), text, names, wanted, texts, source, skip_first=skip_first)


def _copy(file: IO[bytes], out: IO[bytes], *, skip_first: bool) -> int:
    """Copy the lines as they are, blank ones excepted, and count them."""
    rows = 0
    for line in file:
        if line.isspace():
            continue
        if skip_first:
            skip_first = False
            continue
        out.write(line.rstrip(b"\r\n") + b"\n")
        rows += 1
    return rows


def _choose(
    reader: Any,
    out: IO[str],
    names: Sequence[str],
    wanted: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    source: Path,
    *,
    skip_first: bool,
) -> int:
    """Write the wanted columns in their order, and codes for the texts of categories."""
    codes = [
        (list(names).index(name), name, {"": "", **{text: str(code) for code, text in enumerate(known)}})
        for name, known in texts.items()
        if name in names
    ]
    places = [list(names).index(name) for name in wanted]
    chosen = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
    writer, width, rows, before = csv.writer(out, lineterminator="\n"), len(names), 0, 0
    for row in reader:
        lines, before = reader.line_num - before, reader.line_num
        if not row:
            continue
        if len(row) != width or lines != 1:
            what = f"has {len(row)} cells, and there are {width} columns" if lines == 1 else "has line breaks"
            raise BadInput(f"{source}, line {reader.line_num}: it {what}.", fix="Mend the row.")
        if skip_first:
            skip_first = False
            continue
        for place, name, code_of in codes:
            text = row[place].strip()
            if text not in code_of:
                known, named = texts[name], _list([repr(each) for each in texts[name]])
                raise BadInput(
                    f"{source}, line {reader.line_num}: {name}: {text!r} is not one of its categories.",
                    why=f"They are: {named}. {did_you_mean(text, known)}".strip(),
                    fix="Mend the cell; where the value is missing, leave it empty.",
                )
            row[place] = code_of[text]
        writer.writerow(chosen(row))
        rows += 1
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
