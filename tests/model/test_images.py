import contextlib
import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.images import UnreadableImageError, decode, decode_many, each_image

pillow_heif.register_heif_opener()  # to write them

SIZE = 8


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def halves(left: tuple | int, right: tuple | int, mode: str = "RGB") -> Image.Image:
    """40 × 20, the left half of one colour, the right of another."""
    image = Image.new(mode, (40, 20), left)
    image.paste(right, (20, 0, 40, 20))
    return image


def test_an_image_is_a_square_of_rgb_bytes_stretched() -> None:
    array = decode(encoded(halves((255, 0, 0), (0, 0, 255))), SIZE)
    assert array.shape == (SIZE, SIZE, 3)
    assert array.dtype == np.uint8
    assert (array[:, :3] == (255, 0, 0)).all()
    assert (array[:, 5:] == (0, 0, 255)).all()


def test_path_bytes_pillow_and_array_are_one_image(tmp_path) -> None:
    image = Image.effect_noise((30, 50), 80).convert("RGB")
    path = tmp_path / "noise.png"
    image.save(path)
    forms = [path, str(path), path.read_bytes(), image, np.asarray(image)]
    arrays = [decode(form, SIZE) for form in forms]
    for array in arrays[1:]:
        np.testing.assert_array_equal(array, arrays[0])


def test_exif_orientation_is_obeyed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the image's left is its top
    content = encoded(halves((255, 255, 255), (0, 0, 0)), "JPEG", exif=exif)
    array = decode(content, SIZE)
    assert array[:3].min() > 200
    assert array[5:].max() < 50


@pytest.mark.parametrize("form", ["HEIF", "TIFF"])
def test_images_of_phones_and_scanners_are_turned_once(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = halves((255, 255, 255), (0, 0, 0)).resize((80, 64))
    array = decode(encoded(image, form, exif=exif.tobytes() if form == "HEIF" else exif), SIZE)
    assert array[:3].min() > 200
    assert array[5:].max() < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_white(mode: str) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    if mode == "P":
        image = Image.new("P", (20, 20), 0)
        content = encoded(image, transparency=0)
    else:
        content = encoded(image.convert(mode))
    assert (decode(content, SIZE) == 255).all()


def test_half_transparent_is_blended_with_white() -> None:
    content = encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 128)))
    assert abs(int(decode(content, SIZE).mean()) - 127) <= 1


@pytest.mark.parametrize(
    ("mode", "grey"), [("L", 120), ("1", 255), ("RGB", (120,) * 3), ("CMYK", (0, 0, 0, 135))]
)
def test_every_mode_becomes_rgb(mode: str, grey) -> None:
    form = "TIFF" if mode == "CMYK" else "PNG"
    array = decode(encoded(Image.new(mode, (20, 20), grey), form), SIZE)
    assert (array == (255 if mode == "1" else 120)).all()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = Image.fromarray(np.full((20, 20), 120 * 257, np.uint16))
    assert np.abs(decode(encoded(grey), SIZE).astype(int) - 120).max() <= 1


def test_an_animation_is_its_first_frame() -> None:
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    content = encoded(red, "GIF", save_all=True, append_images=[blue])
    assert (decode(content, SIZE) == (255, 0, 0)).all()


def test_the_decoders_reduced_scale_changes_little() -> None:
    y, x = np.mgrid[:400, :600]
    waves = 127 + 60 * np.sin(x / 40) + 60 * np.cos(y / 25)
    content = encoded(Image.fromarray(waves.astype(np.uint8)).convert("RGB"), "JPEG", quality=95)
    reduced = decode(content, 64)
    whole = decode(Image.open(io.BytesIO(content)).copy(), 64)
    assert np.abs(reduced.astype(int) - whole).mean() < 1


def test_what_is_no_image_is_refused_by_name(tmp_path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("<html>404</html>")
    with pytest.raises(UnreadableImageError, match=r"notes\.jpg can't be read"):
        decode(text, SIZE)
    with pytest.raises(UnreadableImageError, match=r"gone\.jpg is not there"):
        decode(tmp_path / "gone.jpg", SIZE)
    with pytest.raises(UnreadableImageError, match=r"can't be read"):
        decode(tmp_path, SIZE)
    with pytest.raises(UnreadableImageError, match="the image can't be read"):
        decode(b"", SIZE)


def test_a_camera_raw_file_is_refused_with_the_remedy(tmp_path) -> None:
    path = tmp_path / "IMG_1.NEF"
    path.write_bytes(encoded(Image.new("RGB", (16, 12)), "TIFF"))
    with pytest.raises(
        UnreadableImageError, match=r"IMG_1\.NEF can't be read: no image .* camera raw file: export"
    ):
        decode(path, SIZE)


def test_a_truncated_image_is_refused() -> None:
    content = encoded(Image.effect_noise((200, 200), 80), "JPEG")
    with pytest.raises(UnreadableImageError):
        decode(content[: len(content) // 2], SIZE)


def test_an_array_of_floats_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="uint8"):
        decode(np.zeros((4, 4, 3)), SIZE)
    with pytest.raises(UnreadableImageError):
        decode(np.zeros((4, 4, 2, 3), np.uint8), SIZE)


PNG, JPEG = (encoded(Image.effect_noise((9, 9), 80), form) for form in ("PNG", "JPEG"))


@given(
    st.one_of(
        st.binary(max_size=64),
        st.tuples(
            st.sampled_from([PNG, JPEG]), st.integers(0, 150), st.binary(min_size=1, max_size=8)
        ).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + len(t[2]) :]),
    )
)
def test_damaged_bytes_are_decoded_or_refused_and_nothing_else(content: bytes) -> None:
    with contextlib.suppress(UnreadableImageError):
        assert decode(content, SIZE).shape == (SIZE, SIZE, 3)


def test_many_keep_their_order_and_one_bad_image_stays_alone() -> None:
    images = [Image.new("L", (10, 10), level) for level in range(50)]
    decoded = decode_many([*images[:20], b"no image", *images[20:]], SIZE)
    assert isinstance(decoded.pop(20), UnreadableImageError)
    assert [int(array[0, 0, 0]) for array in decoded] == list(range(50))
    assert decode_many([], SIZE) == []


class Tensor:
    """What TensorFlow's and PyTorch's tensors have in common."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.array


GREY = np.full((10, 12), 120, np.uint8)
RGB = np.dstack([GREY] * 3)


@pytest.mark.parametrize(
    "one",
    [
        "a.jpg",
        np.str_("a.jpg"),
        np.array("a.jpg"),
        Path("a.jpg"),
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        io.BytesIO(PNG),
        Image.new("L", (3, 4)),
        GREY,
        GREY[..., None],
        RGB,
        np.dstack([RGB, GREY]),
        Tensor(RGB),
        np.empty((0, 5, 3), np.uint8),
        np.empty((0, 0), np.uint8),
        {"file": "a.jpg"},
        None,
        7,
    ],
    ids=lambda one: type(one).__name__,
)
def test_one_image_is_one_image(one) -> None:
    assert len(list(each_image(one))) == 1


@pytest.mark.parametrize(
    "many",
    [
        ["a.jpg", "b.jpg"],
        ("a.jpg", PNG),
        (name for name in ("a.jpg", "b.jpg")),
        np.array(["a.jpg", "b.jpg"]),
        np.stack([RGB, RGB]),
        np.stack([GREY[..., None]] * 2),
        np.stack([GREY, GREY]),
        Tensor(np.stack([RGB, RGB])),
        [RGB, GREY],
    ],
    ids=lambda many: type(many).__name__,
)
def test_many_images_are_many(many) -> None:
    assert len(list(each_image(many))) == 2


def test_none_is_none() -> None:
    for nothing in ([], (), np.empty((0, 10, 10, 3), np.uint8)):
        assert list(each_image(nothing)) == []


def test_open_files_bytes_of_any_kind_and_grey_arrays_are_images(tmp_path: Path) -> None:
    grey = Image.fromarray(GREY)
    written = io.BytesIO()
    grey.save(written, "PNG")  # stands at its end
    content = written.getvalue()
    path = tmp_path / "grey.png"
    path.write_bytes(content)
    with path.open("rb") as file:
        forms = [file, written, written, bytearray(content), memoryview(content)]
        arrays = decode_many([*forms, GREY, GREY[..., None], Tensor(RGB)], SIZE)
    for array in arrays:
        assert isinstance(array, np.ndarray)
        assert (array == 120).all()
    with path.open(encoding="latin1") as file, pytest.raises(UnreadableImageError, match="'rb'"):
        decode(file, SIZE)


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (np.empty((0, 5, 3), np.uint8), "no pixels"),
        (np.empty((5, 0), np.uint8), "no pixels"),
        (Image.new("RGB", (0, 4)), "no pixels"),
        (np.zeros((3, 20, 20), np.uint8), "channels first"),
        (np.zeros((20, 20, 5), np.uint8), "must be"),
        (np.zeros(20, np.uint8), "must be"),
        (np.zeros((20, 20), bool), "uint8"),
        (None, "NoneType is none of a path"),
        ([[0, 1], [1, 0]], "list is none of a path"),
    ],
)
def test_what_has_no_pixels_or_no_such_form_is_refused_with_the_reason(image, why: str) -> None:
    with pytest.raises(UnreadableImageError, match=f"the image can't be read: .*{why}"):
        decode(image, SIZE)
