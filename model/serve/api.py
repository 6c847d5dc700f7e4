"""The endpoints of the API."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, TypeVar

import numpy as np
from fastapi import HTTPException, Query, Request
from fastapi.responses import Response

from model.classifier import Classifier, Prediction
from model.images import decode
from model.occlusion import importance, occluded
from model.serve.batching import Batcher
from model.serve.images import Limits, Reader, Refused, thumbnail
from model.serve.learning import Learner, whole
from model.serve.metrics import MEDIA_TYPE, Metrics
from model.serve.models import Models
from model.serve.schemas import About, Answer, Answers, Failure, Guess, Importance, Learnt
from pipeline.names import Label

_RETRY_AFTER = 1  # seconds
_Decoded = TypeVar("_Decoded")


class Api:
    """The endpoints. Each takes the model that is current when it begins, and no other."""

    def __init__(
        self,
        models: Models,
        reader: Reader,
        limits: Limits,
        metrics: Metrics,
        learner: Learner | None,
    ) -> None:
        self._models = models
        self._reader = reader
        self._limits = limits
        self._metrics = metrics
        self._learner = learner
        self._batcher = Batcher(waiting=metrics.queue.inc, batch=metrics.batches.observe)
        self._free = limits.requests

    def close(self) -> None:
        self._batcher.close()
        self._reader.close()

    async def predict(
        self, request: Request, top: Annotated[int, Query(ge=1, le=1000)] = 3
    ) -> Answers:
        """An image that can't be answered has a reason in its place. Where none can: a problem."""
        with self._place():
            classifier = self._models.current
            images = await self._reader.images(request, _decoder(classifier))
            readable = [image for _, image in images if not isinstance(image, Refused)]
            self._metrics.refused.inc(len(images) - len(readable))
            if not readable:
                raise _refusal(images)
            judged = zip(*await self._batcher.judge(classifier, np.stack(readable)), strict=True)
        predictions: list[Answer | Failure] = []
        for name, image in images:
            if isinstance(image, Refused):
                predictions.append(Failure(file=name, status=image.status, error=image.reason))
            else:
                answer = _answer(name, classifier.prediction(*next(judged), top))
                none = answer.label is None
                (self._metrics.none_of_these if none else self._metrics.answered).inc()
                predictions.append(answer)
        return Answers(model=classifier.model.sha256, predictions=predictions)

    async def explain(self, request: Request, label: str | None = None) -> Importance:
        """Explain one image for a class: the likeliest one unless `label` names another."""
        classifier = self._models.current
        labels = classifier.model.labels
        if label is not None and label not in labels:
            raise HTTPException(422, f"label: there is no class {label!r}")
        with self._place():
            name, image = _only(await self._reader.images(request, _decoder(classifier)))
            judged = await self._batcher.judge(classifier, occluded(image))
        probabilities = judged.probabilities
        column = probabilities[0].argmax() if label is None else labels.index(label)
        return Importance(
            model=classifier.model.sha256,
            file=name,
            label=labels[column],
            confidence=probabilities[0, column],
            importance=importance(probabilities[:, column]).tolist(),
        )

    async def thumbnail(self, request: Request) -> Response:
        """One image (HEIC, TIFF, …) as JPEG, upright, its longer side at most 512 pixels."""
        with self._place():
            images = await self._reader.images(request, thumbnail, files_only=True)
        return Response(_only(images)[1], media_type="image/jpeg")

    async def learn(
        self, request: Request, label: Annotated[Label, Query()], new: bool = False
    ) -> Learnt:
        """One image with its right class, kept for the next training.

        `new` lets it begin a class that the model does not know.
        """
        learner = self._learner
        assert learner is not None  # else there is no such route
        classes = self._models.current.model.labels
        folder = learner.folder(label, classes, new=new)
        with self._place():
            images = await self._reader.images(request, whole, files_only=True)
            return await asyncio.to_thread(learner.keep, _only(images)[1], folder)

    async def model(self) -> About:
        classifier, limits = self._models.current, self._limits
        model = classifier.model
        return About(
            labels=model.labels,
            image_size=model.image_size,
            sha256=model.sha256,
            calibrated=model.calibration.images > 0,
            refuse_by=model.calibration.refuse_by,
            threshold=classifier.threshold,
            learn_into=self._learner.source if self._learner else None,
            limits={
                "images": limits.images,
                "image_bytes": limits.image_bytes,
                "image_pixels": limits.image_pixels,
                "request_bytes": limits.request_bytes,
            },
        )

    async def metrics(self) -> Response:
        """Numbers for Prometheus: requests, images, seconds, batches, the queue, and the model."""
        return Response(self._metrics.text(), media_type=MEDIA_TYPE)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places of requests that are answered at once."""
        if not self._free:
            headers = {"Retry-After": str(_RETRY_AFTER)}
            raise HTTPException(429, "too many requests at once; come again", headers)
        self._free -= 1
        self._metrics.under_way.inc()
        try:
            yield
        finally:
            self._free += 1
            self._metrics.under_way.dec()


def _decoder(classifier: Classifier) -> partial[np.ndarray]:
    return partial(decode, size=classifier.model.image_size)


def _answer(name: str, found: Prediction) -> Answer:
    guesses = [Guess(label=label, confidence=p) for label, p in found.top]
    return Answer(file=name, label=found.label, confidence=found.confidence, top=guesses)


def _only(images: Sequence[tuple[str, _Decoded | Refused]]) -> tuple[str, _Decoded]:
    """The one image of a request. Raises HTTPException."""
    if len(images) > 1:
        raise HTTPException(422, "one image at a time")
    ((name, image),) = images
    if isinstance(image, Refused):
        raise _refusal(images)
    return name, image


def _refusal(images: Sequence[tuple[str, object]]) -> HTTPException:
    """That no image can be answered: with the status that all have, else 422."""
    refused = [(name, one) for name, one in images if isinstance(one, Refused)]
    statuses = {one.status for _, one in refused}
    detail = "; ".join(f"{name or 'the image'}: {one.reason}" for name, one in refused)
    return HTTPException(statuses.pop() if len(statuses) == 1 else 422, detail)
