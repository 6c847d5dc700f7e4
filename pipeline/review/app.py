"""What the review page asks for over HTTP. Images are had by SHA-256, never by a path."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Annotated, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, StringConstraints, model_validator

from pipeline import paths
from pipeline.cli import UserError
from pipeline.decisions import Choice, Decision, doubts
from pipeline.decode import ImageError
from pipeline.names import Label, class_key
from pipeline.review.catalog import Catalog
from pipeline.review.changes import changes
from pipeline.review.log import DecisionLog
from pipeline.review.thumbnails import Thumbnails
from pipeline.web import problem

_STATIC = Path(__file__).parent / "static"
_SIDES = {"small": 320, "large": 1280}  # pixels

SHA256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f]*$")]


class NewDecision(BaseModel):
    """A line for data/review.csv."""

    sha256: SHA256
    decision: Choice
    label: Label | None = None
    note: Text = ""

    @model_validator(mode="after")
    def _label_where_it_belongs(self) -> "NewDecision":
        if self.decision is Choice.RELABEL and self.label is None:
            raise ValueError("relabel needs the label that is right")
        if self.decision is Choice.DROP and self.label is not None:
            raise ValueError("drop takes no label")
        return self


class Undo(BaseModel):
    """Which line to take out: the last about an image, if it is still this one."""

    sha256: SHA256
    decided_at: Text


class _Catalogs:
    """The catalog, read again when clean has run since."""

    def __init__(self, read: Callable[[], Catalog]) -> None:
        self._read = read
        self._lock = Lock()
        self._stamp = _stamp(paths.VERDICTS)
        self._last = self._read_now()

    def current(self) -> tuple[Catalog, str, bytes]:
        """The catalog, a name for this version of it, and what the page is sent."""
        with self._lock:
            stamp = _stamp(paths.VERDICTS)
            if stamp not in (None, self._stamp):
                self._last = self._read_now()
                self._stamp = stamp
            return self._last

    def _read_now(self) -> tuple[Catalog, str, bytes]:
        catalog = self._read()
        content = json.dumps(catalog.to_page(), separators=(",", ":")).encode()
        return catalog, hashlib.sha256(content).hexdigest()[:16], content


def _stamp(path: Path) -> tuple[int, int] | None:
    """Another one for another content; None while clean runs, and its folder is away."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


class _Review:
    """What is answered; see `make_app` for where."""

    def __init__(self, read: Callable[[], Catalog]) -> None:
        self._catalogs = _Catalogs(read)
        self._log = DecisionLog(paths.REVIEW)
        self._thumbnails = Thumbnails()

    def images(self, request: Request) -> Response:
        """All that clean knows of all images."""
        _, name, content = self._catalogs.current()
        headers = {"ETag": f'"{name}"', "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    def decisions(self, known: str = "") -> Response:
        """All decisions; nothing (204) where the page knows this version."""
        catalog, name, _ = self._catalogs.current()
        state = self._log.read()
        version = f"{name} {state.version}"
        if known == version:
            return Response(status_code=204)
        content = {
            "version": version,
            "catalog": name,
            "changes": changes(catalog, state.decisions),
            "doubts": doubts(paths.REVIEW, catalog.by_sha256),
            "decisions": {sha256: _to_page(one) for sha256, one in state.decisions.items()},
        }
        return JSONResponse(content)

    def decide(self, new: NewDecision) -> Response:
        """Write a decision down."""
        catalog = self._catalogs.current()[0]
        if new.sha256 not in catalog.by_sha256:
            return problem(404, "clean knows no such image")
        label = new.label and catalog.spelt.get(class_key(new.label), new.label)
        self._log.decide(new.sha256, new.decision, label, new.note)
        return self._now(new.sha256)

    def undo(self, one: Undo) -> Response:
        """Take a decision back."""
        if not self._log.undo(one.sha256, one.decided_at):
            return problem(409, "somebody has decided about this image since")
        return self._now(one.sha256)

    def _now(self, sha256: str) -> Response:
        catalog, _, _ = self._catalogs.current()
        decisions = self._log.read().decisions
        one = decisions.get(sha256)
        now = None if one is None else _to_page(one)
        return JSONResponse({"decision": now, "changes": changes(catalog, decisions)})

    def image(self, sha256: SHA256, size: Literal["small", "large"], request: Request) -> Response:
        """A raw image as JPEG, made small."""
        file = self._catalogs.current()[0].files.get(sha256)
        if file is None:
            return problem(404, "there is no such image, or it can't be shown")
        tag = f'"{sha256}-{size}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=86400"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        try:
            jpeg = self._thumbnails.get(file, sha256, _SIDES[size])
        except ImageError as error:
            return problem(404, f"it can't be shown: {error}")
        return Response(jpeg, media_type="image/jpeg", headers=headers)


def _to_page(one: Decision) -> dict[str, str | None]:
    return {
        "decision": one.choice,
        "label": one.label,
        "note": one.note,
        "decided_at": one.decided_at,
    }


async def _explain(_: Request, error: Exception) -> Response:
    return problem(409, str(error))


def make_app(read: Callable[[], Catalog]) -> FastAPI:
    """The page and what it asks for. `read` gives the catalog; it may raise UserError."""
    review = _Review(read)
    app = FastAPI(title="Review", openapi_url=None)
    app.add_exception_handler(UserError, _explain)
    app.get("/api/images")(review.images)
    app.get("/api/decisions")(review.decisions)
    app.post("/api/decisions")(review.decide)
    app.post("/api/undo")(review.undo)
    app.get("/images/{sha256}/{size}")(review.image)
    app.mount("/", StaticFiles(directory=_STATIC, html=True))
    return app
