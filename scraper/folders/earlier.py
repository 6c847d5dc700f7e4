"""Moves a person's images out of data/raw itself, where an experiment of DVC would delete them."""

import hashlib
from pathlib import Path

from pipeline.files import write_atomic
from pipeline.manifest import Manifest
from pipeline.paths import LEFT_OUT, MANIFEST, RAW_CACHE
from scraper.edits import edited_files
from scraper.folders.note import Note


def take_over(folder: Path, manifest: Manifest, root: Path, note: Note) -> int:
    """Move images in data/raw to the person's folder, where they are safe.

    Before the parameter `path` was there, all images of a person lay in data/raw, and somebody may
    still put some there, or edit one there. Returns how many were moved.
    """
    is_old = bool(manifest.rows) and not (folder / LEFT_OUT).exists()
    listed = {row.file: row for row in manifest.rows.values() if row.file}
    is_to_compare = root.is_dir() and not is_old
    digests = {file: row.sha256 for file, row in listed.items()} if is_to_compare else {}
    edited = edited_files(folder, digests, RAW_CACHE / f"{folder.name}.json")
    taken = 0
    with Manifest(root / MANIFEST) as crawled:
        for path in sorted(folder.glob("*/**/*")):
            file = path.relative_to(folder).as_posix()
            is_ours = file in listed and not is_old and file not in edited
            if is_ours or not path.is_file() or "/." in file:
                continue
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if path.stem == digest and not is_old:  # a run of ours that was killed left it
                continue
            row = listed.get(file)
            if is_old and row is not None and row.image_url != file and row.key not in crawled.rows:
                crawled.append(row)
            target = root / file
            if target.exists() and target.read_bytes() != content:
                target = target.with_stem(f"{target.stem}-{digest[:8]}")
            if not target.exists():
                write_atomic(target, content)
            path.unlink()
            taken += 1
    if is_old:
        note.seen |= manifest.rows.keys()
    return taken
