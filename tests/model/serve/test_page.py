"""The page, in a real browser."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from playwright.sync_api import Browser, FileChooser, Page, expect
from proxy import proxied
from server import project, served

from pipeline.formats import FORMATS

pillow_heif.register_heif_opener()  # to write them

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


@pytest.fixture(params=SIZES)
def page(request: Any, browser: Browser, server: str) -> Iterator[Page]:
    """The page, just opened. Nothing may fail in it, and nothing be asked of another host."""
    context = browser.new_context(
        viewport=SIZES[request.param],
        has_touch=request.param == "phone",
        is_mobile=request.param == "phone",
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(server)
    expect(page.locator("#model")).to_have_text("The classes: apple, leaf, sky.")
    yield page
    overflow = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()
    assert not overflow
    # Chromium notes each refusal; the page shows it
    assert [text for text in wrong if "responded with a status of 4" not in text] == []
    assert all(url.startswith((server, "blob:", "data:")) for url in asked), asked


def transfer(page: Page, *files: tuple[str, bytes]) -> Any:
    """A DataTransfer, as a drop or a paste brings it."""
    return page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, content] of files) {
                const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        [[name, base64.b64encode(content).decode()] for name, content in files],
    )


def tile(page: Page, name: str) -> Any:
    return page.get_by_role("listitem").filter(has=page.get_by_text(name, exact=True)).first


def test_dropped_images_are_answered_one_by_one(page: Page, trained: Path) -> None:
    test = trained / "data/dataset/test"
    files = [(f"{label}.png", (test / label / "00.png").read_bytes()) for label in ("leaf", "sky")]
    hostile = "<img src=x onerror=alert(1)>.png"
    dropped = transfer(page, *files, ("bad.jpg", b"<html>"), (hostile, files[0][1]))
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("status")).to_contain_text("4 of 4 answered")
    for label in ("leaf", "sky"):
        guesses = tile(page, f"{label}.png").get_by_role("button")
        expect(guesses).to_have_count(3)
        expect(guesses.first).to_contain_text(label)
    expect(tile(page, "bad.jpg").get_by_role("heading")).to_have_text("Not answered")
    expect(tile(page, "bad.jpg")).to_contain_text("no image of a known format")
    expect(tile(page, hostile).get_by_role("button").first).to_contain_text("leaf")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("")


@pytest.mark.parametrize("form", ["HEIF", "TIFF"])
def test_what_the_browser_cannot_show_is_shown_by_the_server(
    page: Page, make: Any, form: str
) -> None:
    content = make.encoded(make.photo(1, (1200, 900)), form)
    name = f"IMG_1.{form}"
    dropped = transfer(page, (name, content))
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    image = tile(page, name).locator("img")
    expect(image).to_be_visible()
    page.wait_for_function("image => image.naturalWidth === 512", arg=image.element_handle())
    tile(page, name).get_by_role("button").first.click()
    expect(tile(page, name).locator(".legend")).not_to_have_text("Looking …")


def test_what_nobody_can_show_is_not_shown(page: Page) -> None:
    page.dispatch_event(
        "#drop", "drop", {"dataTransfer": transfer(page, ("bad.heic", b"no image"))}
    )
    expect(tile(page, "bad.heic").get_by_role("heading")).to_have_text("Not answered")
    expect(tile(page, "bad.heic").locator("img")).to_be_hidden()


def test_files_of_every_format_can_be_chosen(page: Page) -> None:
    """Browsers know few of these names by `image/*`."""
    accepted = set(page.locator("#choose").get_attribute("accept").split(","))
    assert accepted >= {"image/*"}
    for form in ("heic", "tiff", "bmp", "avif"):
        assert accepted >= set(FORMATS[form].suffixes)


def test_pasted_images_are_answered(page: Page, image: Path) -> None:
    pasted = transfer(page, ("pasted.png", image.read_bytes()))
    page.evaluate(
        "data => dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}))", pasted
    )
    expect(tile(page, "pasted.png").get_by_role("button").first).to_contain_text("leaf")


def test_the_keyboard_chooses_and_asks_where(page: Page, image: Path) -> None:
    chosen: list[FileChooser] = []
    page.on(
        "filechooser", lambda each: chosen.append(each)
    )  # early: Chromium takes a while to hand it over
    page.keyboard.press("Tab")
    expect(page.get_by_label("Choose images")).to_be_focused()
    for _ in range(300):
        page.keyboard.press("Space")
        page.wait_for_timeout(100)
        if chosen:
            break
    chosen[0].set_files([image, image.with_name("01.png")])
    expect(page.get_by_role("status")).to_contain_text("2 of 2 answered")
    where = tile(page, "00.png").get_by_role("button").first
    where.focus()
    page.keyboard.press("Enter")
    expect(where).to_have_attribute("aria-pressed", "true")
    expect(tile(page, "00.png").locator(".legend")).to_contain_text("leaf")
    page.keyboard.press("Enter")
    expect(where).to_have_attribute("aria-pressed", "false")
    expect(tile(page, "00.png").locator("canvas")).to_be_hidden()


def test_the_area_that_decided_is_painted(page: Page, image: Path) -> None:
    """The server's numbers, where the image is: a strong cell is coloured, a weak one is not."""
    cells = [[0.5 if (row, column) == (1, 2) else 0.0 for column in range(4)] for row in range(4)]
    answer = {"file": "00.png", "label": "leaf", "confidence": 0.9, "importance": cells}
    page.route("**/v1/explain*", lambda route: route.fulfill(json=answer))
    page.get_by_label("Choose images").set_input_files(image)
    tile(page, "00.png").get_by_role("button").first.click()
    told = "Without the strongest one, its probability falls by 50 points."
    expect(tile(page, "00.png")).to_contain_text(told)
    canvas = tile(page, "00.png").locator("canvas")
    expect(canvas).to_be_visible()
    alpha = canvas.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 4, 4).data].filter((_, i) => i % 4 === 3)"
    )
    assert [i for i, value in enumerate(alpha) if value] == [6]
    boxes = [canvas.bounding_box(), tile(page, "00.png").locator("img").bounding_box()]
    assert boxes[0] == boxes[1]


def test_who_is_told_to_come_again_does(page: Page, image: Path) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "0.01"}, "json": {"detail": "busy"}}
    page.route("**/v1/predict*", lambda route: route.fulfill(**busy), times=1)
    page.get_by_label("Choose images").set_input_files(image)
    expect(tile(page, "00.png").get_by_role("button").first).to_contain_text("leaf")


def test_an_answer_without_a_reason_is_told(page: Page, image: Path) -> None:
    page.route("**/v1/predict*", lambda route: route.fulfill(status=403, body="<html>"))
    page.get_by_label("Choose images").set_input_files(image)
    expect(tile(page, "00.png")).to_contain_text("The server answers with the status 403.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(browser: Browser, server: str, scheme: str) -> None:
    """Contrast of at least 4.5 (WCAG AA)."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(server)
    for selector in ("h1", "#model", ".button.primary", "footer a", ".hint"):
        assert page.locator(selector).evaluate(CONTRAST) >= 4.5, selector
    page.close()


def test_a_wrong_answer_is_corrected(
    browser: Browser, exported: Path, tmp_path: Path, image: Path
) -> None:
    root = project(exported, tmp_path, {"own": {"kind": "folder", "path": "own"}})
    with served(root, "--engine", "onnx", "--learn-into", "own") as server:
        page = browser.new_page(viewport=SIZES["phone"])
        page.goto(server)
        page.get_by_label("Choose images").set_input_files(image)
        box = tile(page, "00.png").locator(".learn")
        box.get_by_text("That's wrong, it is …").click()
        keep, told = box.get_by_role("button", name="Keep"), box.get_by_role("status")
        keep.click()  # nothing is chosen yet
        assert not (root / "own").exists()
        box.get_by_label("Class", exact=True).select_option("sky")
        keep.click()
        expect(told).to_have_text('Kept as "sky". The next training learns from it.')
        assert [path.parent.name for path in (root / "own").glob("*/*.png")] == ["sky"]
        box.get_by_label("Class", exact=True).select_option("a new class …")
        box.get_by_label("Name of the new class").fill(" a/b ")
        keep.click()
        expect(told).to_contain_text("can't be a class folder; 'a-b' could")
        box.get_by_label("Name of the new class").fill("twig & <b>")
        keep.click()
        expect(told).to_contain_text("can't be a class folder")
        box.get_by_label("Name of the new class").fill("twig & co")
        keep.click()
        expect(told).to_have_text('Kept as "twig & co". The next training learns from it.')
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.close()
    assert [path.parent.name for path in (root / "own").glob("*/*.png")] == ["twig & co"]


def test_without_the_option_nothing_is_corrected(page: Page, image: Path) -> None:
    page.get_by_label("Choose images").set_input_files(image)
    expect(tile(page, "00.png").get_by_role("button").first).to_contain_text("leaf")
    expect(tile(page, "00.png").get_by_text("That's wrong")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_the_api_and_the_login_fit_and_can_be_read(
    browser: Browser, serve: Any, server: str, scheme: str, size: str
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport=SIZES[size])
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(f"{server}/docs")
    expect(page.get_by_role("heading", name="An example")).to_be_visible()
    expect(page.locator("pre").nth(0)).to_contain_text(f"'{server}/v1/predict?top=2'")
    answer = json.loads(page.locator("pre").nth(1).text_content())
    assert answer["predictions"][0]["label"] == "apple"
    assert answer["predictions"][1]["label"] is None
    for selector in ("h1", "header p", "nav a", "nav .method", "h2 code", "dd", "pre"):
        assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    with serve(token="a secret of some length") as guarded:
        page.goto(guarded)
        page.get_by_label("The token").fill("wrong")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        for selector in ("h1", "label", "input", "button", "[role=alert]", "p.faint"):
            assert page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector
        assert page.locator("main").evaluate("e => getComputedStyle(e).maxWidth") == "416px"
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.get_by_label("The token").fill("a secret of some length")
        page.get_by_role("button", name="Enter").click()
        expect(page.locator("#model")).to_have_text("The classes: apple, leaf, sky.")
    assert [text for text in wrong if "status of 401" not in text] == []
    page.close()


def test_behind_a_proxy_with_a_prefix(browser: Browser, serve: Any, image: Path) -> None:
    token = "a secret of some length"
    with (
        serve("--root-path", "/shop", token=token) as guarded,
        proxied(guarded, "/shop") as address,
    ):
        page = browser.new_page()
        page.goto(address)
        page.get_by_label("The token").fill(token)
        page.get_by_role("button", name="Enter").click()
        page.get_by_label("Choose images").set_input_files(image)
        where = tile(page, "00.png").get_by_role("button").first
        where.click()
        expect(tile(page, "00.png").locator(".legend")).to_contain_text("leaf")
        page.get_by_role("link", name="API").click()
        expect(page.locator("pre").first).to_contain_text(f"{address}v1/predict")
        assert page.locator("h1").evaluate("e => getComputedStyle(e).fontSize") == "25.6px"
        page.close()


CONTRAST = """element => {
    const numbers = colour => {
        const canvas = new OffscreenCanvas(1, 1).getContext('2d');
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    let behind = element;
    const clear = element => numbers(getComputedStyle(element).backgroundColor)[3] === 0;
    while (clear(behind)) behind = behind.parentElement;
    const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    const [high, low] = pair.map(c => luminance(numbers(c))).sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
}"""
