"""`params.yaml`, typed and validated once, where it enters."""

import difflib
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
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
from pipeline.licenses import NONE, normal_license
from pipeline.manifest import safe_label
from pipeline.paths import PARAMS


class Section(BaseModel):
    """Strict: a text is no number, an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _label(name: str) -> str:
    if safe_label(name) != name:
        raise ValueError(f"can't be a class folder; {safe_label(name)!r} could")
    return name


Label = Annotated[str, AfterValidator(_label)]


def _license(name: str) -> str:
    if name != NONE and normal_license(name) != name:
        raise ValueError(f"write it as {normal_license(name) or NONE!r}")
    return name


def _apart(classes: Any) -> Any:
    """Some systems take `Mug` and `mug` for one folder."""
    spelt: dict[str, str] = {}
    for label in classes:
        if (other := spelt.setdefault(label.casefold(), label)) != label:
            raise ValueError(f"{other!r} and {label!r} would share a folder; rename one")
    return classes


Classes = Annotated[dict[Label, str], AfterValidator(_apart)]
LicenseName = Annotated[str, AfterValidator(_license)]
Format = Literal["jpeg", "png", "webp", "avif", "gif"]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Action = Literal["drop", "flag", "off"]
Level = Annotated[float, Field(ge=0, le=255)]


class SpiderSource(Section):
    """A crawl by one of scraper/spiders, each of which says which of url and api it takes."""

    kind: Literal["spider"]
    spider: str
    url: str | None = None
    """where a shop is, or its sitemap, or a text file here with a product's address in each line"""
    api: str | None = None
    """where an API is; null is the spider's own"""
    browser: bool = False
    """pages are rendered by the Chromium that is installed: see scraper/browser.py"""
    classes: Classes
    """our class: where the source keeps it (a category's address or name, a query)"""
    thumbnail_width: PositiveInt | None = None
    limit_per_class: PositiveInt | None = None
    limit_per_product: PositiveInt | None = None
    min_side: PositiveInt | None = None
    """of the shorter side, as declared, and as received"""
    formats: list[Format] | None = None
    licenses: list[LicenseName] | None = None
    """see pipeline/licenses.py; the license below counts where a page names none"""
    license: str | None = None
    contact: Annotated[str, Field(pattern=r"^[ -~]+$")] | None = None
    obey_robots: bool = True
    allow_private: list[str] = []
    """host:port of one's own network that the address guard lets through"""


class DatasetSource(Section):
    """A known public dataset, by its name in scraper/datasets/catalog.yaml."""

    kind: Literal["dataset"]
    dataset: str
    classes: Classes | None = None
    """our class: the dataset's; null takes them all under their own names"""


class FolderSource(Section):
    """Pictures that people put, or crawl, into data/raw/<source>/<class>/."""

    kind: Literal["folder"]
    classes: Annotated[list[Label], AfterValidator(_apart)] | None = None
    license: str | None = None


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    if "${" in pattern:
        raise ValueError("may not contain ${, which DVC would substitute")
    return pattern


Pattern = Annotated[str, AfterValidator(_expression)]


class Index(Section):
    """A table in the archive that says what its pictures are: CSV, TXT or Parquet."""

    file: Pattern
    """searched in each file's path; may have the group `split`: one table for each split"""
    path_column: str
    """the picture's path or the end of it, with or without extension; in Parquet its bytes"""
    label_column: str | None = None
    """null: the label is that of `pattern`"""
    split_column: str | None = None
    product_column: str | None = None
    title_column: str | None = None


class ArchiveSource(Section):
    """Any tar, zip or folder, by address or path."""

    kind: Literal["archive"]
    url: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    pattern: Pattern | None = None
    """searched in each file's path; has the group `label` and, for official splits, `split`"""
    index: Index | None = None
    classes: Classes | None = None
    """our class: theirs; null takes them all under their own names"""
    license: str | None = None
    allow_private: list[str] = []

    @model_validator(mode="after")
    def _has_labels(self) -> "ArchiveSource":
        groups = re.compile(self.pattern).groupindex if self.pattern else ()
        if self.pattern and "label" not in groups and not (self.index and self.index.label_column):
            raise ValueError("pattern needs a group (?P<label>…)")
        if not self.pattern and not (self.index and self.index.label_column):
            raise ValueError("needs a pattern with a group (?P<label>…), or an index of labels")
        return self


class HuggingFaceSource(Section):
    """A dataset of the Hugging Face Hub that has a column of pictures and one of labels."""

    kind: Literal["huggingface"]
    dataset: Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+$")]
    """owner/name"""
    config: str | None = None
    """the folder with its Parquet files, where it has several"""
    revision: str | None = None
    """a commit, branch or tag; null is the newest"""
    image_column: str = "image"
    label_column: str = "label"
    classes: Classes | None = None
    """our class: theirs; null takes them all under their own names"""
    license: str | None = None
    """null takes what the dataset's card names"""


Source = Annotated[
    SpiderSource | DatasetSource | FolderSource | ArchiveSource | HuggingFaceSource,
    Field(discriminator="kind"),
]


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
    mixup: PositiveFloat | None
    """alpha; see model/data.py"""
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
