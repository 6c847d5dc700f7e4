"""Finds or downloads files of trained weights, loads them, and names the layers that don't fit."""

import hashlib
import os
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import h5py
import keras

from model.saved import damage, shortened
from pipeline.cli import UserError
from pipeline.files import file_digest

_MEMBER = "model.weights.h5"
"""the weights in a file of Keras, which is a zip"""
_PICKLE = b"\x80"
"""how a pickle of any protocol from 2 on begins"""
_PYTORCH = "it is a file of PyTorch, which Keras can't read"
_UNKNOWN = "it is neither HDF5 nor a file of Keras"
_REMEDY = (
    "give the path or the address of a file that Keras saved; null takes the weights of ImageNet, "
    "and none starts from scratch"
)


def load_weights(network: keras.Model, name: str, weights: str) -> None:
    """Load weights from a file. `weights` is its path or address; messages call the network `name`.

    The content of the file counts, not its suffix. UserError if the file can't be had or doesn't
    fit; the message names the layers.
    """
    path = _local(weights)
    if problem := _problem(path, ""):
        raise UserError(f"train.weights: {path} can't be read as weights: {problem}; {_REMEDY}")
    try:
        with warnings.catch_warnings(), _suffixed(path) as file:
            warnings.simplefilter("ignore")  # the error names the missing layers too
            network.load_weights(file)
    except (ValueError, KeyError, OSError) as error:
        misfits = _misfits(network, path, str(error))
        more = f"; and {len(misfits) - 5} more" if len(misfits) > 5 else ""
        raise UserError(
            f"train.weights: {path} doesn't fit {name} without its classifier: "
            + "; ".join(misfits[:5])
            + more
        ) from error


def _local(weights: str) -> Path:
    """The path of the file. A file from an address is kept in Keras' own cache, if it is sound.

    `#sha256=…` at the end of an address gives the SHA-256 that the file must have.
    """
    if "://" not in weights:
        if not weights or not Path(weights).exists():  # Path("") is the working folder
            raise UserError(f"train.weights: {weights or repr(weights)} is not there; {_REMEDY}")
        return Path(weights)
    address, _, sha256 = weights.partition("#sha256=")
    if "#sha256=" in weights and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise UserError(f"train.weights: {sha256!r} is no SHA-256: that has 64 digits, 0 to f")
    # the name alone is not enough: files of many networks have the same name
    last = PurePosixPath(unquote(urlsplit(address).path)).name or "weights"
    name = f"{hashlib.sha256(address.encode()).hexdigest()[:8]}-{last}"
    problem = None
    for anew in (False, True):  # the file in the cache may be bad, and the one at the address good
        try:
            path = Path(
                keras.utils.get_file(name, address, cache_subdir="models", force_download=anew)
            )
        except Exception as error:  # get_file raises nothing narrower
            raise UserError(f"train.weights: {address} can't be fetched: {error}") from error
        if (problem := _problem(path, sha256)) is None:
            return path
        path.unlink()
    raise UserError(
        f"train.weights: what {address} gives can't be used, and is not kept: {problem}; look at "
        "the address in a browser, or give the path of a file"
    )


def _problem(path: Path, sha256: str) -> str | None:
    """Why the file can't have weights, or is not the one with this SHA-256; None if it is good."""
    if not h5py.is_hdf5(path) and not zipfile.is_zipfile(path):
        return damage(path) or (_PYTORCH if _begins_with(path, _PICKLE) else _UNKNOWN)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
        if _MEMBER not in names:
            return _PYTORCH if any(name.endswith("data.pkl") for name in names) else _UNKNOWN
    else:
        try:
            h5py.File(path).close()
        except OSError:
            return "its end is missing"
    if sha256:
        found = file_digest(path)
        if found != sha256.lower():
            return f"it has the SHA-256 {found}"
    return None


@contextmanager
def _suffixed(path: Path) -> Iterator[Path]:
    """The file, with the suffix by which Keras recognises its format."""
    if zipfile.is_zipfile(path):
        suffix = ".keras"
    else:
        with h5py.File(path) as file:
            is_old = "layer_names" in file.get("model_weights", file).attrs
        suffix = ".h5" if is_old else ".weights.h5"
    is_known = path.name.endswith(suffix) and (suffix != ".h5" or ".weights" not in path.suffixes)
    if is_known:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"model{suffix}"
        try:
            named.hardlink_to(path)
        except OSError:  # another disk
            shutil.copyfile(path, named)
        yield named


def _misfits(network: keras.Model, path: Path, error: str) -> list[str]:
    """The layers whose weights the file lacks or has in another shape, as messages."""
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            group = file.get("model_weights", file)
            if "layer_names" in group.attrs:
                return _by_order(network, group)
    # the formats of Keras 3 have names that count, and its error has them
    return list(dict.fromkeys(re.findall(r"name=([^,>]+)", error))) or [shortened(error)]


def _by_order(network: keras.Model, group: h5py.Group) -> list[str]:
    """The misfits of the older format: its names don't count, but the order of the layers does."""
    theirs = [_described(layer, _saved_shapes(group[layer])) for layer in _layers(group)]
    ours = [
        _described(layer.name, [tuple(w.shape) for w in layer.weights])
        for layer in network.layers
        if layer.weights
    ]
    return [
        f"{mine[0]} has {mine[1]}, in the file {its[0]} has {its[1]}"
        for mine, its in zip_longest(ours, theirs, fillvalue=("no layer", "weights"))
        if mine[1] != its[1]
    ]


def _layers(group: h5py.Group) -> list[str]:
    # Keras 2 wrote the names as bytes, Keras 3 writes them as text
    names = [os.fsdecode(name) for name in group.attrs["layer_names"]]
    return [name for name in names if len(group[name].attrs["weight_names"])]


def _saved_shapes(layer: h5py.Group) -> list[tuple[int, ...]]:
    return [layer[name].shape for name in layer.attrs["weight_names"]]


def _described(name: str, shapes: list[tuple[int, ...]]) -> tuple[str, str]:
    return name, ", ".join("x".join(map(str, shape)) for shape in shapes)


def _begins_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start
