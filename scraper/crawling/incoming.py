"""Writes the images of a crawl to data/incoming too, where no experiment of DVC deletes them.

See pipeline/incoming.py. If the disk has hard links, the files are links to those in data/raw.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.cli import UserError
from pipeline.files import locked, write_atomic
from pipeline.incoming import drop_stored
from pipeline.manifest import Manifest, Row
from pipeline.params import load_params
from pipeline.paths import FOLDERS, INCOMING, MANIFEST, RAW, RAW_CACHE
from scraper.folders.links import link_folders
from scraper.raw_folder import is_here

_DVC = Path(".dvc")


class IncomingManifest(Manifest):
    """The manifest of data/raw/<name>, with a second one for rows that DVC has not stored yet."""

    def __init__(self, name: str) -> None:
        super().__init__(RAW / name / MANIFEST)
        self._incoming = Manifest(INCOMING / name / MANIFEST)

    def append(self, row: Row) -> None:
        self._incoming.append(row)
        super().append(row)

    def close(self) -> None:
        self._incoming.close()
        super().close()

    def write_file(self, file: str, content: bytes) -> None:
        """Write an image to both folders, first to the one that no experiment deletes."""
        incoming = self._incoming.path.parent / file
        write_atomic(incoming, content)
        _link(incoming, self.path.parent / file)


def manifest_of(name: str, folder: Path) -> Manifest:
    """The manifest of a crawl's folder. If DVC owns the folder, it writes to data/incoming too."""
    is_out = folder == RAW / name and _DVC.is_dir()
    return IncomingManifest(name) if is_out else Manifest(folder / MANIFEST)


def recover(name: str) -> None:
    """Bring images back that vanished from data/raw/<name>, or never got there."""
    folder = INCOMING / name
    drop_stored()
    if not folder.exists():
        return
    with Manifest(RAW / name / MANIFEST) as raw:
        for row in Manifest(folder / MANIFEST).rows.values():
            if row.file and not is_here(raw.path.parent, row) and is_here(folder, row):
                _link(folder / row.file, raw.path.parent / row.file)
            known = raw.rows.get(row.key)
            if known is None or str(known.fetched_at) < str(row.fetched_at):
                raw.append(row)


def require_current(name: str) -> None:
    """Raise UserError if `store` would fail, because DVC's stage of the source must run first."""
    if not _is_ours():
        return
    stage = f"collect@{name}"
    done = _dvc("status", "--json", stage)
    found = json.loads(done.stdout or "{}").get(stage, []) if done.returncode == 0 else ["?"]
    if any(one != {"changed outs": one.get("changed outs")} for one in map(_as_dict, found)):
        raise UserError(
            f"DVC's stage {stage} stores what a crawl brings into {name}. The stage was never run, "
            f"or params.yaml has changed since then. Run this first: dvc repro {stage}"
        )


def store(name: str) -> None:
    """Let DVC store data/raw/<name> as it is now. Then its copy in data/incoming is deleted.

    In a stage that DVC runs this does nothing: DVC stores the folder when the stage ends.
    """
    if not _is_ours():
        return
    if not (FOLDERS / name).exists():  # the stage `folders` makes it, but never ran here
        link_folders(load_params().sources)
    with locked(RAW_CACHE / "store.lock"):  # DVC can store only one source at a time
        done = _dvc("commit", "--quiet", "--force", f"collect@{name}")
    if done.returncode:
        raise UserError(
            f"DVC could not store {RAW / name}: {done.stderr.strip()}\nNothing is lost: the new "
            f"files are in {INCOMING / name} too. Run again: dvc commit --force collect@{name}"
        )
    drop_stored()


def _is_ours() -> bool:
    """Whether this project has DVC, and DVC does not run this process itself."""
    return _DVC.is_dir() and "DVC_STAGE" not in os.environ


def _dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", "dvc", *arguments], check=False, capture_output=True, text=True
    )


def _as_dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {"changed": found}


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.link(source, part)
    except OSError:  # the disk has no hard links
        shutil.copyfile(source, part)
    part.replace(target)
