"""What every command has in common: how it fails."""

import sys
from collections.abc import Callable
from typing import NoReturn


class UserError(Exception):
    """Something the person at the keyboard can mend.

    The message names the thing and the remedy; it is shown without a traceback.
    """


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
