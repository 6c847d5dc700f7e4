"""DVC's commands, each in a fork of this process: DVC takes a second to be imported.

Reads a JSON object a line on standard input (`arguments`, `folder`, `environment`, `out`), answers
with the id of the process, and with its exit code when it has ended.
"""

import json
import os
import sys

import dvc.cli
import dvc.commands.checkout
import dvc.commands.commit
import dvc.commands.data_sync
import dvc.commands.experiments.run
import dvc.commands.repro
import dvc.commands.status
import dvc.repo.experiments.executor.base
import dvc_data.index.checkout  # noqa: F401


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        if (pid := os.fork()) == 0:
            become(command)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(command: dict) -> None:
    """Never returns."""
    os.setsid()
    out = os.open(command["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, out, out)):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    code = 1
    try:
        code = dvc.cli.main(command["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
