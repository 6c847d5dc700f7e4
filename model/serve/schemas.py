"""What the API's answers are made of."""

from typing import Literal

from pydantic import BaseModel


class Guess(BaseModel):
    label: str
    confidence: float


class Answer(BaseModel):
    """`label` is null where the image is none of the classes; `top` has the likeliest ones."""

    file: str
    label: str | None
    confidence: float
    top: list[Guess]


class Failure(BaseModel):
    """An image that can't be answered, in its place among the others."""

    file: str
    status: int
    error: str


class Answers(BaseModel):
    predictions: list[Answer | Failure]


class Importance(BaseModel):
    """Row by row, how far the class's probability falls when a part of the image is covered."""

    file: str
    label: str
    confidence: float
    importance: list[list[float]]


class About(BaseModel):
    """An image is none of the classes if what `refuse_by` names is below `threshold`."""

    labels: list[str]
    image_size: int
    sha256: str
    calibrated: bool
    refuse_by: Literal["features", "probability"]
    threshold: float
    limits: dict[str, int]


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Problem(BaseModel):
    """RFC 9457."""

    status: int
    detail: str
