"""Git's own command, in the folder where we are."""

import subprocess

from pipeline.cli import UserError


def git(*command: str) -> str:
    """The output of a command of Git, unchanged. Raises UserError with Git's own reason."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            ["git", *command],  # noqa: S607 - whichever Git DVC finds too
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UserError("Git is not installed, or not found in PATH") from error
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip()
        raise UserError(f"`git {' '.join(command)}` failed: {why}")
    return done.stdout.decode("utf-8", "surrogateescape")


def git_or_none(*command: str) -> str | None:
    """The output of a command of Git, without the end of the line; None if Git fails."""
    try:
        return git(*command).strip()
    except UserError:
        return None
