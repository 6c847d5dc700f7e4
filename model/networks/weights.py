"""Files of trained weights: found or downloaded, loaded, and what doesn't fit named."""

import hashlib
import re
import warnings
from itertools import zip_longest
from pathlib import Path

import h5py
import keras

from pipeline.cli import UserError


def load_weights(network: keras.Model, name: str, weights: str) -> None:
    """Load a file's weights; `weights` is its path or address, `name` the network's for messages.

    UserError where the file can't be had, or does not fit: with the layers.
    """
    path = _local(weights)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is missing is in the error too
            network.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        misfits = _misfits(network, path, str(error))
        more = f"; and {len(misfits) - 5} more" if len(misfits) > 5 else ""
        raise UserError(
            f"train.weights: {path} doesn't fit {name} without its classifier: "
            + "; ".join(misfits[:5])
            + more
        ) from error


def _local(weights: str) -> Path:
    """Where the file is; what an address gives is kept in Keras' own cache."""
    if "://" not in weights:
        if not Path(weights).is_file():
            raise UserError(f"train.weights: {weights} is not there")
        return Path(weights)
    # files of all networks have the same few names
    name = f"{hashlib.sha256(weights.encode()).hexdigest()[:8]}-{weights.rsplit('/', 1)[-1]}"
    try:
        return Path(keras.utils.get_file(name, weights, cache_subdir="models"))
    except Exception as error:  # get_file raises nothing narrower
        raise UserError(f"train.weights: {weights} can't be had: {error}") from error


def _misfits(network: keras.Model, path: Path, error: str) -> list[str]:
    """The layers of which the file has no weights, or others."""
    if not h5py.is_hdf5(path):
        return ["it is no HDF5 file"]
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
