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
# What a number is divided by, for as many bits as there are up to the end of the dot's character.
_POWERS = np.array([float(10 ** (8 - bits // 8)) if bits else 1.0 for bits in range(65)])
_MOST_DIGITS = 15  # below 2^53
_Numbers = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]


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
    lengths = np.empty_like(ends)
    lengths[0] = ends[0]
    np.subtract(ends[1:], ends[:-1], out=lengths[1:])
    lengths[1:] -= 1
    negative = None
    if body.find(b"-", start, end) >= 0:
        negative = codes.take(ends - lengths) == 45
        lengths -= negative
    long = None
    over = np.flatnonzero(lengths > 8)
    if len(over):
        # One more than eight costs nothing if it is the zero of "0.0012345".
        many = lengths[over]
        is_long = (many > 9) | (codes[ends[over] - many] != 48)
        if is_long.any():
            long, many = over[is_long], many[is_long]
            if many.max() > 16:
                return None
        lengths[over] = 8
    if lengths.min() < 1:
        return None
    numbers = _numbers(_words(body, start - 8 + ends), lengths)
    if numbers is None:
        return None
    digits, marks = numbers
    powers = _POWERS.take(marks)
    if long is not None:
        before = _numbers(_words(body, start - 16 + ends[long]), many - 8)
        if before is None or not _join(numbers, powers, long, before, many):
            return None
    values = digits.astype(np.float64)
    values /= powers
    if negative is not None:
        np.negative(values, out=values, where=negative)
    matrix: npt.NDArray[np.float64] = values.reshape(lines, width)
    return matrix


def _words(body: bytes, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return the eight characters that begin at each place of a body."""
    whole = len(body) // 8
    if places[-1] + 16 > whole * 8:
        return np.ndarray((len(body) - 7,), np.uint64, body, 0, (1,))[places]
    # Half the time: from the two aligned words that hold them.
    aligned = np.frombuffer(body, np.uint64, whole)
    shifts = (places & 7).view(np.uint64)
    shifts <<= _U(3)
    places >>= 3
    words = aligned.take(places)
    words >>= shifts
    following = aligned[1:].take(places)
    np.subtract(_U(64), shifts, out=shifts)
    following <<= shifts  # NumPy has 0 for a shift by 64
    words |= following
    return words


def _numbers(words: npt.NDArray[np.uint64], lengths: npt.NDArray[np.int64]) -> _Numbers | None:
    """Read the last 1 to 8 characters of each word, as told; `words` is used up.

    Returns:
        The number that the digits make, and how many bits there are up to the end of the dot's character, 0
        without a dot; None where there is anything else, or a dot alone.
    """
    words ^= _ZEROS
    words &= _KEPT.take(lengths)
    dots = words & _BIT_4
    dots >>= _U(4)  # one at the byte of the dot, if there is one
    below = dots - _ONE
    wrong = dots & below  # two of them
    in_dot = dots * _BYTE
    dots *= _DOT
    wrong |= (words & in_dot) ^ dots
    dotted = (in_dot != 0).astype(np.uint64)
    below += _ONE - dotted  # nothing is below a dot that is not there
    digits = words & below
    digits <<= _U(8)  # the digits before the dot close up
    below |= in_dot
    marks = np.bitwise_count(below)
    np.invert(below, out=below)
    words &= below
    digits |= words
    wrong |= (digits | (digits + _SIX)) & _HIGH
    if wrong.any() or (lengths.view(np.uint64) == dotted).any():  # a dot alone
        return None
    digits = digits * _U(10) + (digits >> _U(8)) & _U(0x00FF00FF00FF00FF)
    digits = digits * _U(100) + (digits >> _U(16)) & _U(0x0000FFFF0000FFFF)
    digits = digits * _U(10000) + (digits >> _U(32)) & _U(0xFFFFFFFF)
    return digits.view(np.int64), marks


def _join(
    numbers: _Numbers, powers: npt.NDArray[np.float64], where: npt.NDArray[np.int64], before: _Numbers,
    lengths: npt.NDArray[np.int64],
) -> bool:  # fmt: skip
    """Put the characters before the last eight in front of some of the numbers.

    Returns:
        Whether these are all numbers, of no more digits than a float holds exactly.
    """
    digits, marks = numbers
    digits_before, marks_before = before
    dotted, dotted_before = marks[where] != 0, marks_before != 0
    if (dotted & dotted_before).any() or (lengths - (dotted | dotted_before) > _MOST_DIGITS).any():
        return False
    digits[where] += digits_before * np.where(dotted, 10**7, 10**8)
    powers[where] *= np.where(dotted_before, 1e8 * _POWERS.take(marks_before), 1.0)
    return True
