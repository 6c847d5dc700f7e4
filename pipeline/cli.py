"""What every command has in common: how it fails."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn


class UserError(Exception):
    """Something the person at the keyboard can mend.

    The message names the thing and the remedy; it is shown without a traceback.
    """


@contextmanager
def needs_extra(name: str) -> Iterator[None]:
    """For imports that need an extra of this project. Raises UserError where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        command = f'pip install "product-classification[{name}]"'
        raise UserError(f"this needs {error.name}; install it with: {command}") from error


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit: 0 done, 1 a `UserError` (shown on stderr), 130 interrupted."""
    try:
        code = main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code or 0)
