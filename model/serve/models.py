"""The model that answers, and the new one that takes its place while the server runs."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np

from model.classifier import Classifier
from pipeline.cli import UserError
from pipeline.formats import is_litter

_WATCH_SECONDS = 1.0
_ATTEMPTS = 3

_Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]


class Models:
    """Has one model at a time; a request keeps the one with which it began.

    Args:
        folder: results/model, or a folder that `model.export` wrote.
        taken_up: is called with each new model.
        refused: is called where a new model can't be taken up.

    Raises UserError where the folder has no model.
    """

    def __init__(
        self,
        folder: Path,
        taken_up: Callable[[Classifier], None] = lambda _: None,
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._taken_up, self._refused = taken_up, refused
        self._loading = Lock()  # the signal and the watch may come together
        self._tried = _stamp(folder)
        self.current = _ready(folder)
        taken_up(self.current)

    def take_up(self) -> None:
        """Load what is in the folder now. If that fails, say why; the old model goes on."""
        with self._loading:
            try:
                new = self._load()
            except UserError as error:
                self._refuse(str(error))
            except Exception as error:  # noqa: BLE001 - the old model stays, whatever the error is
                self._refuse(f"{type(error).__name__}: {error}")
            else:
                self.current = new  # in one step: no request sees half of each
                self._taken_up(new)
                _say(f"serve: took up the model {new.model.sha256}")

    async def watch(self, seconds: float = _WATCH_SECONDS) -> None:
        """Take up each new model, once its files have stayed the same for `seconds`."""
        before = self._tried
        while True:
            await asyncio.sleep(seconds)
            now = await asyncio.to_thread(_stamp, self._folder)
            if now and now == before and now != self._tried:
                await asyncio.to_thread(self.take_up)
            before = now

    def _load(self) -> Classifier:
        for _ in range(_ATTEMPTS):
            self._tried = _stamp(self._folder)
            failure: Exception | None = None
            try:
                new = _ready(self._folder)
            except Exception as error:  # noqa: BLE001 - it is raised below, if it is the last word
                failure = error
            if _stamp(self._folder) != self._tried:
                continue  # the files may be half old and half new
            if failure:
                raise failure
            return new
        raise UserError(f"the files in {self._folder} change all the time")

    def _refuse(self, reason: str) -> None:
        self._refused()
        _say(f"serve: the new model is refused, and the old one stays: {reason}", error=True)


def _ready(folder: Path) -> Classifier:
    """The model, which has answered already: the first batches build the network for any size."""
    classifier = Classifier.load(folder)
    size = classifier.model.image_size
    for count in (1, 2, 3):
        classifier.judge(np.zeros((count, size, size, 3), np.uint8))
    return classifier


def _stamp(folder: Path) -> _Stamp:
    """Another one for other files; empty while the folder is away."""
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple(
        (name, info.st_size, info.st_mtime_ns, info.st_ino)
        for name, info in found
        if not is_litter(name)
    )


def _say(sentence: str, *, error: bool = False) -> None:
    with suppress(OSError):  # nobody reads it any more
        print(sentence, file=sys.stderr if error else sys.stdout, flush=True)
