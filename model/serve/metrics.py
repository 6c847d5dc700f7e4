"""The numbers that `/metrics` gives to Prometheus. Each process counts from 0."""

import time
from collections.abc import Collection

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.classifier import Classifier
from model.serve.batching import MOST_TOGETHER
from pipeline.web import path_of

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BATCHES = tuple(2**n for n in range(MOST_TOGETHER.bit_length()))
_STATIC = "/static"
_OTHER = "other"


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        registry = CollectorRegistry()  # the library's own is of all that is in the process
        self._registry = registry
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "classifier_requests",
            "Requests, by route and status; status none: the client hung up",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "classifier_request_seconds",
            "From a request's head to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        what = "Images: answered with a class, none of the classes, or refused with a reason"
        images = Counter("classifier_images", what, ["outcome"], registry=registry)
        self.answered = images.labels("answered")
        self.none_of_these = images.labels("none_of_these")
        self.refused = images.labels("refused")
        what = "Images that went through the network together"
        self.batches = Histogram(
            "classifier_batch_images", what, buckets=_BATCHES, registry=registry
        )
        what = "Images that wait for the network"
        self.queue = Gauge("classifier_queue_images", what, registry=registry)
        what = "Requests with images that are being answered"
        self.under_way = Gauge("classifier_requests_under_way", what, registry=registry)
        self._model = Info("classifier_model", "The model that answers", registry=registry)
        what = "Models that were loaded, the first one too, or refused"
        models = Counter("classifier_models", what, ["result"], registry=registry)
        self._models_taken_up = models.labels("taken_up")
        self._models_refused = models.labels("refused")

    def model_taken_up(self, classifier: Classifier) -> None:
        self._models_taken_up.inc()
        self._model.info({"sha256": classifier.model.sha256})

    def model_refused(self) -> None:
        self._models_refused.inc()

    def text(self) -> bytes:
        """All numbers in the format of Prometheus, `MEDIA_TYPE`."""
        return generate_latest(self._registry)

    def counting(self, app: ASGIApp, routes: Collection[str]) -> ASGIApp:
        """`app`, whose requests are counted; a path that is none of `routes` counts as `other`."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            started, status = time.perf_counter(), "none"

            async def noting(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                await send(message)

            path = path_of(scope)
            route = _STATIC if path.startswith(f"{_STATIC}/") else path
            route = route if route in routes else _OTHER
            try:
                await app(scope, receive, noting)
            finally:
                self._requests.labels(route, status).inc()
                self._seconds.labels(route).observe(time.perf_counter() - started)

        return counted
