"""What the review page asks for over HTTP. It names images by SHA-256, never by a path."""

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
    """Which images: one, or several that are treated alike."""

    sha256: SHA256 | Annotated[list[SHA256], Field(min_length=1)]

    @property
    def images(self) -> list[str]:
        several = self.sha256 if isinstance(self.sha256, list) else [self.sha256]
        return list(dict.fromkeys(several))


class NewDecision(_About):
    """A line for data/review.csv about each image."""

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
    """Which line to take out: the last one about each image, if it is still this one."""

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
    """Changes with the content. None while clean runs: its folder is away then."""
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
        """All decisions; nothing (204) if the page knows this version."""
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
        """Write a decision down: about all its images, or about none."""
        catalog = self._catalogs.current()[0]
        if not all(one in catalog.by_sha256 for one in new.images):
            return problem(404, "clean knows no such image")
        label = new.label and self._spelt(catalog, new.label)
        decision = self._log.decide(new.images, new.decision, label, new.note)
        outlook = _outlook(catalog, self._log.read().decisions)
        return JSONResponse({"decision": _to_page(decision), **outlook})

    def undo(self, which: Undo) -> Response:
        """Take a decision back; tells what counts about each image then.

        `left` is the number of images about which somebody has decided since.
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
        """A class as the data spell it; a new one as the first decision about it does."""
        named = {
            class_key(one.label): one.label
            for one in self._log.read().decisions.values()
            if one.label
        }
        return (named | dict(catalog.spelt)).get(class_key(label), label)

    def image(self, sha256: SHA256, size: Literal["small", "large"], request: Request) -> Response:
        """A raw image as a small JPEG."""
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
    """What the next `dvc repro` will make of these decisions."""
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
