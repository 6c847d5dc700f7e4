"""A product, a place and a camera: how a photo comes about."""

from random import Random
from typing import Protocol

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from scraper.demo_shop.photos import scenes
from scraper.demo_shop.photos.backpack import Backpack
from scraper.demo_shop.photos.canvas import Canvas
from scraper.demo_shop.photos.cap import Cap
from scraper.demo_shop.photos.geometry import Frame, Points, box, ellipse, ribbon
from scraper.demo_shop.photos.mug import Mug
from scraper.demo_shop.photos.sneaker import Sneaker
from scraper.demo_shop.photos.t_shirt import TShirt
from scraper.demo_shop.photos.textures import SIDE, texture


class Design(Protocol):
    """A product to be photographed, in a box of about 1 by 1."""

    base: float
    """y of what it stands on"""
    seed: float

    @property
    def stances(self) -> tuple[str, ...]:
        """How it can be photographed: stand, lie (seen from above), hang."""
        ...

    @property
    def print_at(self) -> Frame | None:
        """Where a picture of another product is printed on it."""
        ...

    def silhouette(self) -> list[Points]: ...

    def draw(self, canvas: Canvas, frame: Frame) -> None: ...


DESIGNS: dict[str, type[Mug] | type[TShirt] | type[Sneaker] | type[Backpack] | type[Cap]] = {
    "backpack": Backpack,
    "mug": Mug,
    "sneaker": Sneaker,
    "t-shirt": TShirt,
    "cap": Cap,
}
_SIZES = (
    *((480, 480), (480, 480), (480, 480), (512, 512), (560, 560)),
    *((480, 600), (480, 560), (480, 640), (600, 480), (560, 480)),
)
_SHADOW = (12, 12, 18)


def shoot(design: Design, rng: Random) -> Image.Image:
    """Photograph a design: place, stance, camera and light are drawn from `rng`.

    Two times in three it is a studio's plain ground, else a setting with other things about.
    """
    in_studio = rng.random() < 2 / 3
    size = rng.choice(_SIZES)
    light = (rng.choice((-1, 1)) * rng.uniform(0.35, 0.85), -rng.uniform(0.55, 0.9))
    stance = rng.choice(design.stances)
    settings = {"stand": scenes.standing, "lie": scenes.flat, "hang": scenes.wall}
    scene = (scenes.studio if in_studio else settings[stance])(rng, size, light)
    frame = _place(design, rng, scene, stance, in_studio=in_studio)
    if not in_studio and stance != "hang" and rng.random() < 0.25:
        _put_another(design, rng, scene)
    if stance == "hang" and not in_studio:
        _draw_rail(design, rng, scene.canvas, frame)
    _cast_shadow(design, rng, scene.canvas, frame, stance)
    if stance == "hang" and isinstance(design, TShirt):
        design.draw_hanger(scene.canvas, frame)
    design.draw(scene.canvas, frame)
    if design.print_at:
        printed = _another(design, Random(design.seed))
        printed.draw(scene.canvas, frame.inside(design.print_at))
    return _develop(rng, scene.canvas.image, in_studio=in_studio)


def _place(
    design: Design, rng: Random, scene: scenes.Scene, stance: str, *, in_studio: bool
) -> Frame:
    """Where the product is in the picture: most of it in a studio, less in a setting."""
    every = np.concatenate(design.silhouette())
    low, high = every.min(axis=0), every.max(axis=0)
    middle = (low + high) / 2
    width, height = scene.canvas.image.size
    share = rng.uniform(0.66, 0.9) if in_studio else rng.uniform(0.5, 0.78)
    if rng.random() < 0.06:
        share *= 1.35  # so near that the frame cuts it
    turn = {"stand": 3, "hang": 4, "lie": 28}[stance] * rng.uniform(-1, 1)
    if stance == "lie" and rng.random() < 0.12:
        turn += rng.choice((90, 180, -90))
    c, s = abs(np.cos(np.radians(turn))), abs(np.sin(np.radians(turn)))
    across, down = (high - low) @ np.array([[c, s], [s, c]])
    size = share * min(width / across, height / down, 1.25 * min(width, height))
    jitter = 0.03 if in_studio else 0.1
    x = width * (0.5 + rng.uniform(-jitter, jitter))
    y = height * (0.5 + rng.uniform(-jitter, jitter) * 0.6)
    if stance == "stand":
        below = size * (design.base - middle[1])
        floor = scene.floor or min(height * 0.93, height * 0.52 + below)
        y = floor - below
    view = Frame.at(
        (x, y),
        size,
        turn=turn,
        squeeze=rng.uniform(0.86, 1.02),
        skew=rng.uniform(-4, 4) * (0.3 if stance == "stand" else 1),
        lean=(rng.uniform(-0.12, 0.12), rng.uniform(-0.1, 0.1)),
        flip=rng.random() < 0.5,
    )
    return view.inside(Frame.at((-middle[0], -middle[1]), 1))


def _cast_shadow(design: Design, rng: Random, canvas: Canvas, frame: Frame, stance: str) -> None:
    """The shadow on what the product stands on, lies on or hangs before."""
    lx, ly = canvas.light
    pixels = [frame(outline) for outline in design.silhouette()]
    dark = rng.uniform(0.25, 0.55)
    if stance != "stand":
        far = frame.size * rng.uniform(0.015, 0.035 if stance == "lie" else 0.06)
        shifted = [p - np.array([lx, ly]) * far for p in pixels]
        canvas.fill(scenes.PIXELS, shifted, _SHADOW, opacity=dark, soft=far * 0.7)
        return
    every = np.concatenate(pixels)
    foot = float(every[:, 1].max())
    flat, drift = rng.uniform(0.1, 0.22), -lx * rng.uniform(0.3, 0.6)
    above = [foot - p[:, 1] for p in pixels]
    cast = [
        np.stack([p[:, 0] + up * drift, foot - up * flat], axis=1)
        for p, up in zip(pixels, above, strict=True)
    ]
    soft = frame.size * rng.uniform(0.02, 0.05)
    canvas.fill(scenes.PIXELS, cast, _SHADOW, opacity=dark * 0.6, soft=soft)
    near = every[every[:, 1] > foot - frame.size * 0.12, 0]
    left, right = float(near.min()), float(near.max())
    centre = ((left + right) / 2, foot - frame.size * 0.015)
    contact = ellipse(centre, (right - left) * 0.51, frame.size * 0.035)
    opacity = min(1, dark * 1.5)
    canvas.fill(scenes.PIXELS, contact, _SHADOW, opacity=opacity, soft=frame.size * 0.015)


def _draw_rail(design: Design, rng: Random, canvas: Canvas, frame: Frame) -> None:
    """What the product hangs on: a rail, or a hook in the wall."""
    every = np.concatenate(design.silhouette())
    x, y = float(every[:, 0].mean()), float(every[:, 1].min())
    if isinstance(design, TShirt):
        y -= 0.125  # its hanger's hook
    if rng.random() < 0.5:
        rail = ribbon(np.array([(x - 4, y + 0.02), (x + 4, y + 0.02)]), 0.03)
        canvas.part(frame, rail, (126, 120, 112)).puff(0.012, 1).done()
        return
    plate = box(x - 0.035, y - 0.05, x + 0.035, y + 0.05, 0.02)
    canvas.part(frame, plate, (108, 88, 64)).puff(0.012, 1).done()
    knob = ellipse((x, y + 0.02), 0.018, 0.018)
    canvas.part(frame, knob, (176, 176, 178)).puff(0.008, 1.2).done()


def _another(design: Design, rng: Random) -> Design:
    others = [kind for kind in DESIGNS.values() if not isinstance(design, kind)]
    return rng.choice(others)(rng)


def _put_another(design: Design, rng: Random, scene: scenes.Scene) -> None:
    """Something else that the shop sells, further back and cut by the frame."""
    other = _another(design, rng)
    width, height = scene.canvas.image.size
    x = width * rng.choice((rng.uniform(-0.02, 0.1), rng.uniform(0.9, 1.02)))
    size = min(width, height) * rng.uniform(0.3, 0.42)
    if scene.floor:
        y, turn = scene.floor - height * 0.06 - size * other.base, 0.0
    else:
        y, turn = height * rng.uniform(0.15, 0.85), rng.uniform(-30, 30)
    frame = Frame.at((x, y), size, turn=turn, flip=rng.random() < 0.5)
    below = frame.inside(Frame.at((0.01, 0.03), 1))
    scene.canvas.fill(below, other.silhouette(), _SHADOW, opacity=0.35, soft=0.03)
    other.draw(scene.canvas, frame)


def _develop(rng: Random, image: Image.Image, *, in_studio: bool) -> Image.Image:
    """Exposure, colour cast, focus and grain."""
    much = 0.5 if in_studio else 1
    gain = 1 + rng.uniform(-0.16, 0.12) * much
    gamma = 1 + rng.uniform(-0.15, 0.15) * much
    warm, tint = rng.uniform(-0.06, 0.06) * much, rng.uniform(-0.02, 0.02) * much
    ramp = (np.arange(256) / 255) ** gamma * 255 * gain
    table = [np.clip(ramp * k, 0, 255).round() for k in (1 + warm, 1 + tint, 1 - warm)]
    image = image.point(np.concatenate(table).astype(int).tolist())
    if rng.random() < 0.12:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.3)))
    if rng.random() < (0.25 if in_studio else 0.6):
        left, top = (rng.randrange(SIDE - side) for side in image.size)
        grain = texture("film").crop((left, top, left + image.width, top + image.height))
        image = ImageChops.add(image, Image.merge("RGB", (grain,) * 3), 1, -128)
    return image
