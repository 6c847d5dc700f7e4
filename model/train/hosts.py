"""The hosts of one training: TF_CONFIG names them, and each waits here until all are there.

TensorFlow waits for them too, but says nothing of who is missing. Nor can it be interrupted then,
neither by Ctrl-C nor by SIGTERM.
"""

import faulthandler
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ValidationError

from pipeline.cli import UserError

_TELL = 20.0  # seconds after which this host says who is missing, again and again
_PATIENCE = 3600.0  # seconds after which it does not wait any more; launchers may take long
_JOINING = 180  # seconds in which TensorFlow connects hosts that are all there


def _address(text: str) -> str:
    """The text, if it is host:port. Raises ValueError."""
    with suppress(ValueError):
        place = urlsplit(f"//{text}")
        if place.hostname and place.port and place.netloc == text and "@" not in text:
            return text
    raise ValueError(f"{text!r} is not host:port")


class _Task(BaseModel):
    type: str = "worker"
    index: int = 0


class _Config(BaseModel):
    """What TensorFlow reads in TF_CONFIG. Launchers add other keys."""

    cluster: dict[str, list[Annotated[str, AfterValidator(_address)]]] = {}
    task: _Task = _Task()


def hosts_of(config: str) -> tuple[list[str], int]:
    """The addresses that a TF_CONFIG names, the chief's first, and which of them is this host.

    Raises UserError if it is malformed, or names what this training does not take.

    >>> hosts_of('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}')
    (['a:1', 'b:1'], 1)
    """
    if not config.strip():
        return [], 0
    try:
        read = _Config.model_validate_json(config)
    except ValidationError as error:
        first = error.errors()[0]
        why = ": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])
        raise UserError(
            f"TF_CONFIG can't be read ({why}); it is JSON with cluster and task, such as "
            '{"cluster": {"worker": ["a:5000", "b:5000"]}, "task": {"type": "worker", "index": 0}}'
        ) from error
    cluster, task = read.cluster, read.task
    if not cluster:
        return [], 0
    chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
    hosts = chiefs + workers
    among = {"chief": chiefs, "worker": workers}.get(task.type, [])
    if not 0 <= task.index < len(among) or set(cluster) - {"chief", "worker", "evaluator"}:
        raise UserError(
            f"TF_CONFIG names this host {task.type} {task.index} of {cluster}; a training takes "
            "hosts of the types chief and worker, each with an index from 0 that the cluster has"
        )
    if len(set(hosts)) < len(hosts) or len(chiefs) > 1:
        raise UserError(
            f"TF_CONFIG names the hosts {', '.join(hosts)}; a training takes each address once, "
            "and at most one chief"
        )
    return hosts, task.index + (len(chiefs) if task.type == "worker" else 0)


def wait_for(hosts: Sequence[str], host: int, tell: float = _TELL) -> None:
    """Wait until all hosts are there. After each `tell` seconds a line says who is missing.

    Raises UserError if the port of this host is taken, or if somebody does not come in an hour.
    """
    began = told = time.monotonic()
    others = [each for number, each in enumerate(hosts) if number != host]
    with _listening(hosts[host]) as listener:
        # all must be there at the same time: one who was there may have died meanwhile
        while missing := [each for each in others if not _is_there(each)]:
            now = time.monotonic()
            if now > began + _PATIENCE:
                raise UserError(
                    f"{', '.join(missing)} did not come in {_PATIENCE / 60:.0f} minutes; start the "
                    "same command there, with the TF_CONFIG of that host, and then here again"
                )
            if now > told + tell:
                told = now
                print(
                    f"still waits for {', '.join(missing)}: nobody answers there. Start the same "
                    "command there, and look whether a firewall closes the port",
                    flush=True,
                )
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
            time.sleep(0.2)


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """Answer at the port of this host, so that the others see it, until TensorFlow does."""
    port = urlsplit(f"//{address}").port
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        listener = socket.create_server(("", port or 0), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise taken(address, str(error.strerror)) from error
    with listener:
        listener.setblocking(False)
        yield listener


def taken(address: str, why: str) -> UserError:
    """The error that the port of this host can't be used."""
    return UserError(
        f"this host can't listen at {address}, its address in TF_CONFIG ({why}); end the program "
        "that has this port, or give the host another port in the TF_CONFIG of all hosts"
    )


def _is_there(address: str) -> bool:
    place = urlsplit(f"//{address}")
    try:
        socket.create_connection((place.hostname or "", place.port or 0), 5.0).close()
    except OSError:
        return False
    return True


@contextmanager
def ends_in_time(seconds: int = _JOINING) -> Iterator[None]:
    """End this process if the block takes longer, also where nothing in Python runs any more."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a traceback would tell nobody anything
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
