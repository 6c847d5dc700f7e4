"""What RAY_ADDRESS may name: a cluster, or what is told at once."""

import socket
import sys
import threading

import pytest

from pipeline.cli import UserError
from pipeline.engine import map_images


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "ray start --head"),
        ("127.0.0.1:99999", "Port out of range"),
        ("ray://127.0.0.1:10001", "must be host:port"),
        ("here", "must be host:port"),
        (":6379", "must be host:port"),
        ("127.0.0.1", "must be host:port"),
        ("127.0.0.1:", "must be host:port"),
        ("127.0.0.1:0", "must be host:port"),
        ("127.0.0.1:1,127.0.0.1:2", "ray start --head"),
        ("[::1", "ray start --head"),
        ("http://127.0.0.1:8265", "must be host:port"),
    ],
)
def test_an_address_without_a_cluster_is_named(monkeypatch, address: str, why: str) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UserError, match=why) as raised:
        list(map_images(pow, [(2, 3)], "raising"))
    assert address in str(raised.value)


def test_ray_has_to_be_installed(monkeypatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r'pip install -e "\.\[ray\]"'):
        list(map_images(pow, [(2, 3)], "raising"))


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"220 mail\r\n"])
def test_another_program_at_the_address_is_named(monkeypatch, says: bytes) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(says)

        threading.Thread(target=answer, daemon=True).start()
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(UserError, match="another program answers there"):
            list(map_images(pow, [(2, 3)], "raising"))


def test_an_address_of_spaces_is_none(monkeypatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "  ")
    assert list(map_images(pow, [(2, 3)], "raising")) == [8]


def test_nothing_to_do_asks_no_cluster(monkeypatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert list(map_images(pow, [], "nothing")) == []
