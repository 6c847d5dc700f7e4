"""A server with slow clients, and without TensorFlow."""

import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests


def pieces(server: str, image: Path, count: int) -> tuple[socket.socket, list[bytes]]:
    """A connection, and a request in about so many pieces."""
    body = requests.Request("POST", server, files={"files": image.read_bytes()}).prepare()
    host, port = urlsplit(server).netloc.split(":")
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Content-Type: {body.headers['content-type']}\r\nContent-Length: {len(body.body)}\r\n\r\n"
    )
    whole = head.encode() + body.body
    each = len(whole) // count
    connection = socket.create_connection((host, int(port)), timeout=60)
    return connection, [whole[start : start + each] for start in range(0, len(whole), each)]


def test_a_slow_upload_that_moves_is_answered_and_one_that_stalls_is_not(
    serve: Any, image: Path
) -> None:
    with serve("--stall", "3") as server:
        connection, parts = pieces(server, image, 9)
        with connection:
            for part in parts:  # in all it takes longer than it may stall
                connection.sendall(part)
                time.sleep(0.4)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        connection, parts = pieces(server, image, 9)
        with connection:
            connection.sendall(b"".join(parts[:4]))
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_the_server_needs_no_tensorflow(serve: Any, exported: Path, image: Path) -> None:
    """Neither at its start nor for any answer."""
    blocked = exported.parent / "blocked"
    for name in ("tensorflow", "keras", "scipy", "sklearn", "pyarrow", "scrapy"):
        (blocked / name).mkdir(parents=True)
        (blocked / name / "__init__.py").write_text("raise SystemExit('not to be imported')")
    with serve("--watch", path=blocked) as server:
        for path in ("predict", "explain", "thumbnail"):
            files = {"files": image.read_bytes()}
            answer = requests.post(f"{server}/v1/{path}", files=files, timeout=60)
            assert answer.status_code == 200
