"""`--learn-into SOURCE`: images that were answered wrongly are kept with their right class.

They go into the person's own folder, which a source of `kind: folder` reads. So the next
`dvc repro` learns from them.
"""

import difflib
import errno
import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from fastapi import HTTPException

from model.images import decode
from model.serve.schemas import Learnt
from pipeline.cli import UserError
from pipeline.files import write_atomic
from pipeline.formats import sniff
from pipeline.listing import entries, left_out
from pipeline.names import class_key
from pipeline.official_splits import are_splits, split_of
from pipeline.params import load_params
from pipeline.paths import PARAMS
from pipeline.sources import FolderSource

_ENOUGH = 64  # pixels; decoding to this size finds damaged bytes as well
_HEAD = 64


def whole(content: bytes) -> bytes:
    """The same bytes, if they hold an image that can be decoded. Else UnreadableImageError."""
    decode(content, _ENOUGH)
    return content


class Learner:
    """Writes into the folder of one source.

    Raises UserError where `source` is no source of kind folder, or its folder is not there.
    """

    def __init__(self, source: str) -> None:
        found = load_params().sources
        if source not in found:
            near = difflib.get_close_matches(source, found, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(found))}"
            raise UserError(f"--learn-into: {PARAMS} has no source {source!r}; {hint}")
        own = found[source]
        if not isinstance(own, FolderSource):
            folders = [name for name, each in found.items() if isinstance(each, FolderSource)]
            hint = f"such is {', '.join(folders)}" if folders else "there is none yet"
            raise UserError(
                f"--learn-into: the source {source!r} is of kind {own.kind}, and only a source of "
                f"kind folder can take images; {hint}"
            )
        self.source = source
        self._classes = own.classes
        self._root = Path(own.path).expanduser()
        self._lock = Lock()
        self._kept: dict[str, Path] = {}  # by SHA-256: the files that this server has written
        if self._root.exists() and not self._root.is_dir():
            raise UserError(f"--learn-into: {self._root} is a file; it should be a folder")
        if not self._root.is_dir() and not self._is_in_project():
            raise UserError(
                f"--learn-into: {self._root} is not there; make it, or correct "
                f"sources.{source}.path in {PARAMS}"
            )

    def folder(self, label: str, known: Sequence[str], *, new: bool) -> str:
        """The class folder for images of `label`, spelt as the classes are that there are.

        Raises HTTPException for a class that is not `known` to the model unless it is `new`, and
        for one that the source leaves out.
        """
        own = self._classes
        spelt = {class_key(each): each for each in (*known, *(own or ()))}  # the source's way wins
        if class_key(label) not in spelt and not new:
            near = difflib.get_close_matches(label, known, n=1)
            hint = f"did you mean {near[0]!r}? A new class begins with" if near else "begin it with"
            raise HTTPException(422, f"there is no class {label!r}; {hint} new=true")
        label = spelt.get(class_key(label), label)
        if own is not None and label not in own:
            raise HTTPException(
                422,
                f"the source {self.source!r} leaves {label!r} out; add it to "
                f"sources.{self.source}.classes in {PARAMS} and start the server anew",
            )
        return label

    def keep(self, content: bytes, label: str) -> Learnt:
        """Write the bytes of an image as they are, under a name that only these bytes have.

        An image that this server has kept as another class is moved: the last word counts. Raises
        HTTPException where somebody else filed it as another class, or the disk won't have it.
        """
        form = sniff(content[:_HEAD])
        assert form is not None  # it was decoded
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"{sha256}{form.suffixes[0]}"
        try:
            with self._lock:
                target = self._class_folder(label) / name
                if target.is_file():
                    return self._answer(target, label, new=False)
                ours = self._kept.get(sha256)
                others = [each for each in target.parents[1].glob(f"*/{name}") if each != ours]
                if others:
                    raise HTTPException(
                        409, f"the image is there as {others[0].parent.name!r}: {others[0]}"
                    )
                if ours and ours.is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    ours.replace(target)
                else:
                    write_atomic(target, content)
                self._kept[sha256] = target
                return self._answer(target, label, new=True)
        except UserError as error:  # splits and classes lie beside each other
            raise HTTPException(409, str(error)) from error
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "its disk is full" if full else error.strerror or str(error)
            raise HTTPException(
                507 if full else 500, f"{self._root} can't take the image: {reason}"
            ) from error

    def _class_folder(self, label: str) -> Path:
        """The folder for the images of a class, in any spelling. It may not exist yet.

        If the source has official splits, it is the class folder of the training images.
        """
        root = self._root
        if not root.is_dir():
            if not self._is_in_project():  # a disk that is away leaves no folder
                raise FileNotFoundError(errno.ENOENT, "it is not there; is its disk away?")
            root.mkdir(parents=True)
        folders = [found for found in entries(root, left_out()) if found.is_folder]
        tops = [found.name for found in folders]
        if are_splits(root, folders, {class_key(each) for each in self._classes or ()}):
            training = [name for name in tops if split_of(name) == "train"]
            root /= training[0] if training else "train"
            tops = [found.name for found in entries(root, left_out()) if found.is_folder]
        same = [name for name in tops if class_key(name) == class_key(label)]
        return root / (label if label in same or not same else min(same, key=str.swapcase))

    def _is_in_project(self) -> bool:
        return self._root.resolve().is_relative_to(Path.cwd().resolve())

    def _answer(self, file: Path, label: str, *, new: bool) -> Learnt:
        return Learnt(label=label, file=file.as_posix(), new=new)
