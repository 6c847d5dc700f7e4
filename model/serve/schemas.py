"""The types of the API's answers."""

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
    """`model` is the SHA-256 of the classifier.keras that answered."""

    model: str
    predictions: list[Answer | Failure]


class Importance(BaseModel):
    """Row by row, how far the class's probability falls when a part of the image is covered."""

    model: str
    file: str
    label: str
    confidence: float
    importance: list[list[float]]


class Learnt(BaseModel):
    """The file in which an image is kept. `new` is false if it was there already."""

    label: str
    file: str
    new: bool


class About(BaseModel):
    """The model and the limits of the server.

    An image is none of the classes if the measure `refuse_by` is below `threshold`. `learn_into` is
    the source that takes images with their right class; null if there is none.
    """

    labels: list[str]
    image_size: int
    sha256: str
    calibrated: bool
    refuse_by: Literal["features", "probability"]
    threshold: float
    learn_into: str | None
    limits: dict[str, int]


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Problem(BaseModel):
    """RFC 9457."""

    status: int
    detail: str
