"""A training's whole state in one file, so that one that was killed goes on and ends the same."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from dvclive.live import Live

from model.saved import DAMAGED_ARRAYS
from model.train.callbacks import Best
from model.train.image_cache import check_space
from pipeline.cli import UserError
from pipeline.params import Params

FILE = "state.npz"


def key(params: Params, dataset_digest: str) -> str:
    """Names a training: by its parameters, its images, and the code of this package.

    Half a training by other code would be no training of either.
    """
    digest = hashlib.sha256(dataset_digest.encode())
    digest.update(params.model_dump_json(include={"train", "augment"}).encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


class Checkpoint(keras.callbacks.Callback):
    """Writes the state at the end of each epoch, and continues from it if there is one.

    The state is the network's and the optimizer's variables (seeds, rate and moving averages among
    them), the best weights, the counters of `callbacks`, and the log of DVCLive.
    Put it after `callbacks` in the list of callbacks: Keras calls them in order. So it saves their
    counters when they have counted the epoch, and restores them when they have been reset.
    """

    def __init__(
        self,
        folder: Path,
        best: Best,
        callbacks: Sequence[keras.callbacks.Callback],
        live: Live,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.best = best
        self.counting = [best, *callbacks]
        self.live = live
        self.epochs = 0
        """that were trained before"""
        self._state = _kept(folder / FILE)
        if self._state:
            self._about = json.loads(self._state.pop("about").item())
            self.epochs = self._about["epochs"]

    def on_train_begin(self, _logs: dict[str, Any] | None = None) -> None:
        optimizer = self.model.optimizer
        if not optimizer.built:  # Keras would wait for the first step
            optimizer.build(self.model.trainable_variables)
        variables = [*self.model.variables, *optimizer.variables]
        if not self._state:
            size = 2 * sum(v.numpy().nbytes for v in variables)  # the best weights, and a spare
            check_space(self.folder, size, "the training's checkpoints")
            return
        print(f"goes on after epoch {self.epochs}, from {self.folder}")
        for variable, value in zip(variables, self._arrays("variable"), strict=True):
            variable.assign(value)
        for callback, numbers in zip(self.counting, self._about["callbacks"], strict=True):
            vars(callback).update(numbers)
        self.best.weights = self._arrays("best")
        for name, text in self._about["logged"].items():
            path = Path(self.live.dir) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.live.summary = json.loads(self._about["logged"]["metrics.json"])
        self.live.step = self.epochs
        self._state.clear()

    def on_epoch_end(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        log = Path(self.live.dir)
        about = {
            "epochs": self.params["epochs"] if self.model.stop_training else epoch + 1,
            "callbacks": [_numbers(callback) for callback in self.counting],
            "logged": {
                path.relative_to(log).as_posix(): path.read_text(encoding="utf-8")
                for path in sorted(log.rglob("*"))
                if path.is_file()
            },
        }
        variables = [*self.model.variables, *self.model.optimizer.variables]
        self._write(
            {
                "about": np.array(json.dumps(about)),
                **{f"variable {i}": v.numpy() for i, v in enumerate(variables)},
                **{f"best {i}": weight for i, weight in enumerate(self.best.weights)},
            }
        )

    def remove(self) -> None:
        """The training has ended; nothing is to go on from here."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _arrays(self, kind: str) -> list[Any]:
        return [array for name, array in self._state.items() if name.startswith(kind)]

    def _write(self, arrays: dict[str, Any]) -> None:
        part = self.folder / f"{FILE}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / FILE)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UserError(
                f"{self.folder} can't take the checkpoint of "
                f"{sum(a.nbytes for a in arrays.values()) / 1e6:.0f} MB: {error.strerror}; "
                "make room there, and the training goes on after the last epoch that is kept"
            ) from error


def _kept(path: Path) -> dict[str, Any]:
    """The arrays that a killed training left; none if the file is not there, or is damaged."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return dict(arrays)
    except DAMAGED_ARRAYS as error:
        print(f"{path} is damaged ({error}): the training begins anew")
        return {}


def _numbers(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """A callback's counters and its best values, by name."""
    return {k: v for k, v in vars(callback).items() if v is None or isinstance(v, int | float)}
