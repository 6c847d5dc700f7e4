"""Run a function on parts of a list, on the nodes of a Ray cluster.

The cluster is the one that `RAY_ADDRESS` names, which is Ray's own variable. Only Ray's tasks are
used. Ray runs a task again on another node if its process or its node dies.

All nodes need the working directory at the same path (a network disk), the same version of this
project and the same libraries. Each task checks this before it works, so nodes may join at any
time.
"""

import hashlib
import os
import pickle
import platform
import socket
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pipeline.cli import UserError

Result = TypeVar("Result")

ADDRESS = "RAY_ADDRESS"
_TRIES = 10  # of one task: cheap nodes are often taken away
_SECONDS = 10.0  # the head has to accept a connection within this time
_LOOK = 2.0  # seconds between two looks at the head, while a task runs
_LOOKS = 3  # so many must fail one after another, as a busy head may miss one
_AHEAD = 2  # tasks per processor that are sent before their results are needed
_LIBRARIES = ("ray", "pillow", "pillow-heif", "numpy", "scipy", "imagehash", "faiss-cpu")
_RAYS_OWN = ("auto", "local")  # a cluster that Ray finds or starts on this machine
_SETTINGS = b"\x04"  # the type of a frame of HTTP/2
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _SETTINGS + bytes(5)
_START = f"start a cluster there with: ray start --head, or unset {ADDRESS}"
_PROJECT = Path(__file__).parents[1]


class Items(Protocol):
    """The arguments of each call: a sequence, whose items may be made when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> tuple[Any, ...]: ...


def is_asked_for() -> bool:
    """Whether the environment names a cluster."""
    return bool(_address())


def _address() -> str:
    return os.environ.get(ADDRESS, "").strip()


def map_parts(
    function: Callable[[list[tuple[Any, ...]]], list[Result]], items: Items, most: int
) -> Generator[Result]:
    """The results for all `items`, in their order. `function` gives the results for some items.

    A part has at most `most` items. If there are more processors than such parts, the parts are
    smaller. `function` belongs to a module, or is a `functools.partial` of such a function. It may
    be called for a part again, after a node has died. Its exceptions are raised here.
    Raises UserError if the cluster can't be used; the message says why.
    """
    ray = _connected()
    size = max(1, min(most, -(-len(items) // _processors(ray))))
    starts = iter(range(0, len(items), size))
    task = _task(ray)
    pending: deque[Any] = deque()
    Path(".cache").mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="cluster-", dir=Path(".cache").absolute()) as probe:
        here = (str(_PROJECT), str(Path.cwd()), probe.name, _versions())
        try:
            while True:
                _require_head(ray)
                while len(pending) < _AHEAD * _processors(ray):
                    if (start := next(starts, None)) is None:
                        break
                    part = [items[n] for n in range(start, min(start + size, len(items)))]
                    pending.append(task.remote(*here, pickle.dumps((function, part))))
                if not pending:
                    return
                yield from _results(ray, pending.popleft())
        finally:
            for one in pending:
                with suppress(ray.exceptions.RayError):
                    ray.cancel(one)


def _connected() -> Any:
    """The module `ray`, connected to the cluster. It stays connected until this process ends."""
    address = _address()
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError(
            f"{ADDRESS} is set, so this should run on a Ray cluster, but ray is not installed; "
            f'install it with: pip install -e ".[ray]", or unset {ADDRESS}'
        ) from error
    if not ray.is_initialized():
        _knock(address)
        try:
            ray.init(address=address, logging_level="WARNING")
        # Ray raises RuntimeError if the cluster has another version of Python or Ray
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            why = " ".join(str(error).split()).rstrip(".:")
            raise _unusable(
                address,
                f"{why}; {_START}. A cluster that was started with RAY_AUTH_MODE=token needs this "
                "variable and the token here too",
            ) from error
    return ray


def _knock(address: str) -> None:
    """Raise UserError if no cluster answers at this address. Ray itself would try for minutes."""
    if address in _RAYS_OWN:
        return
    if "://" in address:
        raise _unusable(
            address,
            f"{ADDRESS} must be host:port, and this command must run on a node of the cluster",
        )
    try:
        place = urlsplit(f"//{address}")
        _greet(place.hostname, place.port)
    except (OSError, ValueError) as error:
        raise _unusable(address, f"{error}; {_START}") from error


def _greet(host: str | None, port: int | None) -> None:
    """Raise ValueError if what answers is no gRPC server, as the head of a cluster is.

    Such a server answers the greeting of HTTP/2 with its settings (RFC 9113, 3.4).
    """
    if not host or not port:
        raise ValueError(f"{ADDRESS} must be host:port")
    with socket.create_connection((host, port), _SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return  # it waits for another greeting
        connection.sendall(_GREETING)
        if connection.recv(4)[3:] != _SETTINGS:
            raise ValueError("another program answers there")


def _require_head(ray: Any) -> None:
    """Raise UserError if the head is gone.

    Ray itself would try for a minute, and then end this process without a word that helps.
    """
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    for look in range(1, _LOOKS + 1):
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
        except OSError as error:
            if look == _LOOKS:
                raise _unusable(
                    _address(),
                    f"its head does not answer any more ({error}); start a cluster again with: ray "
                    f"start --head, or unset {ADDRESS}. Then run this again: it goes on from here",
                ) from error
            time.sleep(_LOOK)
        else:
            return


def _unusable(address: str, why: str) -> UserError:
    return UserError(f"the Ray cluster at {address} ({ADDRESS}) can't be used: {why}")


def _processors(ray: Any) -> int:
    """The number of tasks that the cluster can run at once, or 1 if it has just lost all nodes."""
    return max(1, int(ray.cluster_resources().get("CPU", 0)))


def _task(ray: Any) -> Any:
    """The task of a node, as a remote function of Ray.

    Ray sends the inner function as code, because a node may not find this project by itself. So the
    function imports what it needs, and its arguments are Python's own types.
    """

    def work(
        project: str, folder: str, probe: str, versions: dict[str, str], question: bytes
    ) -> tuple[str, bytes]:
        import os
        import socket
        import sys

        node = f"its node {socket.gethostname()}"
        if not os.path.exists(probe):  # noqa: PTH110 - the fewest imports
            return f"{node} has not this folder, or has another one at its path: {folder}", b""
        os.chdir(folder)
        if project not in sys.path:
            sys.path.insert(0, project)
        try:
            from pipeline.cluster import answer
        except ImportError as error:
            return f"{node} can't import this project from {project}: {error}", b""
        wrong, result = answer(versions, question)
        return f"{node} has {wrong}" if wrong else "", result

    return ray.remote(num_cpus=1, max_retries=_TRIES)(work)


def answer(versions: dict[str, str], question: bytes) -> tuple[str, bytes]:
    """What a node does: give the results for some items. Or else: say what differs on this node."""
    own = _versions()
    different = [
        f"{name} {own[name]}, not {here}" for name, here in versions.items() if own[name] != here
    ]
    if different:
        return ", ".join(different), b""
    function, part = pickle.loads(question)  # noqa: S301 - the process that started us wrote it
    return "", pickle.dumps(function(part))


@cache
def _versions() -> dict[str, str]:
    """The versions of all that could change a byte of the results."""
    found = {"Python": platform.python_version(), "the project's files": _digest()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "(not installed)"
    return found


def _digest() -> str:
    """A short digest of the code that may run on a node."""
    digest = hashlib.sha256()
    folder = _PROJECT / "pipeline"
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _results(ray: Any, task: Any) -> list[Any]:
    """What a task found. Raises UserError if Ray could not run it, or if the head is gone."""
    address = _address()
    try:
        while not ray.wait([task], timeout=_LOOK)[0]:
            _require_head(ray)
        wrong, results = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        why = str(error).strip().partition("\n")[0]
        raise _unusable(address, f"{why}; run this again, and it goes on from here") from error
    if wrong:
        raise _unusable(address, f"{wrong}; give all nodes the same folder and the same versions")
    found: list[Any] = pickle.loads(results)  # noqa: S301 - a process of ours wrote it
    return found
