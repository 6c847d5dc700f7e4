"""Compares addresses of images: which ones are sizes of the same image, and how wide each is."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

_WIDTHS = {"w", "width", "wid", "sw", "imwidth", "maxwidth", "max-w", "mw"}
_WIDTHS |= {"size", "format", "resize"}
_NOT_WIDTHS = {  # parameters that don't change which image it is: height, quality, version, …
    *("h", "height", "hei", "sh", "imheight", "maxheight", "max-h", "mh", "scale", "dpr", "fit"),
    *("crop", "mode", "sm", "sfrm", "q", "quality", "qlt", "fmt", "auto", "bg", "bgcolor", "fm"),
    *("v", "ver", "version", "t", "ts", "timestamp", "_", "hash", "sig", "signature", "s"),
    *("rect", "trim", "pad", "canvas", "enlarge", "upscale", "resmode", "strip", "op_sharpen"),
}
_SIDE = "[1-9][0-9]{1,3}"
_IN_PATH = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[-_](?P<w>{_SIDE})x(?:{_SIDE})?(?:_crop_[a-z]+)?(?:@[23]x)?(?=\.[a-z]{{3,4}}(?:$|\.))",
        rf"_x(?P<w>{_SIDE})(?:@[23]x)?(?=\.[a-z]{{3,4}}$)",
        rf"[-_/](?P<w>{_SIDE})wx{_SIDE}h(?=[-_./]|$)",
        rf"/(?P<w>{_SIDE})x{_SIDE}(?=/)",
        rf"/(?:[a-z]{{1,2}}_[\w.:-]{{1,20}},){{0,9}}w_(?P<w>{_SIDE})(?:,[a-z]{{1,3}}_[\w.:-]{{1,20}}){{0,9}}(?=/)",
        rf"/cdn-cgi/image/[^/]{{0,99}}?width=(?P<w>{_SIDE})[^/]{{0,99}}(?=/)",
        rf"/generated(?=/product/[^/]{{1,20}}/(?P<w>{_SIDE})_)",
        rf"(?<=[0-9])/(?P<w>{_SIDE})_{_SIDE}_[0-9]{{1,3}}(?=/)",
        rf"\.(?P<w>{_SIDE})\.{_SIDE}(?=\.[a-z]{{3,4}}$)",
        r"\._[a-z]{2}[a-z0-9,_-]{0,40}?(?P<w>[1-9][0-9]{1,3})[a-z0-9,_-]{0,40}_(?=\.[a-z]{3,4}$)",
    )
)
_WITHOUT_WIDTH = re.compile(
    r"/cache/(?:[0-9]+/[a-z_]+/(?:[0-9]+x[0-9]*/)?)?[0-9a-f]{32}(?=/)|/master(?=/product/)"
)
_WORDS = {"pico": 16, "icon": 32, "thumb": 50, "thumbnail": 100, "small": 100, "compact": 160}
_WORDS |= {"home": 250, "cart": 125, "medium": 240, "large": 480, "grande": 600}
_WORD = re.compile(rf"[-_](?P<word>{'|'.join(_WORDS)})(?:_default)?(?=/|\.[a-z]{{3,4}}$)")
_ORIGINAL = 1_000_000


def name_of_image(url: str) -> str:
    """The same text for all addresses of an image, whatever size, version and host they name.

    >>> name_of_image("https://a.example/mug_400x.jpg") == name_of_image("/mug_800x.jpg?v=2")
    True
    """
    path, _, rest = _parts(url)
    return f"{path}?{'&'.join(sorted(rest))}"


def width_of_image(url: str) -> int | None:
    """The width in pixels that the address asks for, else the height; None if it asks for no size.

    >>> width_of_image("https://a.example/mug.jpg?w=400&q=80")
    400
    """
    return _parts(url)[1]


def largest_of_each(urls: dict[str, int | None]) -> dict[str, str]:
    """By the name of each image, the address of its largest version, in the order of `urls`.

    The values of `urls` are the widths that the page declares, in pixels. An address that asks for
    no size is taken for the original image.
    """
    best: dict[str, str] = {}
    rank: Callable[[str], int] = lambda url: width_of_image(url) or urls[url] or _ORIGINAL  # noqa: E731
    for url in urls:
        name = name_of_image(url)
        if name not in best or rank(url) > rank(best[name]):
            best[name] = url
    return best


def _parts(url: str) -> tuple[str, int | None, list[str]]:
    """The path without sizes, the width, and the other parameters of the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, None, []
    query = parse_qsl(parts.query, keep_blank_values=True)
    inner = next((v for k, v in query if k == "url" and "/_next/image" in parts.path), None)
    width = next((_first_number(v) for k, v in query if k.lower() in _WIDTHS), None)
    if inner:
        path, wide, rest = _parts(inner) if len(inner) < len(url) else (inner, None, [])
        return path, width or wide, rest
    path, wide = _without_size(unquote(parts.path).lower())
    sides = [_first_number(v) for k, v in query if k.lower() in ("h", "height", "hei", "sh")]
    rest = [
        f"{k}={v}"
        for k, v in query
        if k.lower() not in _WIDTHS | _NOT_WIDTHS and not k.startswith("$")
    ]
    return path, width or wide or next(iter(sides), None), rest


def _without_size(path: str) -> tuple[str, int | None]:
    width = None
    for pattern in _IN_PATH:
        if found := pattern.search(path):
            width = width or int(found["w"])
            path = path[: found.start()] + path[found.end() :]
    path = _WITHOUT_WIDTH.sub("", path)
    if found := _WORD.search(path):
        width = width or _WORDS[found["word"]]
        path = path[: found.start()] + path[found.end() :]
    return path.replace("/thumbnail/", "/media/"), width


def _first_number(text: str) -> int | None:
    found = re.search(r"[0-9]{2,5}", text)
    return int(found[0]) if found else None
