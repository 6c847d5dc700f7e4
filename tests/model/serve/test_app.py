"""The API, asked over HTTP."""

import io
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pillow_heif
import pytest
import requests
from PIL import Image

from model.classifier import Classifier
from model.serve.images import Limits

LIMITS = Limits()
pillow_heif.register_heif_opener()  # to write them


def predict(server: str, *images: bytes, top: int = 3) -> requests.Response:
    files = [("files", (f"{n}.jpg", content)) for n, content in enumerate(images)]
    return requests.post(f"{server}/v1/predict", params={"top": top}, files=files, timeout=60)


def assert_problem(response: requests.Response, status: int, detail: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert re.search(detail, response.json()["detail"]), response.json()["detail"]


def test_answers_are_the_classifiers(server: str, exported: Path) -> None:
    images = sorted((exported / "data/dataset/test").rglob("*.png"))
    response = predict(server, *(path.read_bytes() for path in images), top=2)
    assert response.status_code == 200
    answers = response.json()["predictions"]
    classifier = Classifier.load(exported / "results/export")
    for answer, ours in zip(answers, classifier.classify(images, top=2), strict=True):
        assert answer["label"] == ours.label
        assert [guess["label"] for guess in answer["top"]] == [label for label, _ in ours.top]
        assert answer["confidence"] == pytest.approx(ours.confidence, abs=1e-5)
    assert [answer["file"] for answer in answers] == [f"{n}.jpg" for n in range(len(images))]


def test_a_bad_image_fails_alone(server: str, image: Path, make: Any) -> None:
    good = image.read_bytes()
    response = predict(server, good, make.text(), make.truncated(), make.bomb(), good)
    assert response.status_code == 200
    first, text, truncated, bomb, last = response.json()["predictions"]
    assert first["top"][0]["label"] == last["top"][0]["label"] == "leaf"
    assert (text["status"], text["file"]) == (415, "1.jpg")
    assert truncated["status"] == 422
    assert bomb["status"] == 413


@pytest.mark.parametrize(
    ("defect", "status", "reason"),
    [
        (lambda make: b"", 415, "empty"),
        (lambda make: make.text(), 415, "no image of a known format"),
        (lambda make: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "no image"),
        (lambda make: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "no image"),
        (lambda make: b"IIRO\x08\0\0\0", 415, "camera raw file: export it as JPEG"),
        (lambda make: make.bomb(), 413, "pixels"),
        (lambda make: make.truncated(), 422, "truncated"),
        (lambda make: make.truncated("PNG"), 422, "truncated"),
        (lambda make: make.truncated("WEBP"), 415, "."),
        (lambda make: make.truncated("JPEG", 0.02), 415, "."),
        (lambda make: make.damaged(), 422, "."),
        (lambda make: make.encoded(Image.new("1", (8000, 8000)), "PNG"), 413, "50,000,000 pixels"),
        (lambda make: bytes(LIMITS.image_bytes + 1), 413, "larger than 10,485,760 bytes"),
    ],
)
def test_malformed_uploads_are_refused_with_a_reason(
    server: str, make: Any, defect: Any, status: int, reason: str
) -> None:
    assert_problem(predict(server, defect(make)), status, f"0\\.jpg: .*{reason}")


def test_unusual_images_are_answered(server: str, make: Any) -> None:
    unusual = [make.tiny(), make.blank(), make.blurred()]
    unusual += [make.encoded(make.next(), form) for form in ("AVIF", "HEIF", "TIFF", "BMP")]
    answers = predict(server, *unusual).json()["predictions"]
    assert [len(answer["top"]) for answer in answers] == [3] * 7


def thumbnail(server: str, *images: bytes) -> requests.Response:
    files = [("files", ("a.heic", content)) for content in images]
    return requests.post(f"{server}/v1/thumbnail", files=files, timeout=60)


@pytest.mark.parametrize("form", ["HEIF", "TIFF", "BMP", "JPEG"])
def test_a_thumbnail_of_any_format(server: str, make: Any, form: str) -> None:
    response = thumbnail(server, make.encoded(make.photo(1, (1600, 1200)), form))
    assert response.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(response.content)) as image:
        assert (image.format, image.size) == ("JPEG", (512, 384))


def test_what_has_no_thumbnail_has_a_reason(server: str, make: Any) -> None:
    assert_problem(thumbnail(server, make.text()), 415, r"a\.heic: no image of a known format")
    assert_problem(thumbnail(server, make.truncated()), 422, r"a\.heic: .*truncated")
    assert_problem(thumbnail(server, make.tiny(), make.tiny()), 422, "one image at a time")
    assert_problem(thumbnail(server), 415, "multipart/form-data")


def test_where_all_fail_differently_the_reasons_are_told(server: str, make: Any) -> None:
    reasons = r"0\.jpg: .*empty file; 1\.jpg: .*pixels"
    assert_problem(predict(server, b"", make.bomb()), 422, reasons)


def test_limits_of_a_request(server: str, image: Path) -> None:
    address = f"{server}/v1/predict"
    good = image.read_bytes()
    assert predict(server, *[good] * LIMITS.images).status_code == 200
    assert_problem(predict(server, *[good] * (LIMITS.images + 1)), 413, "at most 32 images")
    assert_problem(requests.post(address, timeout=60), 415, "multipart/form-data")
    assert_problem(requests.post(address, data=good, timeout=60), 415, "multipart/form-data")
    assert_problem(requests.post(address, files={"a": (None, "x")}, timeout=60), 422, "no image")
    odd = {"Content-Type": "multipart/form-data"}
    assert_problem(requests.post(address, data="x", headers=odd, timeout=60), 400, "boundary")
    assert_problem(predict(server, good, top=0), 422, "query.top: ")
    assert_problem(requests.get(f"{server}/v2", timeout=60), 404, "Not Found")
    assert_problem(requests.get(address, timeout=60), 405, "Not Allowed")
    connection = HTTPConnection(urlsplit(server).netloc, timeout=60)
    connection.putrequest("POST", "/v1/predict")
    connection.putheader("Content-Length", str(LIMITS.request_bytes + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_the_queue_is_bounded(server: str, image: Path) -> None:
    """Requests that are still arriving hold all places; when they hang up, there is room again."""
    host, port = urlsplit(server).netloc.split(":")
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(LIMITS.requests):
            slow = stack.enter_context(socket.create_connection((host, int(port))))
            slow.sendall(head.encode())
        while (response := predict(server, image.read_bytes())).status_code == 200:
            pass  # until all of them have been taken
        assert_problem(response, 429, "come again")
        assert int(response.headers["retry-after"]) > 0
        assert requests.get(f"{server}/healthz", timeout=60).json() == {"status": "ok"}
    while (response := predict(server, image.read_bytes())).status_code == 429:
        pass  # until it has seen that they are gone
    assert response.status_code == 200


def test_what_decided(server: str, image: Path) -> None:
    def explain(**parameters: str) -> requests.Response:
        files = {"files": image.read_bytes()}
        address = f"{server}/v1/explain"
        return requests.post(address, params=parameters, files=files, timeout=60)

    likeliest = explain().json()
    assert likeliest["label"] == "leaf"
    assert {len(row) for row in likeliest["importance"]} == {len(likeliest["importance"])}
    other = explain(label="sky").json()
    assert other["label"] == "sky"
    assert other["confidence"] < likeliest["confidence"]
    assert_problem(explain(label="<b>"), 422, "there is no class '<b>'")
    two = [("files", b"x"), ("files", b"y")]
    response = requests.post(f"{server}/v1/explain", files=two, timeout=60)
    assert_problem(response, 422, "one image at a time")


def test_about_the_model(server: str, exported: Path) -> None:
    about = requests.get(f"{server}/v1/model", timeout=60).json()
    classifier = Classifier.load(exported / "results/export")
    assert about["labels"] == ["apple", "leaf", "sky"]
    assert about["sha256"] == classifier.model.sha256
    assert about["calibrated"] is True
    assert about["limits"]["images"] == LIMITS.images


@pytest.mark.parametrize("path", ["/", "/docs", "/static/serve.js", "/static/serve.css"])
def test_pages_load_nothing_from_elsewhere(server: str, path: str) -> None:
    response = requests.get(server + path, timeout=60)
    assert response.status_code == 200
    assert not re.search(r"(src|href)=\"?(https?:)?//|url\(|@import", response.text)
    assert "script-src 'self'" in response.headers["content-security-policy"]


def test_the_description_lists_what_there_is(server: str) -> None:
    text = requests.get(f"{server}/docs", timeout=60).text
    for path in ("/v1/predict", "/v1/explain", "/v1/thumbnail", "/v1/model", "/healthz"):
        assert path in text


def test_addresses_are_off_by_default(server: str) -> None:
    body = {"addresses": ["http://127.0.0.1/"]}
    response = requests.post(f"{server}/v1/predict", json=body, timeout=60)
    assert_problem(response, 403, "fetches no addresses")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shop(image: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=image.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_addresses_are_guarded(serve: Any, shop: str) -> None:
    with serve("--addresses", "--allow-private", shop) as server:
        own = f"{server}/static/serve.css"  # on this machine too, and not allowed
        there = f"http://{shop}/{{}}".format
        addresses = [there("00.png"), own, there("gone.png"), "file:///etc/passwd", there("")]
        address = f"{server}/v1/predict"
        response = requests.post(address, json={"addresses": addresses}, timeout=60)
        found, private, gone, local, html = response.json()["predictions"]
        assert found["top"][0]["label"] == "leaf"
        assert found["file"] == addresses[0]
        assert "no public address" in private["error"]
        assert "404" in gone["error"]
        assert "http://" in local["error"]
        assert html["status"] == 415
        for body in ([], {"addresses": 1}, {"addresses": []}, {"addresses": [""]}):
            assert_problem(requests.post(address, json=body, timeout=60), 422, ".")
        many = {"addresses": ["x"] * (LIMITS.images + 1)}
        assert_problem(requests.post(address, json=many, timeout=60), 413, "at most 32")


def test_the_keras_model_is_served(serve: Any, image: Path) -> None:
    with serve("--engine", "keras") as server:
        (answer,) = predict(server, image.read_bytes()).json()["predictions"]
        assert answer["top"][0]["label"] == "leaf"


def test_the_description_is_kept_to(server: str, tmp_path: Path) -> None:
    """Schemathesis sends what the description allows, and what it doesn't."""
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance,response_headers_conformance"
    )
    command = ["run", f"{server}/openapi.json", "--checks", checks]
    bounded = ["--max-examples", "15", "--seed", "1", "--phases", "examples,coverage,fuzzing"]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), *command, *bounded, "--no-color"],
        cwd=tmp_path,  # it keeps a folder of its own
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr


@pytest.mark.parametrize("images", [1, 2, 3])
@pytest.mark.parametrize("lost", [3, 60, 400])
def test_a_form_that_is_cut_off_is_no_shorter_list(
    server: str, image: Path, images: int, lost: int
) -> None:
    """Its last image would be left out, and the client told nothing."""
    files = [("files", (f"{n}.png", image.read_bytes())) for n in range(images)]
    request = requests.Request("POST", f"{server}/v1/predict", files=files).prepare()
    request.body = request.body[:-lost]
    request.headers["Content-Length"] = str(len(request.body))
    with requests.Session() as session:
        assert_problem(session.send(request, timeout=60), 400, "the form is cut off")


@pytest.mark.parametrize("boundary", ['"a b"', "a", "'()+_,-./:=?"])
def test_a_whole_form_may_have_any_boundary(server: str, image: Path, boundary: str) -> None:
    bare = boundary.strip('"').encode()
    head = b'Content-Disposition: form-data; name="files"; filename="a.png"'
    body = b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\nmore" % (bare, head, image.read_bytes(), bare)
    kind = {"Content-Type": f'multipart/form-data; boundary="{bare.decode()}"'}
    response = requests.post(f"{server}/v1/predict", data=body, headers=kind, timeout=60)
    assert response.status_code == 200, response.text
