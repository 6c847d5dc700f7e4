"""`params.yaml`, typed and validated once, where it enters."""

import difflib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.cli import UserError
from pipeline.paths import PARAMS
from pipeline.sources import (
    ArchiveSource,
    DatasetSource,
    FolderSource,
    HuggingFaceSource,
    Label,
    Section,
    Source,
    SpiderSource,
)

Fraction = Annotated[float, Field(ge=0, lt=1)]
Action = Literal["drop", "flag", "off"]
Level = Annotated[float, Field(ge=0, le=255)]


class Rule(Section):
    """What becomes of a picture that the rule finds: `flag` keeps it and says so."""

    action: Action


class TooSmall(Rule):
    min_side: PositiveInt


class ExtremeAspect(Rule):
    max_ratio: Annotated[float, Field(gt=1)]


class Blank(Rule):
    max_contrast: Level


class Dark(Rule):
    max_brightness: Level


class Light(Rule):
    min_brightness: Level


class LowInformation(Rule):
    min_entropy: Annotated[float, Field(ge=0, le=8)]


class Blurred(Rule):
    min_sharpness: Level


class Placeholder(Rule):
    min_products: Annotated[int, Field(ge=2)]


class NearDuplicate(Rule):
    radius: Annotated[int, Field(ge=0, le=128)]
    max_difference: Annotated[float, Field(ge=0, le=0.5)]
    mirrored: bool


class Clean(Section):
    """One rule for each reason that has a choice; units in params.yaml. See pipeline/rules.py."""

    max_side: PositiveInt
    too_small: TooSmall
    extreme_aspect: ExtremeAspect
    blank: Blank
    dark: Dark
    light: Light
    low_information: LowInformation
    blurred: Blurred
    placeholder: Placeholder
    same_pixels: Rule
    near_duplicate: NearDuplicate
    conflicts: Literal["drop", "keep_both", "majority"]


class Split(Section):
    """Shares of the pictures; the rest is for training."""

    validation: Fraction
    test: Fraction
    keep_official: bool
    seed: int

    @model_validator(mode="after")
    def _something_left(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave something for training")
        return self


class Augment(Section):
    """ImageDataGenerator's names and units. See model/augment.py."""

    rotation_range: NonNegativeFloat
    width_shift_range: Fraction
    height_shift_range: Fraction
    shear_range: NonNegativeFloat
    zoom_range: Fraction
    horizontal_flip: bool
    brightness_range: Annotated[tuple[PositiveFloat, PositiveFloat] | None, Field(strict=False)]

    @model_validator(mode="after")
    def _lowest_first(self) -> "Augment":
        if self.brightness_range and self.brightness_range[0] > self.brightness_range[1]:
            raise ValueError("brightness_range is [lowest, highest]")
        return self


class Train(Section):
    """The recipe. See docs/training.md."""

    network: str
    weights: str | None
    """of pretrained networks: a path or an address; null is ImageNet's own, `none` from scratch"""
    fine_tune_from: str | None
    """the first layer of a pretrained network that is trained; null: only its classifier is"""
    input: Literal["fused", "image_data_generator"]
    image_size: Annotated[int, Field(ge=32)]
    """pixels; below 32 three poolings leave nothing"""
    batch_size: PositiveInt
    epochs: NonNegativeInt
    """0: of a pretrained network only the classifier is fitted, on features computed once"""
    optimizer: Literal["adam", "adamw"]
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    schedule: Literal["plateau", "cosine"]
    warmup_epochs: NonNegativeInt
    plateau_patience: PositiveInt
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    label_smoothing: Fraction
    class_weights: bool
    moving_average: Annotated[float, Field(gt=0, lt=1)] | None
    """momentum for each step"""
    early_stopping: PositiveInt | None
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    """see model/hardware.py"""
    cache_gb: NonNegativeFloat
    """of decoded pictures in memory; see model/picture_cache.py"""
    deterministic: bool
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Evaluate(Section):
    """See model/evaluate.py."""

    reject_quantile: Fraction
    foreign: list[str] | None
    """folders of pictures that are none of the classes"""


class Audit(Section):
    """See model/audit.py."""

    folds: Annotated[int, Field(ge=2)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Params(Section):
    """All of params.yaml."""

    sources: dict[Label, Source]
    clean: Clean
    split: Split
    augment: Augment
    train: Train
    evaluate: Evaluate
    audit: Audit


def load_params(path: Path = PARAMS) -> Params:
    """Read and validate a parameter file (YAML 1.2, as DVC reads it: 1e-4 is a number).

    Raises UserError naming each wrong key, its value, and the nearest right name.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} is not here; run this in the root of the repository") from error
    except YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}") from error
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        lines = [_explain(e) for e in error.errors()]
        raise UserError("\n  ".join([f"{path} has {len(lines)} wrong value(s)", *lines])) from error


def _explain(error: Any) -> str:
    where, value = [str(p) for p in error["loc"]], error["input"]
    key = ".".join(p for p in where if p not in _KINDS)
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(where[-1], _keys_near(where), n=1)
            return f"{key} is not a known parameter" + (
                f"; did you mean {near[0]}?" if near else ""
            )
        case "missing":
            return f"{key} is missing; add it (null where unset)"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{key}.kind must be one of {', '.join(_KINDS)}"
    return f"{key} is {value!r}: {error['msg'].removeprefix('Value error, ')}"


def _models(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from _models(inner)


_KINDS = {
    typing.get_args(m.model_fields["kind"].annotation)[0]: m
    for m in (SpiderSource, DatasetSource, FolderSource, ArchiveSource, HuggingFaceSource)
}


def _keys_near(where: list[str]) -> list[str]:
    model: type[Section] = Params
    for part in where[:-1]:
        if part in _KINDS:
            model = _KINDS[part]
        elif part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), model)
    return list(model.model_fields)
