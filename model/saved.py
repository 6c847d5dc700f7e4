"""Reads files that were written earlier, here or elsewhere, and says what is wrong with them."""

import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.cli import UserError
from pipeline.files import conflict_line, file_digest

_HEAD = 4096  # bytes that tell what a file is
_LARGEST = 4096  # pixels of a side: no network is larger, and a wrong size would take all memory
_TWO_MODELS = "they are of two models; copy all files of the folder from one"
_LONGEST = 300  # characters of another library's message
DAMAGED_ARRAYS = (
    *(OSError, ValueError, EOFError, LookupError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""what NumPy raises for a file of arrays whose bytes are others than were written"""


@contextmanager
def reading(
    path: Path, what: str, remedy: str, made_by: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Read a file in the block. If that fails, UserError names the file, the reason and the remedy.

    Args:
        path: the file that the block reads.
        what: the kind of file, with its article: "a table of predictions".
        remedy: a command, or another thing to do.
        made_by: the packages that wrote the file, and their versions.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there; {remedy}") from error
    except Exception as error:  # on damaged bytes a library can raise anything
        reason = damage(path) or _first(error)
        other = _other_versions(made_by or {})
        raise UserError(f"{path} can't be read as {what}: {reason}{other}; {remedy}") from error


def read_json(path: Path, what: str, remedy: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The values of a JSON file. UserError unless it has the keys of `kinds`, with these types."""
    with reading(path, what, remedy):
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise TypeError("it holds no object")
        for key, kind in kinds.items():
            if key not in values:
                raise KeyError(f"it has no {key!r}")
            if not isinstance(values[key], kind) or isinstance(values[key], bool):
                raise TypeError(f"its {key!r} is {values[key]!r}")
    return values


def read_about(
    path: Path, what: str, remedy: str, more: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """The values of a classifier.json. UserError if a classifier can't work with them.

    `more` has the keys that must be there beside labels and image_size, with their types.
    """
    values = read_json(path, what, remedy, {"labels": list, "image_size": int, **(more or {})})
    labels, size = values["labels"], values["image_size"]
    with reading(path, what, remedy):
        are_names = all(isinstance(label, str) and label.strip() for label in labels)
        if not are_names or len({*labels}) < len(labels):
            raise ValueError(f"its 'labels' must be different names, not {labels!r}")
        if not 1 <= size <= _LARGEST:
            raise ValueError(f"its 'image_size' is {size}, not from 1 to {_LARGEST} pixels")
        _check_calibration(values.get("calibration", {}))  # models of earlier versions have none
        quantile = values.get("reject_quantile", 0)  # an export has it
        if not (_is_number(quantile) and 0 <= quantile <= 1):
            raise ValueError(f"its 'reject_quantile' is {quantile!r}, no number from 0 to 1")
        if not isinstance(values.get("files", {}), dict):
            raise TypeError(f"its 'files' is {values['files']!r}")
    return values


def _check_calibration(values: Any) -> None:
    """Raise ValueError or TypeError if a value is none that `Calibration` can have."""
    if not isinstance(values, dict):
        raise TypeError(f"its 'calibration' is {values!r}")
    temperature, images = values.get("temperature", 1.0), values.get("images", 0)
    if not (_is_number(temperature) and 0 < temperature < math.inf):
        raise ValueError(f"its temperature is {temperature!r}, no number above 0")
    if not (isinstance(images, int) and _is_number(images) and images >= 0):
        raise ValueError(f"its number of images is {images!r}")
    for name in ("confidences", "scores"):
        for one in values.get(name, ()):
            if not _is_number(one):
                raise ValueError(f"one of its {name} is {one!r}, no number")
            if name == "confidences" and not 0 <= one <= 1:
                raise ValueError(f"one of its confidences is {one!r}, no number from 0 to 1")
    if (measure := values.get("refuse_by", "probability")) not in ("features", "probability"):
        raise ValueError(f"its 'refuse_by' is {measure!r}, neither features nor probability")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def of_one_model(
    network: Path, shape: Sequence[Any], outputs: int | None, about: Mapping[str, Any]
) -> None:
    """Raise UserError if a network and the classifier.json beside it are of two models.

    Args:
        network: the file of the network.
        shape: of the images that it takes, (n, height, width, 3); None or a name for any size.
        outputs: the number of its classes, if it is known.
        about: the values of classifier.json.
    """
    labels, size = about["labels"], about["image_size"]
    if outputs is not None and outputs != len(labels):
        raise UserError(
            f"{network} knows {outputs} classes, and the classifier.json beside it has "
            f"{len(labels)}: {_TWO_MODELS}"
        )
    for side in shape[1:3]:
        if isinstance(side, int) and side != size:
            raise UserError(
                f"{network} takes images of {side} pixels, and the classifier.json beside it has "
                f"{size}: {_TWO_MODELS}"
            )


def same_files(folder: Path, about: Mapping[str, Any]) -> None:
    """Raise UserError if a file is not the one that was written with the folder's classifier.json.

    `files` in `about` has their SHA-256. So files of another model are found out, also if that has
    as many classes. Models of earlier versions have no `files`.
    """
    for name, sha256 in about.get("files", {}).items():
        path = folder / Path(name).name
        if path.is_file() and file_digest(path) != sha256:
            raise UserError(
                f"{path} is another file than the one that was written with the classifier.json "
                f"beside it: {_TWO_MODELS}"
            )


def damage(path: Path) -> str | None:
    """What is wrong with a file, by its bytes; None if they look whole.

    A library's own error would not say that a file is, for example, a web page.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except IsADirectoryError:
        return "it is a folder"
    except OSError as error:
        return error.strerror or str(error)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "it is empty"
    if not head.strip(b"\0"):
        return "it begins with nothing but zeros, as after a crash of the machine"
    if text.startswith(b"version https://git-lfs"):
        return "it is only a pointer of Git LFS, and `git lfs pull` brings the file"
    if b"annex/objects/" in head and len(head) < _HEAD:
        return "it is only a pointer of git-annex, and `git annex get` brings the file"
    if text.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head")):
        return "it is a web page"
    whole = path.read_bytes() if _is_text(head) else head
    if conflict_line(whole.decode("utf-8", "replace")):
        return "it has the marks of a merge conflict"
    if head.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "its end is missing"
    return None


def _is_text(head: bytes) -> bool:
    return b"\0" not in head


def _first(error: BaseException) -> str:
    """The beginning of an error's message, which may be pages long."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, json.JSONDecodeError):
        text = f"it is damaged in line {error.lineno} ({error.msg})"
    return shortened(text).rstrip(".;") or type(error).__name__


def shortened(text: str) -> str:
    """The first 300 characters of another library's message, in one line.

    >>> shortened("It failed.\\n  See above.")
    'It failed. See above.'
    """
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rpartition(' ')[0]} …"


def _other_versions(made_by: Mapping[str, str]) -> str:
    """The versions of packages that made the file and are not the ones installed here."""
    apart = [(name, theirs, _installed(name)) for name, theirs in made_by.items()]
    told = [f"{name} {theirs} (here {ours})" for name, theirs, ours in apart if ours != theirs]
    return f"; it was made by {', '.join(told)}" if told else ""


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
