"""Files of trained weights: found or downloaded, loaded, and what doesn't fit named."""

import hashlib
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

from model.saved import damage
from pipeline.cli import UserError


def load_weights(network: keras.Model, name: str, weights: str) -> None:
    """Load a file's weights; `weights` is its path or address, `name` the network's for messages.

    What the file holds counts, not its suffix. UserError where it can't be had, or does not fit:
    with the layers.
    """
    path = _local(weights)
    if problem := _problem(path, ""):
        raise UserError(
            f"train.weights: {path} can't be read as weights: {problem}; give another file"
        )
    try:
        with warnings.catch_warnings(), _suffixed(path) as file:
            warnings.simplefilter("ignore")  # what is missing is in the error too
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
    """Where the file is; what an address gives is kept in Keras' own cache, if it is sound.

    `#sha256=…` at the end of an address is what the file has to have.
    """
    if "://" not in weights:
        if not Path(weights).is_file():
            raise UserError(f"train.weights: {weights} is not there")
        return Path(weights)
    address, _, sha256 = weights.partition("#sha256=")
    if "#sha256=" in weights and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise UserError(f"train.weights: {sha256!r} is no SHA-256: that has 64 digits, 0 to f")
    # files of all networks have the same few names
    last = PurePosixPath(unquote(urlsplit(address).path)).name or "weights"
    name = f"{hashlib.sha256(address.encode()).hexdigest()[:8]}-{last}"
    problem = None
    for anew in (False, True):  # one that was kept earlier may be bad, and sound by now
        try:
            path = Path(
                keras.utils.get_file(name, address, cache_subdir="models", force_download=anew)
            )
        except Exception as error:  # get_file raises nothing narrower
            raise UserError(f"train.weights: {address} can't be had: {error}") from error
        if (problem := _problem(path, sha256)) is None:
            return path
        path.unlink()
    raise UserError(
        f"train.weights: what {address} gives can't be used, and is not kept: {problem}; look at "
        "the address in a browser, or give the path of a file"
    )


def _problem(path: Path, sha256: str) -> str | None:
    """Why it can't be a file of weights, or not the one meant."""
    if not h5py.is_hdf5(path) and not zipfile.is_zipfile(path):
        return damage(path) or "it is neither HDF5 nor a file of Keras"
    if h5py.is_hdf5(path):
        try:
            h5py.File(path).close()
        except OSError:
            return "its end is missing"
    if sha256:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256.lower():
            return f"it has the SHA-256 {found}"
    return None


@contextmanager
def _suffixed(path: Path) -> Iterator[Path]:
    """The file under a suffix by which Keras knows its form."""
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
    """The layers of which the file has no weights, or others."""
    if not h5py.is_hdf5(path):
        return [" ".join(error.split())]
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        if "layer_names" not in group.attrs:  # by Keras 3, which says itself what it misses
            return list(dict.fromkeys(re.findall(r"name=([^,>]+)", error))) or [error]
        # older files go by the order of the layers
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
    names = [name.decode() for name in group.attrs["layer_names"]]
    return [name for name in names if len(group[name].attrs["weight_names"])]


def _saved_shapes(layer: h5py.Group) -> list[tuple[int, ...]]:
    return [layer[name].shape for name in layer.attrs["weight_names"]]


def _described(name: str, shapes: list[tuple[int, ...]]) -> tuple[str, str]:
    return name, ", ".join("x".join(map(str, shape)) for shape in shapes)
