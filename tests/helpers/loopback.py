"""Addresses of this machine for processes that a test starts."""

import socket


def free_addresses(count: int) -> list[str]:
    """`127.0.0.1:PORT` for different ports at which nobody listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return found
