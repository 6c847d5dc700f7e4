"""The server's routes: the page, and the API that it and other programs use."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from model.serve.api import Api
from model.serve.images import Addresses, Limits, Reader, explained
from model.serve.learning import Learner
from model.serve.metrics import Metrics
from model.serve.models import Models
from model.serve.schemas import Answer, Answers, Failure, Guess, Health, Problem
from pipeline.web import HEALTH, problem

_HERE = Path(__file__).parent

_BINARY = {"type": "string", "format": "binary"}


def _problems(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Descriptions for OpenAPI of what a status such as `_413` means."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {
        int(status.removeprefix("_")): {"description": reason, "content": content}
        for status, reason in reasons.items()
    }


_PROBLEMS = _problems(
    _400="The form can't be read",
    _401="The token is missing or wrong",
    _403="Not from this site, or addresses, which are off",
    _408="No more of the request came for some time",
    _411="Content-Length is missing",
    _413="The request or an image is too large, or there are too many",
    _415="No image of a known format",
    _422="No image can be answered; the detail has the reason for each",
    _429="Too many requests at once; come again after Retry-After seconds",
    _503="The server is stopping; come again after Retry-After seconds",
)
_NOT_KEPT = _problems(
    _409="The image is there already, as another class",
    _500="The folder can't be written",
    _507="The disk is full",
)


def make_app(
    models: Models,
    metrics: Metrics,
    *,
    addresses: bool = False,
    allow_private: Collection[str] = (),
    learner: Learner | None = None,
    limits: Limits | None = None,
    watch: bool = False,
) -> FastAPI:
    """The page and the API.

    Args:
        addresses: lets clients send where images are; `allow_private` is the address guard's.
        learner: keeps images with their right class; None has no route for it.
        watch: takes up new models by itself.
    """
    limits = limits or Limits()
    reader = Reader(limits, addresses=addresses, allow_private=allow_private)
    api = Api(models, reader, limits, metrics, learner)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(models.watch()) if watch else None
        yield
        if watching:
            watching.cancel()
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
    if learner:
        app.post(
            "/v1/learn",
            summary="Keep an image with its right class",
            responses={**_PROBLEMS, **_NOT_KEPT},
            openapi_extra=_body(1, addresses=False),
        )(api.learn)
    _add_pages(app, models)
    return app


def counted(app: FastAPI, metrics: Metrics, whole: ASGIApp) -> ASGIApp:
    """`whole`, which has `app` in it, with its requests counted by the routes of `app`."""
    return metrics.counting(whole, {getattr(route, "path", "") for route in app.routes})


def _add_routes(app: FastAPI, api: Api, one: dict[str, Any], many: dict[str, Any]) -> None:
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
    app.get(
        "/metrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )(api.metrics)
    for path in sorted(HEALTH):  # it is up once the model is loaded
        app.get(path, summary="Whether the server is up")(_health)
        app.head(path, include_in_schema=False)(_health)


def _add_pages(app: FastAPI, models: Models) -> None:
    app.get("/", include_in_schema=False)(_page)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        model = models.current.model
        page = _docs().render(
            api=app.openapi(),
            address=str(request.base_url).rstrip("/"),
            label=model.labels[0],
            example=_example(model.sha256, model.labels).model_dump_json(indent=2),
            problems=_PROBLEMS,
            problem=Problem(
                status=415, detail="notes.txt: no image of a known format"
            ).model_dump_json(indent=2),
        )
        return HTMLResponse(page)

    app.mount("/static", StaticFiles(directory=_HERE / "static"))


def _example(sha256: str, labels: list[str]) -> Answers:
    """An answer as the API gives it: to an image, to one of another thing, to one that is none."""
    likely, unlikely = ([0.91, 0.06], [0.34, 0.3])
    tops = [
        [Guess(label=label, confidence=p) for label, p in zip(labels, shares, strict=False)]
        for shares in (likely, unlikely)
    ]
    return Answers(
        model=sha256,
        predictions=[
            Answer(file="product.jpg", label=labels[0], confidence=0.91, top=tops[0]),
            Answer(file="other.jpg", label=None, confidence=0.34, top=tops[1]),
            Failure(file="notes.txt", status=415, error="no image of a known format"),
        ],
    )


async def _health() -> Health:
    return Health()


async def _page() -> Response:
    return FileResponse(_HERE / "static" / "index.html")


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
    environment.globals["kind_of"] = _kind_of
    environment.filters["marked"] = _marked
    return environment.get_template("docs.html")


def _marked(text: str) -> Markup:
    """The text, with what is in backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)
    )


def _kind_of(schema: dict[str, Any]) -> str:
    """The type of a value in words: `list of number`.

    >>> _kind_of({"type": "array", "items": {"anyOf": [{"type": "null"}, {"type": "string"}]}})
    'list of null or string'
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind_of, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind_of(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{_kind_of(schema['additionalProperties'])} by name"
    return str(schema.get("type", "any"))
