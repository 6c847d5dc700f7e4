"""Shows the images of the dataset that look most like a new one, each with its page and license.

python -m model.similar mug.jpg --top 5
"""

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from model import artifact, data
from model.images import UnreadableImageError, decode_ahead
from model.origins import Origins
from model.sources import fetched, images_named, shown, with_name
from pipeline.cli import UserError, run
from pipeline.files import write_atomic
from pipeline.listing import aside_lines, left_out, text
from pipeline.numbers import number_from
from pipeline.paths import DATASET, MODEL, RAW, SIMILAR_CACHE, SPLITS

if TYPE_CHECKING:
    import keras

_BATCH = 64
_NO_LICENSE = "not stated"
Features = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image of the dataset. `file` is relative to data/dataset."""

    similarity: float
    """cosine of the angle between the features: 1 for the same image"""
    label: str
    file: str
    page: str | None
    license: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m model.similar",
        description="Show the images of data/dataset that look most like a new image, to the model "
        "in results/model. The first run looks at the whole dataset, later ones remember it. An "
        "image that can't be read is reported, the rest is done, and the exit code is 1.",
    )
    parser.add_argument("images", nargs="+", metavar="PATH_OR_URL", help="as of model.predict")
    parser.add_argument(
        "--top", type=number_from(1), default=5, help="how many (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for each image")
    options = parser.parse_args(arguments)
    names = images_named(options.images, aside := left_out())
    for line in aside_lines(aside):
        print(line, file=sys.stderr)
    index = Index.load(MODEL, DATASET)
    unread = 0
    for name, found in zip(names, index.nearest(names, options.top), strict=True):
        if isinstance(found, UnreadableImageError):
            unread += 1
            print(f"error: {shown(with_name(name, found))}", file=sys.stderr)
        elif options.json:
            print(json.dumps({"file": text(name), "similar": [asdict(one) for one in found]}))
        else:
            columns = {"similarity": "", "class": "", "license": "", "file": "", "page": ""}
            rows = [
                (f"{n.similarity:.3f}", n.label, n.license or _NO_LICENSE, n.file, n.page)
                for n in found
            ]
            print(f"{shown(name)}\n{tabulate(rows, list(columns), disable_numparse=True)}\n")
    return 1 if unread else 0


class Index:
    """The features of all images of a dataset, by a model."""

    def __init__(
        self,
        model: artifact.Artifact,
        dataset: Path,
        about: Mapping[Path, Mapping[str, str]],
        cache: Path,
    ) -> None:
        self._extract = _extractor(model.network)
        self._size = model.image_size
        self._dataset = dataset
        self._files, self._about = list(about), about
        self._origins = Origins(RAW)
        try:
            self._features: Features = np.load(cache)
            is_whole = self._features.shape[:1] == (len(self._files),)
        except (OSError, ValueError, EOFError):  # none yet, or one that a full disk has cut off
            is_whole = False
        if not is_whole:
            self._features = np.concatenate([*self._of_dataset()])
            whole = io.BytesIO()
            np.save(whole, self._features)
            write_atomic(cache, whole.getvalue())

    @classmethod
    def load(cls, model: Path, dataset: Path, cache: Path = SIMILAR_CACHE) -> "Index":
        """Load the index of the model in `model`. Features that are in `cache` are not made again.

        Raises UserError if there is no model, or no dataset, or no image in it.
        """
        known = artifact.load(model)
        data.class_labels(dataset)
        about = _about(dataset)
        key = f"{known.sha256[:16]}-{data.dataset_digest(dataset)[:16]}.npy"
        return cls(known, dataset, about, cache / key)

    def nearest(
        self, images: Sequence[str], top: int
    ) -> Iterator[list[Neighbour] | UnreadableImageError]:
        """For each path or address give the `top` most similar images, or why it can't be read."""
        for image in decode_ahead(fetched(images), self._size):
            if isinstance(image, UnreadableImageError):
                yield image
                continue
            (features,) = self._unit(image[None])
            similarity = self._features.astype(np.float32) @ features.astype(np.float32)
            best = np.argsort(-similarity, kind="stable")[:top]
            yield [self._neighbour(self._files[i], float(similarity[i])) for i in best]

    def _of_dataset(self) -> Iterator[Features]:
        shown = tqdm(total=len(self._files), unit=" images", disable=None, leave=False)
        with shown as progress:
            for start in range(0, len(self._files), _BATCH):
                batch = list(decode_ahead(self._files[start : start + _BATCH], self._size))
                for image in batch:
                    if isinstance(image, UnreadableImageError):
                        raise UserError(f"{image}; `dvc repro split` makes the dataset anew")
                yield self._unit(np.stack([one for one in batch if isinstance(one, np.ndarray)]))
                progress.update(len(batch))

    def _unit(self, images: NDArray[np.uint8]) -> Features:
        features = np.asarray(self._extract.predict_on_batch(images), np.float32)
        length = np.linalg.norm(features, axis=1, keepdims=True)
        # an image in which the network sees nothing has the length 0, and is like no other
        return np.asarray(features / np.maximum(length, np.finfo(np.float32).tiny), np.float16)

    def _neighbour(self, file: Path, similarity: float) -> Neighbour:
        about = self._about[file]
        origin = self._origins.row(about)
        return Neighbour(
            similarity,
            file.parent.name,
            file.relative_to(self._dataset).as_posix(),
            origin.page_url if origin else None,
            about.get("license") or None,
        )


def _about(dataset: Path) -> dict[Path, Mapping[str, str]]:
    """The images of all splits, each with its row of metadata.csv, or without one."""
    found: dict[Path, Mapping[str, str]] = {}
    for split in SPLITS:
        rows = data.metadata(dataset, split)
        folder = dataset / split
        names = sorted(
            path.relative_to(folder).as_posix() for path in data.split_files(dataset, split)
        )
        found |= {folder / name: rows.get(name, {}) for name in names}
    if not found:
        raise UserError(f"{dataset} has no images; `dvc repro split` makes it")
    return found


def _extractor(network: "keras.Model") -> "keras.Model":
    """Return the network without its last layer, the classifier."""
    import keras

    return keras.Model(network.inputs, network.layers[-1].input)


if __name__ == "__main__":
    run(main)
