"""Answers what the review page asks for over HTTP. Requests name images by SHA-256, not by path."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, StringConstraints, model_validator

from pipeline import paths
from pipeline.cli import UserError
from pipeline.decisions import Choice, Decision, doubts
from pipeline.decode import ImageError
from pipeline.names import Label, class_key
from pipeline.review.catalog import Catalog
from pipeline.review.changes import changes, too_few
from pipeline.review.log import DecisionLog
from pipeline.review.thumbnails import Thumbnails
from pipeline.web import problem

_STATIC = Path(__file__).parent / "static"
_SIDES = {"small": 320, "large": 1280}  # pixels

SHA256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f]*$")]


class _About(BaseModel):
    """The images of a request: one, or several that are treated alike."""

    sha256: SHA256 | Annotated[list[SHA256], Field(min_length=1)]

    @property
    def images(self) -> list[str]:
        several = self.sha256 if isinstance(self.sha256, list) else [self.sha256]
        return list(dict.fromkeys(several))


class NewDecision(_About):
    """A request to add a line about each image to data/review.csv."""

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


class Undo(_About):
    """A request to take out the last line about each image, if it is still the one of this time."""

    decided_at: Text


class _Catalogs:
    """Keeps the catalog, and reads it again if clean has run since."""

    def __init__(self, read: Callable[[], Catalog]) -> None:
        self._read = read
        self._lock = Lock()
        self._stamp = _stamp(paths.VERDICTS)
        self._last = self._read_now()

    def current(self) -> tuple[Catalog, str, bytes]:
        """Return the catalog, a name for this version of it, and its JSON for the page."""
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
    """Return what changes with the content; None while clean runs, as its folder is away."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


class _Review:
    """Answers each request. `make_app` says at which address."""

    def __init__(self, read: Callable[[], Catalog]) -> None:
        self._catalogs = _Catalogs(read)
        self._log = DecisionLog(paths.REVIEW)
        self._thumbnails = Thumbnails()

    def images(self, request: Request) -> Response:
        """Send all that clean knows of all images."""
        _, name, content = self._catalogs.current()
        headers = {"ETag": f'"{name}"', "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    def decisions(self, known: str = "") -> Response:
        """Send all decisions, or nothing (204) if the page knows this version."""
        catalog, name, _ = self._catalogs.current()
        state = self._log.read()
        version = f"{name} {state.version}"
        if known == version:
            return Response(status_code=204)
        content = {
            "version": version,
            "catalog": name,
            **_outlook(catalog, state.decisions),
            "doubts": doubts(paths.REVIEW, catalog.by_sha256),
            "decisions": {sha256: _to_page(one) for sha256, one in state.decisions.items()},
        }
        return JSONResponse(content)

    def decide(self, new: NewDecision) -> Response:
        """Write a decision down for all its images, or for none."""
        catalog = self._catalogs.current()[0]
        if not all(one in catalog.by_sha256 for one in new.images):
            return problem(404, "clean knows no such image")
        label = new.label and self._spelt(catalog, new.label)
        decision = self._log.decide(new.images, new.decision, label, new.note)
        outlook = _outlook(catalog, self._log.read().decisions)
        return JSONResponse({"decision": _to_page(decision), **outlook})

    def undo(self, which: Undo) -> Response:
        """Take a decision back, and send the decision that now counts for each image.

        `left` counts the images that stay as they are, because somebody has decided about them
        since.
        """
        undone = set(self._log.undo(which.images, which.decided_at))
        if not undone:
            return problem(409, "somebody has decided about this image since")
        decisions = self._log.read().decisions
        now = {
            sha256: _to_page(decisions[sha256]) if sha256 in decisions else None
            for sha256 in which.images
        }
        outlook = _outlook(self._catalogs.current()[0], decisions)
        return JSONResponse({"decisions": now, "left": len(which.images) - len(undone), **outlook})

    def _spelt(self, catalog: Catalog, label: str) -> str:
        """Spell a class as the data do, and a new class as the first decision about it does."""
        named = {
            class_key(one.label): one.label
            for one in self._log.read().decisions.values()
            if one.label
        }
        return (named | dict(catalog.spelt)).get(class_key(label), label)

    def image(self, sha256: SHA256, size: Literal["small", "large"], request: Request) -> Response:
        """Send a raw image as a small JPEG."""
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


def _outlook(catalog: Catalog, decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """Tell what the next `dvc repro` will make of these decisions."""
    return {
        "changes": changes(catalog, decisions),
        "too_few": too_few(catalog, decisions),
        "too_few_stop": catalog.split.too_few == "stop",
    }


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
    """Make the app that serves the page and its data.

    `read` returns the catalog. It may raise UserError; the page then shows the message.
    """
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
