"""What Prometheus reads."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from server import metrics, served


def predict(server: str, *contents: bytes) -> None:
    files = [("files", content) for content in contents]
    requests.post(f"{server}/v1/predict", files=files, timeout=60)


def test_what_was_asked_is_counted(serve: Any, image: Path) -> None:
    good = image.read_bytes()
    with serve() as server:
        before = metrics(server)
        predict(server, good, good, b"no image")
        predict(server, b"no image")
        requests.get(f"{server}/no/such/<path>", timeout=60)
        requests.get(f"{server}/static/serve.css", timeout=60)
        requests.get(f"{server}/", headers={"Host": "elsewhere.example"}, timeout=60)
        told = metrics(server)
    assert before["classifier_images_total", "answered"] == 0
    assert ("classifier_requests_total", "/v1/predict", "200") not in before
    assert told["classifier_requests_total", "/v1/predict", "200"] == 1
    assert told["classifier_requests_total", "/v1/predict", "415"] == 1
    assert told["classifier_requests_total", "other", "404"] == 1
    assert told["classifier_requests_total", "/static", "200"] == 1
    assert told["classifier_requests_total", "/", "403"] == 1  # refused before any route
    assert told["classifier_requests_total", "/metrics", "200"] == 1
    assert told["classifier_images_total", "refused"] == 2
    answered = told["classifier_images_total", "answered"]
    assert answered + told["classifier_images_total", "none_of_these"] == 2
    assert told["classifier_request_seconds_count", "/v1/predict"] == 2
    assert told["classifier_batch_images_count",] == 1
    assert told["classifier_batch_images_sum",] == 2
    assert told["classifier_queue_images",] == 0
    assert told["classifier_requests_under_way",] == 0


def test_none_of_these_is_counted(exported: Path, tmp_path: Path, image: Path) -> None:
    """With a threshold that no answer reaches."""
    shutil.copytree(exported / "results/export", tmp_path / "results/export")
    file = tmp_path / "results/export/classifier.json"
    about = json.loads(file.read_text())
    about["calibration"] |= {"temperature": 1e9, "refuse_by": "probability"}
    file.write_text(json.dumps(about))
    with served(tmp_path, "--engine", "onnx") as server:
        predict(server, image.read_bytes())
        assert metrics(server)["classifier_images_total", "none_of_these"] == 1


def test_each_process_counts_from_nothing(serve: Any, image: Path) -> None:
    for _ in range(2):
        with serve() as server:
            assert metrics(server)["classifier_images_total", "answered"] == 0
            predict(server, image.read_bytes())


def test_numbers_need_the_token_too(serve: Any) -> None:
    token = "a secret of some length"
    with serve(token=token) as server:
        assert requests.get(f"{server}/metrics", timeout=60).status_code == 401
        right = {"Authorization": f"Bearer {token}"}
        response = requests.get(f"{server}/metrics", headers=right, timeout=60)
        assert response.headers["content-type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(response.text)}
        assert names >= {"classifier_requests", "classifier_model_info", "process_cpu_seconds"}
        told = metrics(server, **right)
        assert told["classifier_requests_total", "/metrics", "401"] == pytest.approx(1)
