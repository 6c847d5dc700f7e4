"""One DVC experiment in the workspace, in a process of its own.

python -m model.experiment REASON NAME OVERRIDE...

Where it fails, the file REASON has DVC's own sentences afterwards.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.cli import UserError
from pipeline.paths import PARAMS

_FAILED, _BLOCKED = 1, 2  # the run's own fault; a fault that the next run would have too
_SECONDS_TO_END = 60  # for a run that was interrupted


def run(
    name: str,
    overrides: Sequence[str],
    place: BinaryIO,
    project: Path | None = None,
    output: Path | None = None,
) -> str:
    """Run one experiment. Returns "", or the reason why it failed.

    `project` is a project other than the working directory. If `output` is a file, the output of
    the run goes there. The run keeps the file `place` open until it ends, even if this process is
    killed. UserError if another DVC command, or a damaged lock, keeps all runs from starting.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        reason = Path(folder) / "reason.txt"
        command = [sys.executable, "-m", "model.experiment", str(reason), name, *overrides]
        more: dict[str, Any] = {"pass_fds": (place.fileno(),)} if os.name == "posix" else {}
        if output is not None:
            file = stack.enter_context(output.open("wb"))
            more |= {"stdout": file, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        with subprocess.Popen(command, cwd=project, **more) as process:  # noqa: S603 - our own
            try:
                code = process.wait()
            except KeyboardInterrupt:  # the run got it too, and puts the branch back
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_SECONDS_TO_END)
                raise
        if not code:
            return ""
        told = reason.read_text(encoding="utf-8") if reason.is_file() else f"exit code {code}"
    if code == _BLOCKED:
        raise UserError(
            f"DVC can't run anything here: {told}. End the other DVC command; if there is none, "
            "delete .dvc/tmp/lock and .dvc/tmp/rwlock. Then the same command goes on"
        )
    return told


def main(reason: str, name: str, *overrides: str) -> int:
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.rwlock import RWLockFileCorruptedError, RWLockFileFormatError
    from scmrepo.exceptions import SCMError

    try:
        with Repo() as repo:
            repo.experiments.run(name=name, params=[f"{PARAMS}:{one}" for one in overrides])
    except (DvcException, SCMError) as error:
        chain = list(_chain(error))
        Path(reason).write_text(_sentences(chain), encoding="utf-8")
        locks = (LockError, RWLockFileCorruptedError, RWLockFileFormatError)
        return _BLOCKED if any(isinstance(one, locks) for one in chain) else _FAILED
    return 0


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _sentences(chain: list[BaseException]) -> str:
    texts = [" ".join(str(one).split()) for one in chain]
    return ": ".join(dict.fromkeys(text for text in texts if text))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
