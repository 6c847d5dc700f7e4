"""A new model takes the place of the old one while the server runs."""

import json
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from server import Server, metrics, served

from pipeline.files import file_digest


def put(folder: Path, new: Path, **about: object) -> None:
    """In the place of `folder`, a whole copy of it with other values in its classifier.json."""
    shutil.copytree(folder, new)
    file, keras = new / "classifier.json", new / "classifier.keras"
    values = json.loads(file.read_text()) | about
    if keras.exists():  # a zip file may have a comment: the same network under another digest
        keras.write_bytes(keras.read_bytes()[:-2] + b"\x01\x00x")
        values["files"][keras.name] = file_digest(keras)
    file.write_text(json.dumps(values))
    old = folder.with_name("old")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    new.rename(folder)


def ask(server: str, image: Path) -> dict:
    files = {"files": image.read_bytes()}
    response = requests.post(f"{server}/v1/predict", files=files, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def until(server: Server, image: Path, is_true: Callable[[dict], bool]) -> dict:
    while not is_true(answer := ask(server, image)):
        assert server.process.poll() is None
        assert "is refused" not in server.complained()
    return answer


def labels(answer: dict) -> set[str]:
    return {guess["label"] for guess in answer["predictions"][0]["top"]}


OTHERS = ["pear", "twig", "sea"]


@contextmanager
def asked_all_the_time(server: Server, image: Path) -> Iterator[None]:
    """Meanwhile each model answers with its own labels, and no request fails."""
    labels_of: dict[str, set[str]] = {}
    wrong: list[object] = []
    stop = threading.Event()

    def load() -> None:
        try:
            while not stop.is_set():
                answer = ask(server, image)
                if labels(answer) != labels_of.setdefault(answer["model"], labels(answer)):
                    wrong.append(answer)
        except (AssertionError, requests.RequestException) as error:
            wrong.append(error)

    asking = threading.Thread(target=load)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join()
    assert not wrong


@pytest.mark.parametrize(
    ("folder", "arguments"), [("export", ("--engine", "onnx", "--watch")), ("model", ())]
)
def test_a_new_model_is_taken_up_whole_and_a_broken_one_is_refused(
    exported: Path, tmp_path: Path, image: Path, folder: str, arguments: tuple[str, ...]
) -> None:
    model = tmp_path / "results" / folder
    shutil.copytree(exported / "results" / folder, model)
    network = next(path for path in model.iterdir() if path.suffix in (".onnx", ".keras"))

    def replaced() -> None:
        if not arguments:
            server.process.send_signal(signal.SIGHUP)

    with served(tmp_path, *arguments) as server:
        first = ask(server, image)
        assert labels(first) == {"apple", "leaf", "sky"}
        with asked_all_the_time(server, image):
            put(model, tmp_path / "new", labels=OTHERS, model="f" * 64)
            replaced()
            second = until(server, image, lambda answer: answer["model"] != first["model"])
            assert labels(second) == set(OTHERS)
            about = requests.get(f"{server}/v1/model", timeout=60).json()
            assert (about["sha256"], about["labels"]) == (second["model"], OTHERS)

            content = network.read_bytes()
            network.write_bytes(content[: len(content) // 2])
            replaced()
            while network.name not in server.complained():
                assert ask(server, image)["model"] == second["model"]
        assert "the new model is refused, and the old one stays: " in server.complained()
        told = metrics(server)
        assert told["classifier_models_total", "taken_up"] == 2
        assert told["classifier_models_total", "refused"] == 1
        assert told["classifier_model_info", second["model"]] == 1
        assert ("classifier_model_info", first["model"]) not in told

        network.write_bytes(content)  # it is mended
        replaced()
        while metrics(server)["classifier_models_total", "taken_up"] < 3:
            assert ask(server, image)["model"] == second["model"]


def test_a_request_under_way_ends_with_the_model_that_it_began_with(
    exported: Path, tmp_path: Path, image: Path
) -> None:
    model = tmp_path / "results/export"
    shutil.copytree(exported / "results/export", model)
    with served(tmp_path, "--engine", "onnx") as server:
        first = ask(server, image)
        body = requests.Request("POST", server, files={"files": image.read_bytes()}).prepare()
        host, port = urlsplit(server).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as slow:
            head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            head += f"Content-Type: {body.headers['content-type']}\r\n"
            head += f"Content-Length: {len(body.body)}\r\n\r\n"
            slow.sendall(head.encode() + body.body[:100])
            while metrics(server)["classifier_requests_under_way",] < 1:
                pass
            put(model, tmp_path / "new", labels=OTHERS, model="f" * 64)
            server.process.send_signal(signal.SIGHUP)
            until(server, image, lambda answer: answer["model"] != first["model"])
            slow.sendall(body.body[100:])
            answer = b"".join(iter(lambda: slow.recv(65536), b""))
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["model"] == first["model"]
