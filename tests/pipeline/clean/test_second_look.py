"""The second look: copies pass it; other colours and other drawings don't."""

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from pipeline.clean.measure import _measure
from pipeline.clean.second_look import confirm, levels

LIMIT = 0.16  # the default


def apart(a: Image.Image, b: Image.Image, make) -> float:
    """The difference of two images, as JPEG files are measured."""
    stored = [_measure(make.encoded(image)).levels for image in (a, b)]
    return float(confirm(stored, np.array([[0, 1, 0]]))[0])


def drawn(colour: str, pattern: str = "", ground: str = "white") -> Image.Image:
    """A product drawn on a plain ground: what makes hashes alike."""
    image = Image.new("RGB", (400, 400), ground)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((120, 120, 260, 300), 20, fill=colour, outline="black", width=3)
    pen.arc((240, 150, 320, 250), 270, 90, fill=colour, width=18)
    if pattern == "stripes":
        for y in range(140, 290, 30):
            pen.rectangle((122, y, 258, y + 12), fill="gold")
    elif pattern:
        pen.text((190, 210), pattern, "gold", anchor="mm", font_size=44)
    return image


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (drawn("red"), drawn("teal")),
        (drawn("red"), drawn("#40407f")),  # as grey as red is
        (drawn("navy"), drawn("navy", "stripes")),
        (drawn("navy", "JAZZ"), drawn("navy", "stripes")),
        (drawn("navy", ground="white"), drawn("navy", ground="orange")),
    ],
)
def test_products_that_are_only_alike_are_not_confirmed(make, a, b) -> None:
    assert apart(a, b, make) > 1.5 * LIMIT


def test_a_small_print_makes_another_product(make) -> None:
    plain, printed = drawn("navy"), drawn("navy")
    ImageDraw.Draw(printed).ellipse((170, 190, 210, 230), fill="firebrick")  # a tenth of the width
    assert apart(plain, printed, make) > LIMIT


def alike(images: Mapping[str, Image.Image], make, limit: float = LIMIT) -> list[tuple[str, str]]:
    """The pairs of images that pass."""
    numbers = list(itertools.combinations(range(len(images)), 2))
    pairs = np.array([(a, b, 0) for a, b in numbers])
    stored = [_measure(make.encoded(image)).levels for image in images.values()]
    found = confirm(stored, pairs) <= limit
    names = list(images)
    return [(names[a], names[b]) for (a, b), same in zip(numbers, found, strict=True) if same]


COLOURS = {
    "black": (17, 17, 17),
    "charcoal": (54, 69, 79),
    "dim grey": (105, 105, 105),
    "grey": (128, 128, 128),
    "dark grey": (169, 169, 169),
    "silver": (192, 192, 192),
    "burgundy": (128, 0, 32),
    "maroon": (128, 0, 0),
    "brown": (101, 67, 33),
    "chocolate": (123, 63, 0),
    "beige": (245, 245, 220),
    "ivory": (255, 255, 240),
    "cream": (255, 253, 208),
    "navy": (10, 10, 50),
    "bottle green": (0, 40, 20),
}


def mug(pen: ImageDraw.ImageDraw, colour, shade) -> None:
    pen.rounded_rectangle((75, 75, 200, 230), 15, fill=colour)
    pen.arc((175, 110, 250, 190), 270, 90, fill=colour, width=17)
    pen.line((85, 90, 85, 215), fill=shade, width=4)


def shirt(pen: ImageDraw.ImageDraw, colour, shade) -> None:
    body = (100, 60, 200, 60, 270, 110, 240, 150, 210, 130, 210, 250, 90, 250, 90, 130, 60, 150)
    pen.polygon((*body, 30, 110), fill=colour)
    pen.arc((125, 40, 175, 80), 0, 180, fill=shade, width=4)


def cap(pen: ImageDraw.ImageDraw, colour, shade) -> None:
    pen.pieslice((60, 75, 225, 240), 180, 360, fill=colour)
    pen.rectangle((190, 150, 280, 167), fill=shade)


def bag(pen: ImageDraw.ImageDraw, colour, shade) -> None:
    pen.rectangle((70, 115, 230, 260), fill=colour)
    pen.arc((110, 55, 190, 170), 180, 360, fill=shade, width=11)


def shoe(pen: ImageDraw.ImageDraw, colour, shade) -> None:
    pen.polygon((40, 210, 45, 140, 110, 140, 165, 180, 260, 200, 265, 220), fill=colour)
    pen.rectangle((40, 215, 265, 235), fill=shade)


SHAPES = (mug, shirt, cap, bag, shoe)


def coloured(shape, colour: tuple[int, ...], ground: str = "white") -> Image.Image:
    image = Image.new("RGB", (300, 300), ground)
    shape(ImageDraw.Draw(image), colour, tuple(level * 3 // 4 for level in colour))
    return image


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ground", ["white", "#f0f0f0", "#808080", "#404850", "black"])
def test_no_colour_is_taken_for_another(make, shape, ground: str) -> None:
    variants = {name: coloured(shape, colour, ground) for name, colour in COLOURS.items()}
    assert alike(variants, make) == []


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
def test_another_light_is_no_other_image(make, factor: float) -> None:
    for seed in range(5):
        image = make.photo(seed)
        assert apart(image, ImageEnhance.Brightness(image).enhance(factor), make) < LIMIT


def test_a_product_that_is_darker_on_the_same_white_is_another(make) -> None:
    for share in (0.7, 0.8, 0.9):
        darker = tuple(int(level * share) for level in COLOURS["silver"])
        images = (coloured(bag, colour) for colour in (COLOURS["silver"], darker))
        assert apart(*images, make) > LIMIT


def icons() -> dict[str, Image.Image]:
    """Flat drawings, no two alike, most of which differ in one place."""
    found = {}

    def pen(name: str) -> ImageDraw.ImageDraw:
        found[name] = Image.new("RGB", (256, 256), "white")
        return ImageDraw.Draw(found[name])

    for radius, numbers in ((45, range(16)), (20, range(1, 16)), (10, range(1, 15))):
        for n in numbers:
            corners = tuple(bool(n >> corner & 1) for corner in range(4))
            box = (40, 40, 216, 216)
            pen(f"corners {radius} {n}").rounded_rectangle(
                box, radius, fill="teal", corners=corners
            )
    for n in range(8):
        disc = pen(f"pie {n}")
        disc.ellipse((28, 28, 228, 228), fill="indigo")
        disc.pieslice((58, 58, 198, 198), 45 * n, 45 * n + 45, fill="gold")
        cells = pen(f"cells {n}")
        for cell in range(9):
            x, y = 40 + 62 * (cell % 3), 40 + 62 * (cell // 3)
            cells.rectangle((x, y, x + 50, y + 50), fill="brown" if cell == n else "navy")
    for text in ("OPEN", "OVEN", "OMEN", "STOP", "SHOP", "1", "2", "3", "7", "T", "Y", "V"):
        sign = pen(f"sign {text}")
        sign.ellipse((20, 20, 236, 236), fill="firebrick")
        sign.text((128, 128), text, "white", anchor="mm", font_size=50)
    for n in range(6):
        battery = pen(f"battery {n}")
        battery.rectangle((30, 90, 210, 166), outline="black", width=8)
        if n:
            battery.rectangle((40, 100, 40 + 32 * n, 156), fill="black")
    return found


def test_no_drawing_is_taken_for_another(make) -> None:
    assert alike(icons(), make) == []


def test_a_small_label_makes_another_drawing(make) -> None:
    bottles = {}
    for text in ("1 ml", "7 ml", "2 ml", "3 ml", "4 ml", "9 ml"):
        bottles[text] = Image.new("RGB", (256, 256), "white")
        pen = ImageDraw.Draw(bottles[text])
        pen.rectangle((60, 30, 196, 230), fill="teal")
        pen.text((128, 128), text, "white", anchor="mm", font_size=28)
    assert alike(bottles, make) == []


@pytest.mark.parametrize(
    "copy",
    [
        lambda i: i,
        lambda i: i.resize((128, 128), Image.Resampling.LANCZOS),
        lambda i: i.resize((500, 500), Image.Resampling.LANCZOS),
        lambda i: ImageEnhance.Brightness(i).enhance(0.85),
    ],
    ids=["again", "half", "twice", "darker"],
)
def test_a_copy_of_a_drawing_is_one(make, copy) -> None:
    for image in list(icons().values())[::4]:
        assert apart(image, copy(image), make) < LIMIT


def test_where_nothing_could_differ_nothing_is_confirmed(make) -> None:
    dot = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(dot).ellipse((145, 145, 155, 155), fill="silver")
    assert apart(dot, Image.new("RGB", (300, 300), "white"), make) == 1


def test_a_mirror_image_is_the_same_when_mirrored(make) -> None:
    image = make.photo(1)
    stored = [levels(image), levels(ImageOps.mirror(image))]
    plain, turned = confirm(stored, np.array([[0, 1, 0], [0, 1, 1]])).tolist()
    assert turned < 0.02 < LIMIT < plain


@pytest.mark.parametrize("percent", [2, 4, 6, 8])
def test_either_of_two_may_be_a_crop_of_the_other(make, percent: int) -> None:
    for seed in range(5):
        image = make.photo(seed, (400, 400))
        edge = 2 * percent  # of 400 pixels, half of it on each side
        cropped = image.crop((edge, edge, 400 - edge, 400 - edge))
        there, back = apart(image, cropped, make), apart(cropped, image, make)
        assert there < LIMIT
        assert there == pytest.approx(back, abs=0.001)
