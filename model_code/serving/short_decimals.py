"""Short decimals out of CSV, eight characters at a time: what most measurements are written as.

Every cell's last eight characters are one 64-bit number (of a little-endian machine), and the digits in it
become their value in a few operations on all cells at once; the eight before them follow where a cell is
longer. The value is a whole number below 10^15, divided by a power of ten below 10^16: a float holds both
exactly, so the quotient is what `float` gives. Whatever else a block holds is left to the other parsers.
Figures: docs/benchmarks/serving.md and batch.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_U = np.uint64
_ZEROS = _U(0x3030303030303030)
_BIT_4 = _U(0x1010101010101010)
_HIGH = _U(0xF0F0F0F0F0F0F0F0)
_SIX = _U(0x0606060606060606)
_BYTE = _U(0xFF)
_DOT = _U(0x1E)  # "." ^ "0"
_ALL = _U(0xFFFFFFFFFFFFFFFF)
_ONE = _U(1)
_KEPT = np.array([_ALL << _U(8 * (8 - length)) if length else _U(0) for length in range(9)], dtype=np.uint64)
_POWERS = np.array([float(10**places) for places in range(17)])
_MOST_DIGITS = 15  # below 2^53
_Numbers = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]


def short_decimals(body: bytes, start: int, end: int, width: int) -> npt.NDArray[np.float64] | None:
    """Read whole lines of `width` cells, each line ended by a newline, from a part of a body.

    Returns:
        A float64 matrix of shape (lines, width), or None where a cell is not a plain decimal of up to 15
        digits (a sign and a dot beside them) or a row has another width.
    """
    if start < 16:  # every cell is read with the sixteen characters that end it
        body, start, end = b"0" * 16 + body[start:end], 16, 16 + end - start
    codes = np.frombuffer(body, np.uint8, end - start, start)
    ends = np.flatnonzero(codes < 45)  # "," and newline; what else is so small is counted out
    lines, rest = divmod(len(ends), width)
    if not lines or rest or codes[-1] != 10:
        return None
    separators = codes[ends].reshape(lines, width)
    if (separators[:, :-1] != 44).any() or (separators[:, -1] != 10).any():
        return None
    lengths = np.diff(ends, prepend=-1)
    lengths -= 1
    starts = ends - lengths
    first = codes.take(starts)
    negative = first == 45
    lengths -= negative
    over = lengths > 8
    long = None
    if over.any():
        where = np.flatnonzero(over)
        # One more than eight costs nothing if it is the zero of "0.0012345".
        is_long = (lengths[where] > 9) | (codes[starts[where] + negative[where]] != 48)
        if is_long.any():
            long = where[is_long]
            lengths_of_long = lengths[long]
            if (lengths_of_long > 16).any():
                return None
        lengths[where] = 8
    if lengths.min() < 1:
        return None
    numbers = _numbers(_words(body, start - 8, ends), lengths)
    if numbers is None:
        return None
    digits, _, places = numbers
    if long is not None:
        before = _numbers(_words(body, start - 16, ends[long]), lengths_of_long - 8)
        if before is None or not _join(numbers, long, before, lengths_of_long):
            return None
    values = digits.astype(np.float64)
    values /= _POWERS.take(places)
    np.negative(values, out=values, where=negative)
    matrix: npt.NDArray[np.float64] = values.reshape(lines, width)
    return matrix


def _words(body: bytes, offset: int, ends: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return the eight characters that begin at `offset` and so many behind it, for every cell."""
    return np.ndarray((len(body) - offset - 7,), np.uint64, body, offset, (1,))[ends]


def _numbers(words: npt.NDArray[np.uint64], lengths: npt.NDArray[np.int64]) -> _Numbers | None:
    """Read the last 1 to 8 characters of each word, as told; `words` is used up.

    Returns:
        The number that the digits make, whether there is a dot, and how many digits follow it; None where
        there is anything else, or a dot alone.
    """
    words ^= _ZEROS
    words &= _KEPT.take(lengths)
    dots = words & _BIT_4
    dots >>= _U(4)  # one at the byte of the dot, if there is one
    if (dots & (dots - _ONE)).any() or (words & (dots * _BYTE) != dots * _DOT).any():
        return None
    dotted = dots != 0
    if (lengths == dotted).any():  # a dot alone
        return None
    below = dots - dotted.astype(np.uint64)
    digits = words & below
    digits <<= _U(8)  # the digits before the dot close up
    below |= dots * _BYTE
    np.invert(below, out=below)
    words &= below
    digits |= words
    if ((digits | (digits + _SIX)) & _HIGH).any():
        return None
    digits = digits * _U(10) + (digits >> _U(8)) & _U(0x00FF00FF00FF00FF)
    digits = digits * _U(100) + (digits >> _U(16)) & _U(0x0000FFFF0000FFFF)
    digits = digits * _U(10000) + (digits >> _U(32)) & _U(0xFFFFFFFF)
    # The byte of the dot is the exponent of a power of two: 2^(8 * byte).
    places = (dots.view(np.int64).astype(np.float64).view(np.int64) >> 55) - 127
    return digits.view(np.int64), dotted, np.where(dotted, 8 - (places + 1), 0)


def _join(
    numbers: _Numbers, where: npt.NDArray[np.int64], before: _Numbers, lengths: npt.NDArray[np.int64]
) -> bool:
    """Put the characters before the last eight in front of some of the numbers.

    Returns:
        Whether these are all numbers, of no more digits than a float holds exactly.
    """
    digits, dotted, places = numbers
    digits_before, dotted_before, places_before = before
    dotted_after = dotted[where]
    if (dotted_before & dotted_after).any():
        return False
    if (lengths - (dotted_before | dotted_after) > _MOST_DIGITS).any():
        return False
    digits[where] += digits_before * np.where(dotted_after, 10**7, 10**8)
    places[where] += np.where(dotted_before, places_before + 8, 0)
    return True
