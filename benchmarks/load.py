"""Lets many clients ask a server at once. Each sends one image after the other."""

import threading
import time
from http.client import HTTPConnection

import numpy as np

CLIENTS = 16
_BOUNDARY = "boundary-of-parts"


class _Load:
    """The clients, who all send `body` to `address`. `watch` measures the server meanwhile."""

    def __init__(self, address: str, image: bytes) -> None:
        self.address = address
        head = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n'
        )
        self.body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + image
        self.body += f"\r\n--{_BOUNDARY}--\r\n".encode()
        self.seconds: list[float] = []
        self.waits: list[float] = []
        self.errors: list[int] = []
        self.over = threading.Event()

    def client(self, requests: int) -> None:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        connection = HTTPConnection(self.address, timeout=120)
        for _ in range(requests):
            started = time.perf_counter()
            connection.request("POST", "/v1/predict", self.body, headers)
            response = connection.getresponse()
            response.read()
            self.seconds.append(time.perf_counter() - started)
            if response.status != 200:
                self.errors.append(response.status)

    def watch(self) -> None:
        """Measure how long the event loop takes for a request that needs no classifier."""
        connection = HTTPConnection(self.address, timeout=120)
        while not self.over.wait(0.05):
            started = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            self.waits.append(time.perf_counter() - started)

    def run(self, requests: int) -> float:
        """The seconds until all clients are done. Each one makes `requests` requests."""
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        clients = [threading.Thread(target=self.client, args=(requests,)) for _ in range(CLIENTS)]
        started = time.perf_counter()
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        took = time.perf_counter() - started
        self.over.set()
        watcher.join()
        return took


def load_test(address: str, image: bytes, count: int) -> dict[str, float]:
    """Figures of `count` requests to the server at `address` (host:port), one image in each."""
    load = _Load(address, image)
    took = load.run(count // CLIENTS)
    asked = count // CLIENTS * CLIENTS
    return {
        "API: errors": len(load.errors) + asked - len(load.seconds),
        "API: requests": asked,
        "API: clients": CLIENTS,
        "API: requests/s": len(load.seconds) / took,
        "API: ms at the median": 1000 * float(np.quantile(load.seconds, 0.5)),
        "API: ms at p99": 1000 * float(np.quantile(load.seconds, 0.99)),
        "API: ms of /healthz meanwhile, p99": 1000 * float(np.quantile(load.waits, 0.99)),
    }
