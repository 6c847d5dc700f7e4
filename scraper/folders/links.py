"""Links to the folders that sources read, one for each source, for DVC to look at.

A stage's deps are the same for all keys of its `foreach`, but only some sources have a folder. So
each source has something at data/folders/<source>: a link to its folder, else a small file.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pipeline.cli import UserError
from pipeline.paths import FOLDERS
from pipeline.sources import ArchiveSource, FolderSource, Source
from pipeline.system import link_folder
from scraper.folders.sync import own_folder


def link_folders(sources: Mapping[str, Source]) -> None:
    """Make data/folders anew. Raises UserError if two sources read the same folder."""
    roots: dict[Path, str] = {}
    for name, source in sources.items():
        if isinstance(source, FolderSource):
            root = own_folder(name, source).resolve()
            if (other := roots.setdefault(root, name)) != name:
                raise UserError(
                    f"sources.{other} and sources.{name} both read {root}; "
                    f"give one of them another path"
                )
    places = {name: root for root, name in roots.items()}
    for name, source in sources.items():
        if folder := folder_as_archive(source):
            places[name] = folder.resolve()
    FOLDERS.mkdir(parents=True, exist_ok=True)
    for old in FOLDERS.iterdir():
        _remove(old)
    for name, place in places.items():
        if not (_dvc_can_read(place) and link_folder(place, FOLDERS / name)):
            (FOLDERS / name).write_text("DVC can't look into it; collect does\n")
    for name in sources.keys() - places.keys():
        (FOLDERS / name).write_text("not a folder on this machine\n")


def folder_as_archive(source: Source) -> Path | None:
    """The folder that a source has in the place of an archive, if it is there.

    A file is no such folder: people delete an archive after it was collected, and DVC stops at a
    link that leads nowhere.
    """
    if not isinstance(source, ArchiveSource) or "://" in source.url:
        return None
    try:
        path = Path(source.url).expanduser()
        return path if path.is_dir() else None
    except (OSError, RuntimeError):  # collect tells what is wrong with it
        return None


def _remove(old: Path) -> None:
    """Remove a link or a file of ours, and never the content behind a link."""
    if old.is_symlink() or old.is_file():
        old.unlink()
    elif old.is_dir():
        os.rmdir(old)  # noqa: PTH106 - a junction of Windows; an error for a folder with files


def _dvc_can_read(root: Path) -> bool:
    """Whether DVC sees all of the folder.

    DVC stops at broken links, at names that are not UTF-8, and at files that this user may not
    read. It sees nothing behind links to folders, and hangs at pipes.
    """
    if not root.is_dir():
        return False
    for parent, folders, files in os.walk(root):
        links = any(Path(parent, name).is_symlink() for name in folders)
        if links or not all(Path(parent, name).is_file() for name in files):
            return False
        if not all(map(_is_text, (*folders, *files))):
            return False
        if not all(_may(Path(parent, name), os.R_OK | os.X_OK) for name in folders):
            return False
        if not all(_may(Path(parent, name), os.R_OK) for name in files):
            return False
    return True


def _may(path: Path, mode: int) -> bool:
    """Whether this process may use the path. Some systems answer for the user who started it."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def tell_dvc(name: str) -> None:
    """If DVC can't look into the folder, make both stages run at each `dvc repro`.

    The file is an out of the stage `folders`, so a change of it makes DVC run `folders` again, and
    then `collect` too.
    """
    mark = FOLDERS / name
    if mark.is_file():
        mark.write_text("collect has looked; the stage `folders` writes this anew\n")
