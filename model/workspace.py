"""params.yaml and the branch while experiments run in the workspace.

DVC writes a run's settings into params.yaml and detaches HEAD. What was there is kept on disk until
it is back, so that it also comes back after a kill: by the next sweep.
"""

import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from model.git import git, git_or_none
from pipeline.cli import UserError
from pipeline.files import locked, write_atomic
from pipeline.paths import PARAMS, RAW, SWEEP_KEPT

_BEFORE = SWEEP_KEPT / PARAMS.name
_STATE = SWEEP_KEPT / "state.json"
_LOCK = SWEEP_KEPT / "lock"


def alone() -> AbstractContextManager[BinaryIO]:
    """Wait until no other sweep runs here; a process that is given the file holds the place too."""
    return locked(_LOCK, "another sweep still runs here; waiting for its end")


def keep() -> None:
    """Keep what is there now. Whatever happens from here on, `restore` brings it back."""
    state = {
        "head": git_or_none("symbolic-ref", "-q", "HEAD"),
        "commit": git_or_none("rev-parse", "HEAD"),
        "index": git_or_none("write-tree"),
    }
    write_atomic(_STATE, json.dumps({**state, "settings": ""}))
    write_atomic(_BEFORE, PARAMS.read_bytes())


def set_to(overrides: list[str]) -> None:
    """Note which settings DVC is about to write into params.yaml."""
    ours = SWEEP_KEPT / f"set-{PARAMS.name}"
    ours.write_bytes(_BEFORE.read_bytes())
    apply(ours, overrides)
    state = json.loads(_STATE.read_text(encoding="utf-8"))
    write_atomic(_STATE, json.dumps({**state, "settings": ours.read_text(encoding="utf-8")}))
    ours.unlink()


def apply(path: Path, overrides: list[str]) -> None:
    """Set keys of a parameter file. UserError for one that the file lacks."""
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    try:
        apply_overrides(path, overrides)
    except DvcException as error:
        # the lines after the first one advise to add the key, which no stage would read
        reason = str(error.__cause__ or error).partition("\n")[0].rstrip(".")
        raise UserError(
            f"{' '.join(overrides)} can't be set: {reason}; give KEY=VALUE with a key that is in "
            f"{PARAMS} already"
        ) from error


def require_stored() -> None:
    """UserError where data/raw has files that DVC has not stored: an experiment deletes those."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            changed = repo.data_status()["uncommitted"]
    except DvcException as error:
        raise UserError(f"DVC can't tell what it has stored: {error}") from error
    kinds = ("added", "modified", "unknown")
    paths = sorted({path for kind in kinds for path in changed.get(kind, ())})
    if lost := [path for path in paths if path.startswith(f"{RAW.as_posix()}/")]:
        raise UserError(
            f"DVC has not stored all that lies in {', '.join(lost)}, and an experiment would "
            "delete what it has not stored; run `dvc repro` first"
        )


def restore(*, is_whole: bool = False) -> None:
    """Bring back what `keep` has kept, if it has; afterwards nothing is kept.

    `is_whole`: the run has come to its end. After one that has not, what DVC has put into Git's
    index for it is taken out too: DVC would refuse the next run.

    UserError where a person has changed params.yaml since: both files stay as they are.
    """
    if not _BEFORE.is_file():
        return
    state = json.loads(_STATE.read_text(encoding="utf-8"))
    _restore_branch(state["head"], state["commit"])
    index = state.get("index")
    if index and not is_whole and git_or_none("write-tree") != index:
        git_or_none("read-tree", index)
        git_or_none("update-index", "-q", "--refresh")
    before, now = _BEFORE.read_bytes(), _text(PARAMS)
    if now not in (state["settings"], _text(_BEFORE), None, _committed()):
        raise UserError(
            f"{PARAMS} was changed while a sweep was running, or after one was killed, and may "
            f"have settings of its run. The file from before the sweep is {_BEFORE}: copy from it "
            f"what you want, delete it, and start the sweep again"
        )
    if now is None or PARAMS.read_bytes() != before:
        write_atomic(PARAMS, before)
    _BEFORE.unlink()


def _restore_branch(head: str | None, commit: str | None) -> None:
    """DVC detaches HEAD while an experiment runs."""
    if head is None or git_or_none("symbolic-ref", "-q", "HEAD") is not None:
        return
    if git_or_none("rev-parse", "HEAD") == commit == git_or_none("rev-parse", head):
        git_or_none("symbolic-ref", "HEAD", head)
        return
    branch = head.removeprefix("refs/heads/")
    print(
        f"HEAD is at no branch since a sweep was killed; `git switch {branch}` brings it back",
        file=sys.stderr,
    )


def _committed() -> str | None:
    """PARAMS as the last commit has it."""
    try:
        return git("show", f"HEAD:./{PARAMS}").replace("\r\n", "\n")
    except UserError:
        return None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
