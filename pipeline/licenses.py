"""Licenses as pages name them, made comparable: `CC BY-SA 4.0` → `cc-by-sa-4.0`."""

import re
from collections.abc import Collection

NONE = "none"  # in a source's list: also images of which no license is known

_CC_ADDRESS = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<terms>[a-z-]+)|publicdomain/(?P<public>zero|mark))"
    r"(?:/(?P<version>[0-9.]+))?"
)
_WORDS = {  # longer ones first
    "creative-commons": "cc",
    "public-domain-mark": "pdm",
    "public-domain": "pdm",
    "attribution": "by",
    "share-alike": "sa",
    "sharealike": "sa",
    "non-commercial": "nc",
    "noncommercial": "nc",
    "no-derivatives": "nd",
    "noderivatives": "nd",
    "noderivs": "nd",
    "cc-zero": "cc0",
    "cc-0": "cc0",
}
_ASKS_FOR_CREDIT = re.compile(r"(cc-by|cc-sa|gfdl|fal|odbl|odc-by|ogl|mit|bsd|apache)(?![a-z])")


def normal_license(name: str | None, url: str | None = None) -> str | None:
    """One spelling for a license, from its name or from the address of its text; None if unknown.

    A Creative Commons address counts more than the name. The version, if it is known, comes last.

    >>> normal_license("CC BY-SA 4.0")
    'cc-by-sa-4.0'
    >>> normal_license("free", "https://creativecommons.org/publicdomain/zero/1.0/")
    'cc0-1.0'
    """
    for text in (name, url):
        if found := _CC_ADDRESS.search((text or "").lower()):
            public = {"zero": "cc0", "mark": "pdm"}.get(found["public"] or "")
            version = (found["version"] or "").strip(".")
            return (public or f"cc-{found['terms']}") + (f"-{version}" if version else "")
    slug = re.sub(r"[^a-z0-9.]+", "-", (name or url or "").lower()).strip("-.")
    for words, short in _WORDS.items():
        slug = re.sub(rf"(?<![a-z0-9]){words}(?![a-z0-9])", short, slug)
    return slug or None


def is_allowed(name: str | None, url: str | None, allowed: Collection[str] | None) -> bool:
    """Whether an image under this license may be taken; `allowed` None allows all.

    An entry without a version allows all versions, and nothing else: `cc-by` is not `cc-by-nc`.

    >>> is_allowed("CC BY 4.0", None, ["cc-by"]), is_allowed("CC BY-NC 4.0", None, ["cc-by"])
    (True, False)
    """
    if allowed is None:
        return True
    license = normal_license(name, url)  # noqa: A001 - the column's name
    if license is None:
        return NONE in allowed
    return any(re.fullmatch(re.escape(entry) + r"(-[0-9].*)?", license) for entry in allowed)


def asks_for_credit(name: str | None, url: str | None) -> bool:
    """Whether the license asks users of an image to name its author.

    >>> asks_for_credit("CC BY 4.0", None), asks_for_credit("CC0", None)
    (True, False)
    """
    return _ASKS_FOR_CREDIT.match(normal_license(name, url) or "") is not None
