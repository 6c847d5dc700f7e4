"""What the page asks for over HTTP, and what anybody else might."""

import http.client
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from pipeline import paths

ROOT = Path(__file__).parents[3]


class Client:
    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Content-Type": "application/json"} if body is not None else {}
        content = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, named)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        data = response.read()
        connection.close()
        return response.status, _content(data, found), found


def _content(data: bytes, headers: dict[str, str]) -> Any:
    return json.loads(data) if "json" in headers.get("content-type", "") else data


def test_images_are_had_by_sha256_alone(work, make, serve) -> None:
    wide = work.add(make.encoded(make.next((900, 300))), title="wide")
    transparent = work.add(make.encoded(Image.new("RGBA", (90, 90)), "PNG"))
    broken = work.add(make.text())
    client = Client(serve())
    status, jpeg, headers = client.ask(f"/images/{wide}/small")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(jpeg)).size == (320, 107)
    assert Image.open(io.BytesIO(client.ask(f"/images/{wide}/large")[1])).size == (900, 300)
    assert client.ask(f"/images/{wide}/small", If_None_Match=headers["etag"])[0] == 304
    white = Image.open(io.BytesIO(client.ask(f"/images/{transparent}/small")[1]))
    assert white.getpixel((5, 5)) == (255, 255, 255)
    for path in (f"{broken}/small", f"{'0' * 64}/small"):
        assert client.ask(f"/images/{path}")[0] == 404
    for path in (f"{wide}/huge", "..%2f..%2fparams.yaml/small", f"own%2fmug%2f{wide}.jpg/small"):
        assert client.ask(f"/images/{path}")[0] in (404, 422)
    for path in ("/data/review.csv", "/../params.yaml", "/%2e%2e/app.py", "/static/../app.py"):
        assert client.ask(path)[0] == 404


def test_a_file_that_is_not_what_it_was_is_not_shown(work, make, serve) -> None:
    sha256 = work.add(make.encoded(make.next()))
    client = Client(serve())
    (paths.RAW / "own" / "mug" / f"{sha256}.jpg").write_bytes(make.encoded(make.next()))
    status, content, _ = client.ask(f"/images/{sha256}/small")
    assert status == 404
    assert "not those that were recorded" in content["detail"]


def test_a_decision_that_can_not_be_is_refused(work, make, serve) -> None:
    sha256 = work.add(make.encoded(make.next()))
    before = paths.REVIEW.read_bytes()
    client = Client(serve())
    for change, status in (
        ({"sha256": "0" * 64}, 404),
        ({"sha256": "../../params.yaml"}, 422),
        ({"decision": "delete"}, 422),
        ({"decision": "relabel"}, 422),
        ({"decision": "drop", "label": "cap"}, 422),
        ({"decision": "relabel", "label": "a/b"}, 422),
        ({"decision": "relabel", "label": ".."}, 422),
        ({"note": "two\nlines"}, 422),
        ({"note": "x" * 1001}, 422),
    ):
        good = {"sha256": sha256, "decision": "keep", "note": ""}
        assert client.ask("/api/decisions", good | change)[0] == status, change
    assert client.ask("/api/undo", {"sha256": sha256, "decided_at": "then"})[0] == 409
    assert paths.REVIEW.read_bytes() == before


def test_another_site_decides_nothing(work, make, serve) -> None:
    sha256 = work.add(make.encoded(make.next()))
    before = paths.REVIEW.read_bytes()
    client, new = Client(serve()), {"sha256": sha256, "decision": "drop"}
    assert client.ask("/api/decisions", new, Origin="http://shop.example")[0] == 403
    assert client.ask("/api/decisions", new, Host="shop.example")[0] == 403
    assert client.ask("/api/decisions", new | {"note": "x" * 30_000})[0] == 413
    assert paths.REVIEW.read_bytes() == before
    assert client.ask("/api/decisions", new)[1]["changes"]["dropped"] == 1
    assert client.ask("/api/decisions")[2]["cache-control"] == "no-store"


def test_an_edit_that_went_wrong_is_told_and_kept(work, make, serve) -> None:
    sha256 = work.add(make.encoded(make.next()))
    client = Client(serve())
    paths.REVIEW.write_text(broken := paths.REVIEW.read_text() + "abc,keep,,,\n")
    for body in (None, {"sha256": sha256, "decision": "drop"}):
        status, content, _ = client.ask("/api/decisions", body)
        assert status == 409
        assert "line 2: 'abc' is no SHA-256" in content["detail"]
    assert paths.REVIEW.read_text() == broken


def test_it_outlives_a_run_of_clean(work, make, serve) -> None:
    first = work.add(make.encoded(make.next()))
    client = Client(serve())
    catalog = client.ask("/api/decisions")[1]["catalog"]
    shutil.rmtree(paths.CLEAN)  # as dvc does before the stage runs
    assert client.ask("/api/images")[1]["columns"]["sha256"] == [first]
    second = work.add(make.encoded(make.next()))
    work.clean()
    assert set(client.ask("/api/images")[1]["columns"]["sha256"]) == {first, second}
    assert client.ask("/api/decisions")[1]["catalog"] != catalog


def test_without_verdicts_it_does_not_start(work, start) -> None:
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    process = start()
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")
    assert stderr == (
        "error: data/clean/verdicts.parquet is not there; make it with: dvc repro clean\n"
    )


def test_without_the_extra_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["fastapi"] = None  # as if it were not installed
from pipeline.cli import run
from pipeline.review.__main__ import main
run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == 'error: this needs fastapi; install it with: pip install -e ".[web]"\n'


def test_decisions_that_change_nothing_are_told(work, make, serve) -> None:
    sha256 = work.add(make.encoded(make.next()))
    work.decide("0" * 64, "drop")
    client = Client(serve())
    (sentence,) = client.ask("/api/decisions")[1]["doubts"]
    assert "match no image: 000" in sentence
    good = {"sha256": sha256, "decision": "relabel", "label": "MUG", "note": ""}
    assert client.ask("/api/decisions", good)[1]["decision"]["label"] == "mug"
