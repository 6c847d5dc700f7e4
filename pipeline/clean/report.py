"""The page that shows what clean found: `results/clean/report.html`."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.clean.duplicates import JudgedImage, leaks
from pipeline.clean.findings import Findings, metrics
from pipeline.clean.measure import Measurement
from pipeline.clean.rules import Verdict
from pipeline.manifest import Reason
from pipeline.raw import RawImage
from pipeline.report import data_uri, write_page

_TEMPLATE = Path(__file__).with_name("report.html")
_SHOWN = 48  # images of each kind at most, so that the page opens quickly
_NAMES = 3  # of files that have the same reason
_SIDE_BY_SIDE = 8  # images of one set
_T = TypeVar("_T")

_ABOUT = {
    Reason.REVIEWED: "A person decided so in data/review.csv.",
    Reason.MISSING: "The manifest lists the file, but it is not on the disk.",
    Reason.UNREADABLE: "The file is no image, or an image that can't be decoded here.",
    Reason.TRUNCATED: "The file ends before the image does.",
    Reason.TOO_MANY_PIXELS: "The image has more pixels than clean.max_pixels. It was not decoded.",
    Reason.TOO_SMALL: "The shorter side has fewer pixels than clean.too_small.min_side.",
    Reason.EXTREME_ASPECT: "The image is very long or very tall.",
    Reason.BLANK: "The image is one flat colour.",
    Reason.DARK: "Even the brightest spots are dark.",
    Reason.LIGHT: "Even the darkest spots are light.",
    Reason.LOW_INFORMATION: "The image has few levels of grey.",
    Reason.BLURRED: "The image has no sharp edge.",
    Reason.PLACEHOLDER: "Many products show the same image.",
    Reason.EXACT_DUPLICATE: "Another source has the same file.",
    Reason.SAME_PIXELS: "Another file has exactly the same pixels.",
    Reason.NEAR_DUPLICATE: "A copy that was compressed again, resized, slightly cropped or marked.",
    Reason.LABEL_CONFLICT: "The same image is in several classes.",
}
_VALUES: dict[Reason, Callable[[Measurement], str]] = {
    Reason.TOO_SMALL: lambda m: f"{m.width}×{m.height} pixels",
    Reason.EXTREME_ASPECT: lambda m: f"{m.width}×{m.height} pixels",
    Reason.BLANK: lambda m: f"contrast {m.contrast:.1f}",
    Reason.DARK: lambda m: f"brightest {m.brightest:.0f}",
    Reason.LIGHT: lambda m: f"darkest {m.darkest:.0f}",
    Reason.LOW_INFORMATION: lambda m: f"entropy {m.entropy:.2f} bits",
    Reason.BLURRED: lambda m: f"sharpness {m.sharpness:.0f}",
}
_SEVERAL = (  # shown as sets
    Reason.PLACEHOLDER,
    Reason.EXACT_DUPLICATE,
    Reason.SAME_PIXELS,
    Reason.NEAR_DUPLICATE,
    Reason.LABEL_CONFLICT,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """An image as it is shown. `image` is a data URI. It is empty if there is nothing to show."""

    image: str
    label: str
    lines: list[str]
    name: str
    """a person's own name for the file; without one, its title, or its path in data/raw"""
    file: str
    sha256: str
    page_url: str | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Gallery:
    """The images that have one reason. `figures` shows some of them; `count` counts them all."""

    id: str
    name: str
    about: str
    count: int
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images that show the same. `more` is the number of those that are not shown."""

    figures: list[Figure]
    more: int


def write_report(findings: Findings, path: Path, thumbnail: Callable[[str], bytes]) -> None:
    """Write the page. `thumbnail` gives a JPEG by SHA-256, or raises KeyError."""
    view = _View(findings, thumbnail)
    write_page(path, _TEMPLATE, **view.context())


class _View:
    def __init__(self, findings: Findings, thumbnail: Callable[[str], bytes]) -> None:
        self._findings = findings
        self._thumbnail = thumbnail
        self._rows = list(zip(findings.raw.images, findings.verdicts, strict=True))
        self._pairs = {(pair.a, pair.b): pair for pair in findings.pairs}

    def context(self) -> dict[str, Any]:
        placeholders, conflicts, duplicates = [], [], []
        for members in self._findings.sets:
            if any(one.is_placeholder for one in members):
                placeholders.append(members)
            elif len({one.verdict.label for one in members}) > 1:
                conflicts.append(members)
            elif len(members) > 1:
                duplicates.append(members)
        found = leaks(self._findings.sets)
        return {
            "numbers": metrics(self._findings),
            "flagged": sum(bool(v.flags) and v.reason is None for _, v in self._rows),
            "classes": self._classes(),
            "reasons": self._reasons(),
            "dropped": self._galleries(lambda v: [v.reason] if v.reason else []),
            "flags": self._galleries(lambda v: [] if v.reason else v.flags),
            "placeholders": [self._set(members) for members in _some(placeholders)],
            "placeholders_in_all": len(placeholders),
            "duplicates": [self._set(members) for members in _some(duplicates)],
            "duplicates_in_all": len(duplicates),
            "conflicts": [self._set(members) for members in _some(conflicts)],
            "conflicts_in_all": len(conflicts),
            "leaks": [
                (_file(a), a.image.official[0], _file(b), b.image.official[-1])
                for a, b in _some(found)
            ],
            "leaks_in_all": len(found),
            "left_out": [
                (source, why, len(names), _first(names))
                for (source, why), names in self._findings.raw.left_out.items()
            ],
            "not_images": [
                (source, kind, len(names), _first(names))
                for source, kinds in sorted(self._findings.raw.not_images.items())
                for kind, names in kinds.items()
            ],
            "not_taken": [
                (source, status.replace("_", " "), len(names), names[0])
                for (source, status), names in self._findings.raw.not_taken.items()
            ],
            "sources": self._sources(),
        }

    def _reasons(self) -> list[Reason]:
        found = {v.reason for _, v in self._rows}
        return [reason for reason in Reason if reason in found]

    def _classes(self) -> list[tuple[str, int, int, Counter[Reason | None]]]:
        """By class in the raw folders: name, images, kept, and images by reason."""
        counts: dict[str, Counter[Reason | None]] = defaultdict(Counter)
        for image, verdict in self._rows:
            counts[image.label][verdict.reason] += 1
        return [(label, c.total(), c[None], c) for label, c in sorted(counts.items())]

    def _galleries(self, kinds: Callable[[Verdict], Iterable[Reason]]) -> list[Gallery]:
        """A gallery for each reason that is not shown as sets."""
        found: dict[Reason, list[tuple[RawImage, Verdict]]] = defaultdict(list)
        for image, verdict in self._rows:
            for reason in kinds(verdict):
                if reason not in _SEVERAL:
                    found[reason].append((image, verdict))
        return [
            Gallery(
                reason,
                reason.replace("_", " "),
                _ABOUT[reason],
                len(found[reason]),
                [self._figure(p, v, [self._why(p, v, reason)]) for p, v in _some(found[reason])],
            )
            for reason in Reason
            if reason in found
        ]

    def _why(self, image: RawImage, verdict: Verdict, reason: Reason) -> str:
        measured = self._findings.measurements[image.sha256]
        if reason in _VALUES and isinstance(measured, Measurement):
            return _VALUES[reason](measured)
        return verdict.note

    def _figure(self, image: RawImage, verdict: Verdict, lines: Iterable[str]) -> Figure:
        try:
            shown = data_uri(self._thumbnail(image.sha256), "image/jpeg")
        except KeyError:
            shown = ""
        return Figure(
            shown,
            image.label,
            [line for line in lines if line],
            image.name or image.title or image.file,
            image.file,
            image.sha256,
            _link(image.page_url),
            verdict.reason is None,
        )

    def _set(self, members: Sequence[JudgedImage]) -> ImageSet:
        """Images that show the same, the best one first."""
        best = members[0]
        figures = []
        for one in members[:_SIDE_BY_SIDE]:
            measured = self._findings.measurements[one.image.sha256]
            assert isinstance(measured, Measurement)
            often = f"{one.image.rows} times in this class" if one.is_placeholder else ""
            size = f"{measured.width}×{measured.height}, {one.image.bytes / 1000:.0f} kB"
            official = f"official {one.image.official[0]}" if one.image.official else ""
            fate = "stays" if one.verdict.reason is None else "goes"
            lines = [fate, often, self._relation(best, one), size, one.image.source, official]
            figures.append(self._figure(one.image, one.verdict, lines))
        return ImageSet(figures, len(members) - len(figures))

    def _relation(self, best: JudgedImage, one: JudgedImage) -> str:
        if one is best:
            return ""
        if one.image.sha256 == best.image.sha256:
            return "same bytes"
        if one.pixels == best.pixels:
            return "same pixels"
        first, second = sorted((best.image.sha256, one.image.sha256))
        pair = self._pairs.get((first, second))
        if pair is None:
            return "by way of another copy"
        mirrored = ", mirrored" if pair.mirrored else ""
        return f"{pair.distance} of 256 bits, difference {pair.difference:.2f}{mirrored}"

    def _sources(self) -> list[tuple[str, int, list[tuple[str, str | None, int]]]]:
        """Each source: its name, its images, and its licenses (name, address, images).

        A license that has only an address is named by it.
        """
        licenses: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
        for image, _ in self._rows:
            name = image.license or (_is_web(image.license_url) and image.license_url)
            licenses[image.source][name or "not stated", _link(image.license_url)] += 1
        return [
            (
                source,
                counts.total(),
                [(name, url, n) for (name, url), n in counts.most_common()],
            )
            for source, counts in sorted(licenses.items())
        ]


def _is_web(address: str | None) -> bool:
    """Whether it is an address of the web. It came from a page, so it could be a script."""
    return address is not None and address.startswith(("http://", "https://"))


def _link(address: str | None) -> str | None:
    """The address, if a browser can open it.

    Hosts under .localhost, such as the demo shop's, answer only while a crawl serves them.

    >>> _link("https://shop.example/mug"), _link("http://demo-shop.localhost/mug")
    ('https://shop.example/mug', None)
    """
    if address is None or not _is_web(address):
        return None
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:  # such as half an IPv6 address
        return None
    return None if host.rstrip(".").endswith(".localhost") else address


def _file(one: JudgedImage) -> str:
    return one.image.file


def _first(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    >>> _first(["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    'a.jpg, b.jpg, c.jpg and 2 more'
    """
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def _some(items: Sequence[_T]) -> list[_T]:
    """At most `_SHOWN` of the items, taken evenly from all."""
    if len(items) <= _SHOWN:
        return list(items)
    return [items[n * len(items) // _SHOWN] for n in range(_SHOWN)]
