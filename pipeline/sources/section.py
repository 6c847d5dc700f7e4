"""Types and checks that all kinds of sources share."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.licenses import NONE, normal_license
from pipeline.names import Label, apart
from pipeline.names import no_substitution as no_substitution


class Section(BaseModel):
    """A mapping in params.yaml. It is strict: "1" is no number, and an unknown key is an error."""

    # pydantic compiles all sections once, as parts of Params, and not each one before by itself
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _license(name: str) -> str:
    if name != NONE and normal_license(name) != name:
        raise ValueError(f"write it as {normal_license(name) or NONE!r}")
    return name


T = TypeVar("T", bound=Iterable[str])


def classes_apart(classes: T) -> T:
    """The classes. Raises ValueError if two of them would share a folder on some systems."""
    apart(classes, "class")
    return classes


def _theirs(value: Any) -> Any:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(label, str) for label in names):
        raise ValueError("name one of the source's labels, or a list of them")
    for label in names:
        no_substitution(label)
    return value


Theirs = Annotated[str | list[str], BeforeValidator(_theirs)]
Classes = Annotated[dict[Label, Theirs], AfterValidator(classes_apart)]
LicenseName = Annotated[str, AfterValidator(_license)]
TheirClasses = Annotated[
    Classes | None,
    Field(
        description="our class: theirs; null: all, under their own names. "
        "A list takes several of theirs into one class: `pineapple: [pineapple, pineappe]`"
    ),
]
OneLicense = Annotated[str | None, Field(description="license of all these images")]
PrivateHosts = Annotated[
    list[str], Field(description="`host:port` of your own network that may be asked")
]


def _encoding(name: str) -> str:
    try:
        b"a".decode(name)
    except (LookupError, ValueError) as error:
        raise ValueError("no encoding of text; some are cp437, cp1252, shift_jis, gbk") from error
    return name


Encoding = Annotated[str, AfterValidator(_encoding)]


def as_list(value: str | list[str] | None) -> list[str]:
    """The texts as a list, whether one, several or none are given.

    >>> as_list("a"), as_list(["a", "b"]), as_list(None)
    (['a'], ['a', 'b'], [])
    """
    return [value] if isinstance(value, str) else [*(value or ())]
