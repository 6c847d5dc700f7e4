"""Two views of one product: can features of a network tell that it is the same product?

    python benchmarks/views.py [--network efficientnet_lite2] [--images 1000] [--sheet FILE]

A perceptual hash finds copies of an image, but no second view of the same thing. Here all pairs of
images are ranked by the cosine of the angle between their features. Two sets have known pairs: the
demo shop, where 100 products have two images, and real images beside a changed view of 100 of them.
Precision of the first pairs is printed, and recall of the first 100. Real images may show one
product twice without our knowledge; `--sheet` draws the first 50 pairs, so that a person can look.
The figures go to benchmarks/results/views.json too.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from common import keep, machine, real_images
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from tabulate import tabulate

from model import features
from model.images import decode_many
from pipeline.cli import run
from pipeline.numbers import number_from
from pipeline.params import load_params
from scraper.demo_shop import catalogue
from scraper.demo_shop.content import content

FIRST = (10, 50, 100)
VIEWS = 100  # real images that have a changed view
SIDE = 150  # pixels of an image on the sheet
_SIZES = {"efficientnet_lite1": 240, "efficientnet_lite2": 260}  # pixels
Pairs = NDArray[np.int64]
"""(n, 2): indices of two images"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="efficientnet_lite2", help="(%(default)s)")
    parser.add_argument("--images", type=number_from(VIEWS), default=1000, help="(%(default)s)")
    parser.add_argument("--sheet", type=Path, help="file for the first 50 pairs of real images")
    options = parser.parse_args()
    shop, products = zip(*shop_images(), strict=True)
    found = ranked(shop, options.network)
    rows = [judged("demo shop", found, products)]
    images, shown = zip(*images_and_views(options.images), strict=True)
    found = ranked(images, options.network)
    rows.append(judged("real images", found, shown))
    keep("views", {options.network: machine() | {"sets": rows}})
    print(tabulate(rows, headers="keys", floatfmt=".2f"))
    if options.sheet:
        sheet(images, found[:50]).save(options.sheet)


def shop_images() -> Iterator[tuple[bytes, str]]:
    """The images of the demo shop without a defect, and the product that each shows."""
    for product in catalogue.products().values():
        for image in product.images:
            if image.defect is None and not product.private:
                yield content(image.name), product.sku


def images_and_views(count: int) -> Iterator[tuple[bytes, str]]:
    """Real images, changed views of some of them, and the image that each comes from."""
    with real_images() as images:
        for n in range(count):
            image = images[n * len(images) // count]
            yield image.read_bytes(), image.name
            if n * VIEWS // count != (n + 1) * VIEWS // count:
                yield changed(image), image.name


def changed(path: Path) -> bytes:
    """Mirrored, turned, nearer, and in another light: no hash takes it for a copy."""
    with Image.open(path) as opened:
        image = ImageOps.mirror(opened.convert("RGB")).rotate(8, Image.Resampling.BICUBIC)
    x, y = image.width * 0.15, image.height * 0.15
    near = image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))
    red, green, blue = ImageEnhance.Brightness(near).enhance(0.8).split()
    out = io.BytesIO()
    warm = Image.merge("RGB", (red, green, blue.point([v * 9 // 10 for v in range(256)])))
    warm.save(out, "JPEG", quality=85)
    return out.getvalue()


def ranked(images: Sequence[bytes], network: str) -> Pairs:
    """All pairs, the most similar first."""
    size = _SIZES.get(network, 224)
    update = {"network": network, "weights": None, "image_size": size}
    backbone = features.backbone(load_params().train.model_copy(update=update), 2)
    numbers = features.extract(np.stack(list(decode_many(images, size))), backbone)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    pairs = np.triu_indices(len(images), 1)
    return np.stack(pairs, axis=1)[np.argsort(-(numbers @ numbers.T)[pairs], kind="stable")]


def judged(name: str, pairs: Pairs, shown: Sequence[str]) -> dict[str, float | str]:
    """Precision of the first pairs, and the share of all right pairs among the first 100."""
    what = np.array(shown)
    right = what[pairs[:, 0]] == what[pairs[:, 1]]
    precision = {f"precision of {n}": float(right[:n].mean()) for n in FIRST}
    recall = right[: FIRST[-1]].sum() / right.sum()
    return {
        "set": name,
        "images": len(shown),
        "pairs": int(right.sum()),
        **precision,
        f"recall of {FIRST[-1]}": float(recall),
    }


def sheet(images: Sequence[bytes], pairs: Pairs) -> Image.Image:
    """The pairs side by side, five in a row."""
    rows = -(-len(pairs) // 5)
    whole = Image.new("RGB", (5 * (2 * SIDE + 10), rows * (SIDE + 10)), "white")
    for n, pair in enumerate(pairs):
        for m, index in enumerate(pair):
            with Image.open(io.BytesIO(images[index])) as image:
                image.thumbnail((SIDE, SIDE))
                place = (n % 5 * (2 * SIDE + 10) + m * SIDE, n // 5 * (SIDE + 10))
                whole.paste(image.convert("RGB"), place)
    return whole


if __name__ == "__main__":
    run(main)
