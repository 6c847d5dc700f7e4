"""Reads numbers that people type as options, and guesses what a wrong one should be."""

import argparse
import math
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

Number = TypeVar("Number", bound=float)

_NUMBER: Final = re.compile(r"[-+]?[\d.,]*\d(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"[-+]?\d{1,3}([.,]\d{3})+")
_LONGEST: Final = 40  # characters; a longer text is no typing error


def number_from(least: Number, most: Number | None = None) -> Callable[[str], Number]:
    """A `type` for argparse: numbers from `least` to `most`, whole ones if `least` is an int.

    The error says what is allowed, and guesses.

    >>> number_from(0.0, 1.0)("0.8")
    0.8
    >>> number_from(0.0, 1.0)("80")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: 80 is not allowed: 0 to 1; did you mean 0.8?
    """
    kind, whole = type(least), type(least) is int

    def allowed(value: float) -> bool:
        return (
            (not whole or value == int(value))
            and value >= least
            and (most is None or value <= most)
        )

    def read(given: str) -> Number:
        try:
            value = kind(given)
            if math.isfinite(value) and allowed(value):
                return value
        except (ValueError, OverflowError):
            pass
        span = f"from {least:g} on" if most is None else f"{least:g} to {most:g}"
        numbers = "whole numbers " if whole else ""
        near = next((value for value in _guesses(given, whole=whole) if allowed(value)), None)
        hint = "" if near is None else f"; did you mean {kind(near):.15g}?"
        raise argparse.ArgumentTypeError(
            f"{given[:_LONGEST]} is not allowed: {numbers}{span}{hint}"
        )

    return read


def _guesses(given: str, *, whole: bool) -> Iterator[float]:
    """Numbers that may be meant, the likeliest first: `80%`, `0,8`, `1,000`, `10s`, `-3`."""
    found = _NUMBER.search(given)
    if found is None or len(given) > _LONGEST:
        return
    text = found.group()
    if whole and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "").replace(".", "")
    try:
        value = float(text.replace(",", "."))
    except ValueError:  # such as a date, 1.2.3
        return
    if not math.isfinite(value):
        return
    if not given.rstrip().endswith("%"):
        yield value
    if not whole:
        yield value / 100
    yield abs(value)
    yield round(value)
