"""Experiments at the same time, each in a clone of the repository with the same DVC cache.

`dvc exp run --temp` would not do: it holds the repository's lock as long as its experiment runs.
"""

import queue
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from model import experiment
from model.git import git
from pipeline import system
from pipeline.cli import UserError
from pipeline.params import load_params
from pipeline.paths import PARAMS, SWEEP_KEPT
from pipeline.sources import FolderSource

_CLONES = SWEEP_KEPT / "clones"
_OUTPUT = SWEEP_KEPT / "output"


def run_all(wanted: Mapping[str, Sequence[str]], jobs: int, place: BinaryIO) -> dict[str, str]:
    """Run these experiments (name: overrides), `jobs` at once. Returns why some failed, by name.

    The workspace stays as it is. The output of an experiment is in .cache/sweep/output. UserError
    if a clone can't be made, or if DVC can't run anything in it.
    """
    clones = [_CLONES / str(number) for number in range(min(jobs, len(wanted)))]
    shutil.rmtree(_CLONES, ignore_errors=True)  # they are left from a sweep that was killed
    shutil.rmtree(_OUTPUT, ignore_errors=True)
    _OUTPUT.mkdir(parents=True)
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in wanted:
        todo.put(name)
    failed: dict[str, str] = {}
    taking_over = threading.Lock()

    def work(project: Path) -> None:
        while (name := _next(todo)) is not None:
            print(f"starts: {' '.join(wanted[name])}", flush=True)
            shutil.copyfile(PARAMS, project / PARAMS)  # the run before has left its own
            output = _OUTPUT / f"{name}.txt"
            if reason := experiment.run(name, wanted[name], place, project, output):
                failed[name] = f"{reason}; its output is in {output}"
                continue
            with taking_over:
                _take_over(project, name)
            print(f"is finished: {' '.join(wanted[name])}", flush=True)

    try:
        projects = [_cloned(clone) for clone in clones]
        with ThreadPoolExecutor(len(projects)) as pool:
            try:
                for done in [pool.submit(work, project) for project in projects]:
                    done.result()
            finally:  # after Ctrl-C no other run starts
                while _next(todo) is not None:
                    pass
    finally:
        shutil.rmtree(_CLONES, ignore_errors=True)
    return failed


def _next(todo: "queue.SimpleQueue[str]") -> str | None:
    try:
        return todo.get_nowait()
    except queue.Empty:
        return None


def _cloned(clone: Path) -> Path:
    """The project in a new clone: commit, changes, data and settings are those of this one."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    top, inside = (git("rev-parse", each).strip() for each in ("--show-toplevel", "--show-prefix"))
    git("clone", "--quiet", "--shared", top, str(clone))
    for key in ("user.name", "user.email"):
        if value := git("config", "--default", "", key).strip():
            git("-C", str(clone), "config", key, value)
    changed = git("diff", "--name-only", "-z", "HEAD").split("\0")
    new = git("ls-files", "--full-name", "--others", "--exclude-standard", "-z", top)
    for name in filter(None, [*changed, *new.split("\0")]):
        _copy(Path(top) / name, clone / name)
    project = clone / inside
    _copy(Path(".dvc/config.local"), project / ".dvc/config.local")
    _link_folders(project)
    try:
        with Repo() as here:
            cache = here.cache.local_cache_dir
        with Repo(str(project)) as repo, repo.config.edit("local") as settings:
            settings.setdefault("cache", {})["dir"] = cache
        with Repo(str(project)) as repo:
            repo.checkout()
    except DvcException as error:
        told = " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split())
        raise UserError(
            f"DVC can't give a clone its data: {told}; run `dvc repro` first, or leave --jobs out"
        ) from error
    return project


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    else:
        target.unlink(missing_ok=True)


def _link_folders(project: Path) -> None:
    """People's own folders are in no commit, and their path may be relative."""
    for source in load_params().sources.values():
        if not isinstance(source, FolderSource):
            continue
        path = Path(source.path).expanduser()
        if path.is_dir() and not path.is_absolute() and not (project / path).exists():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            system.link_folder(path.absolute(), project / path)


def _take_over(project: Path, name: str) -> None:
    """Bring the experiment's commit here, under the reference that DVC gave it."""
    head = git("rev-parse", "HEAD").strip()
    reference = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    git("fetch", "--quiet", str(project), f"+{reference}:{reference}")
