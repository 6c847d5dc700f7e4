"""TensorFlow without its greetings."""

import os
import sys
import tempfile


def import_keras() -> None:
    """Import Keras and TensorFlow. Their libraries' messages are shown only if the import fails.

    The environment variable silences later messages (set it yourself to see them). Messages before
    TensorFlow has read it go straight to file descriptor 2.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import keras
        except BaseException:
            os.dup2(stderr, 2)
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    keras.utils.disable_interactive_logging()
