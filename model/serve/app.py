"""What the server answers: the page, and the API that it and other programs use."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, Template
from numpy.typing import NDArray
from starlette.exceptions import HTTPException as StarletteHTTPException

from model.classifier import Classifier
from model.images import decode
from model.occlusion import importance, occluded
from model.serve.batching import Batcher
from model.serve.images import Addresses, Limits, Reader, Refused, explained, thumbnail
from model.serve.schemas import About, Answer, Answers, Failure, Guess, Health, Importance, Problem
from pipeline.web import HEALTH, problem

_HERE = Path(__file__).parent
_RETRY_AFTER = 1  # seconds
_Decoded = TypeVar("_Decoded")


_BINARY = {"type": "string", "format": "binary"}
_REASONS = {
    400: "The form can't be read",
    401: "The token is missing or wrong",
    403: "Not from this site, or addresses, which are off",
    408: "The request took too long to arrive",
    411: "Content-Length is missing",
    413: "The request or an image is too large, or there are too many",
    415: "No image of a known format",
    422: "No image can be answered; the detail tells why of each",
    429: "Too many requests at once; come again after Retry-After seconds",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": reason,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status, reason in _REASONS.items()
}


def make_app(
    classifier: Classifier,
    *,
    addresses: bool = False,
    allow_private: Collection[str] = (),
    limits: Limits | None = None,
) -> FastAPI:
    """`addresses` lets clients send where images are; `allow_private` is the address guard's."""
    limits = limits or Limits()
    size = classifier.model.image_size
    reader = Reader(
        partial(decode, size=size), limits, addresses=addresses, allow_private=allow_private
    )
    api = _Api(classifier, reader, Reader(thumbnail, limits), limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        api.close()

    app = FastAPI(
        title="Product classification",
        description="Classes of images, by the trained model.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_exception_handler(StarletteHTTPException, _explain)
    app.add_exception_handler(RequestValidationError, _explain_parameters)
    _add_routes(app, api, _body(1, addresses), _body(limits.images, addresses))
    return app


def _add_routes(app: FastAPI, api: "_Api", one: dict[str, Any], many: dict[str, Any]) -> None:
    """`one` and `many` are the bodies of requests with one image, and with some."""
    app.post("/v1/predict", summary="Classify images", responses=_PROBLEMS, openapi_extra=many)(
        api.predict
    )
    app.post(
        "/v1/explain", summary="What in an image decided", responses=_PROBLEMS, openapi_extra=one
    )(api.explain)
    app.post(
        "/v1/thumbnail",
        summary="Show an image that a browser can't",
        response_class=Response,
        responses={**_PROBLEMS, 200: {"content": {"image/jpeg": {"schema": _BINARY}}}},
        openapi_extra=_body(1, addresses=False),
    )(api.thumbnail)
    app.get("/v1/model", summary="The model and the limits")(api.model)
    for path in sorted(HEALTH):  # it is up once the model is loaded
        app.api_route(path, methods=["GET", "HEAD"], summary="Is it up?")(_health)
    app.get("/", include_in_schema=False)(_page)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(_docs().render(api=app.openapi()))

    app.mount("/static", StaticFiles(directory=_HERE / "static"))


async def _health() -> Health:
    return Health()


async def _page() -> Response:
    return FileResponse(_HERE / "static" / "index.html")


class _Api:
    """What each address answers."""

    def __init__(
        self,
        classifier: Classifier,
        reader: Reader[NDArray[np.uint8]],
        thumbnails: Reader[bytes],
        limits: Limits,
    ) -> None:
        self._classifier = classifier
        self._reader = reader
        self._thumbnails = thumbnails
        self._limits = limits
        self._batcher = Batcher(classifier)
        self._places = _Places(limits.requests)

    def close(self) -> None:
        self._batcher.close()
        self._reader.close()
        self._thumbnails.close()

    async def predict(
        self, request: Request, top: Annotated[int, Query(ge=1, le=1000)] = 3
    ) -> Answers:
        """An image that can't be answered has a reason in its place. Where none can: a problem."""
        with self._places.one():
            images = await self._reader.images(request)
            readable = [image for _, image in images if not isinstance(image, Refused)]
            if not readable:
                raise _refusal(images)
            judged = zip(*await self._batcher.judge(np.stack(readable)), strict=True)
        predictions: list[Answer | Failure] = []
        for name, image in images:
            if isinstance(image, Refused):
                failure = Failure(file=name, status=image.status, error=image.reason)
                predictions.append(failure)
            else:
                found = self._classifier.prediction(*next(judged), top)
                guesses = [Guess(label=label, confidence=p) for label, p in found.top]
                predictions.append(
                    Answer(file=name, label=found.label, confidence=found.confidence, top=guesses)
                )
        return Answers(predictions=predictions)

    async def explain(self, request: Request, label: str | None = None) -> Importance:
        """For one image and a class (the likeliest one unless `label` names another)."""
        labels = self._classifier.model.labels
        if label is not None and label not in labels:
            raise HTTPException(422, f"label: there is no class {label!r}")
        with self._places.one():
            name, image = _only(await self._reader.images(request))
            probabilities = (await self._batcher.judge(occluded(image))).probabilities
        column = probabilities[0].argmax() if label is None else labels.index(label)
        return Importance(
            file=name,
            label=labels[column],
            confidence=probabilities[0, column],
            importance=importance(probabilities[:, column]).tolist(),
        )

    async def thumbnail(self, request: Request) -> Response:
        """One image (HEIC, TIFF, …) as JPEG, upright, its longer side at most 512 pixels."""
        with self._places.one():
            _, jpeg = _only(await self._thumbnails.images(request))
        return Response(jpeg, media_type="image/jpeg")

    async def model(self) -> About:
        model, limits = self._classifier.model, self._limits
        return About(
            labels=model.labels,
            image_size=model.image_size,
            sha256=model.sha256,
            calibrated=model.calibration.images > 0,
            refuse_by=model.calibration.refuse_by,
            threshold=self._classifier.threshold,
            limits={
                "images": limits.images,
                "image_bytes": limits.image_bytes,
                "image_pixels": limits.image_pixels,
                "request_bytes": limits.request_bytes,
            },
        )


class _Places:
    """How many requests are being answered."""

    def __init__(self, most: int) -> None:
        self._free = most

    @contextmanager
    def one(self) -> Iterator[None]:
        if not self._free:
            headers = {"Retry-After": str(_RETRY_AFTER)}
            raise HTTPException(429, "too many requests at once; come again", headers)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


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


async def _explain(_: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _explain_parameters(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem(422, explained(error.errors()))


def _body(most: int, addresses: bool) -> dict[str, Any]:
    """The request's body for OpenAPI."""
    file = {**_BINARY, "contentMediaType": "image/*"}
    files = {"type": "array", "items": file, "minItems": 1, "maxItems": most}
    form = {"type": "object", "required": ["files"], "properties": {"files": files}}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if addresses:
        content["application/json"] = {"schema": Addresses.model_json_schema()}
    return {"requestBody": {"required": True, "content": content}}


@cache
def _docs() -> Template:
    loader = FileSystemLoader(_HERE / "templates")
    environment = Environment(loader=loader, autoescape=True)
    return environment.get_template("docs.html")
