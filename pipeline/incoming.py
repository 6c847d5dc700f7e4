"""Keeps the images of a crawl in data/incoming/<source> until DVC has stored them.

data/raw/<source> is an out of DVC. `dvc exp run` and `dvc exp apply` delete files there that are
not in DVC's cache, such as those of a crawl by hand or of one that was killed. data/incoming is no
out, so DVC deletes nothing there.
"""

import json
import shutil
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.manifest import Manifest
from pipeline.paths import INCOMING, MANIFEST, RAW

_LOCK = Path("dvc.lock")
_CACHE = Path(".dvc/cache/files/md5")


def drop_stored() -> None:
    """Delete what DVC has stored since: its cache has the bytes, and dvc.lock leads to them."""
    for folder in sorted(INCOMING.glob("*")):
        if _is_stored(folder):
            shutil.rmtree(folder)


def _is_stored(folder: Path) -> bool:
    """Whether DVC's cache has all images of a folder.

    We read DVC's files, since its API takes a second to start:
    https://dvc.org/doc/user-guide/project-structure/internal-files
    """
    try:
        stages = YAML(typ="safe", pure=True).load(_LOCK)["stages"]
        outs = {out["path"]: out for out in stages[f"collect@{folder.name}"]["outs"]}
        tree = json.loads(_object(outs[f"{RAW.as_posix()}/{folder.name}"]["md5"]).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, YAMLError):
        return False  # not stored, or not surely, or in a cache elsewhere: it stays
    stored = {entry["relpath"]: entry["md5"] for entry in tree}
    files = {row.file for row in Manifest(folder / MANIFEST).rows.values() if row.file}
    return all(file in stored and _object(stored[file]).exists() for file in files)


def _object(md5: str) -> Path:
    return _CACHE / md5[:2] / md5[2:]
