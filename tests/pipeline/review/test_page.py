"""The review page in a browser, by keyboard, on a desk and on a phone."""

import csv
import hashlib
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.decisions import read_decisions

DONE = "[...document.querySelectorAll('.chip')].every(one => !one.classList.contains('pending'))"
CHIPS = "[...document.querySelectorAll('.chip')].map(one => one.textContent)"


def until(page, expression: str) -> None:
    """Wait until it is true. (Playwright's own way needs `eval`; the page's policy forbids it.)"""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {expression}; {decided(page)}, {page.text_content('#trouble')!r}")


def lines() -> list[dict[str, str]]:
    with paths.REVIEW.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def decided(page) -> dict[str, str]:
    """What the page says was decided, by position, of all cards that are drawn."""
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.card')].map(card => "
        "[card.getAttribute('aria-posinset'), card.querySelector('.chip')?.textContent ?? '']))"
    )


def written(count: int, page) -> None:
    """Wait until the page has so many decisions settled."""
    until(page, f"{CHIPS}.length === {count} && {DONE}")


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fill(work, make, count: int, labels: tuple[str, ...] = ("mug", "cap", "plate")) -> list[str]:
    return [
        work.add(make.encoded(make.next((96, 72))), labels[n % len(labels)], title=f"No. {n}")
        for n in range(count)
    ]


def test_fifty_images_by_keyboard_and_every_decision_is_there(work, make, serve, open_page) -> None:
    fill(work, make, 50)
    address = serve()
    before = files_in(work.root)
    page = open_page(address, viewport={"width": 1280, "height": 3000})
    keys = ["k", "d", "1", "2", "3"]
    says = ["✓ keep", "✕ drop", "→ cap", "→ mug", "→ plate"]
    for n in range(50):
        page.keyboard.press(keys[n % 5])
    written(50, page)
    expected = {str(n + 1): says[n % 5] for n in range(50)}
    assert decided(page) == expected
    page.reload()
    written(50, page)
    assert decided(page) == expected
    assert len(lines()) == len(read_decisions(paths.REVIEW)) == 50
    assert [line["decision"] for line in lines()[:3]] == ["keep", "drop", "relabel"]
    after = files_in(work.root)
    assert {name for name in after if after[name] != before.get(name)} == {"data/review.csv"}
    assert before.keys() == after.keys()


def test_what_the_counter_says_is_what_clean_then_does(work, make, serve, open_page) -> None:
    _, other = fill(work, make, 2, ("mug",))
    image = make.next((400, 300))
    right = work.add(make.encoded(image), "mug")
    wrong = work.add(make.resized(image), "cap")
    page = open_page(serve(), "conflicts")
    assert page.locator(".panel p").all_text_contents() == ["mug or cap?"]
    assert "of 256 bits away" in page.locator(".card").nth(1).text_content()
    page.keyboard.press("k")
    page.click("[data-view=all]")
    page.fill("[name=text]", "No. 1")
    until(page, "document.querySelectorAll('.card').length === 1")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("not a mug; k d u are letters here")
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    until(page, "document.querySelector('#changes').textContent.includes('dropped')")
    assert lines()[1]["note"] == "not a mug; k d u are letters here"
    assert page.text_content("#changes") == "Next dvc repro: 1 kept, 1 dropped"
    kept = {row["sha256"] for row in work.rows(verdict="keep")}
    work.clean()
    now = {row["sha256"] for row in work.rows(verdict="keep")}
    assert (now - kept, kept - now) == ({right}, {other})
    assert work.rows(sha256=wrong)[0]["reason"] == "label_conflict"
    page.wait_for_selector("#trouble:has-text('Clean has run since')", timeout=60_000)
    page.click("#trouble button")
    until(page, "document.querySelector('#changes').textContent.includes('nothing')")


def test_two_tabs_see_and_keep_one_anothers(work, make, serve, open_page) -> None:
    fill(work, make, 8)
    address = serve()
    first, second = open_page(address), open_page(address)
    first.keyboard.press("d")
    written(1, first)
    second.bring_to_front()
    written(1, second)
    for key in ("End", "k", "ArrowLeft", "d"):
        second.keyboard.press(key)
    for key in ("k", "3"):
        first.keyboard.press(key)
    written(5, first)
    written(5, second)
    assert decided(first) == decided(second)
    assert len(lines()) == 5
    assert len(read_decisions(paths.REVIEW)) == 5


def test_undo_goes_back_step_by_step_also_after_a_reload(work, make, serve, open_page) -> None:
    fill(work, make, 4)
    page = open_page(serve())
    for key in ("k", "d", "ArrowLeft", "1"):  # the second one twice
        page.keyboard.press(key)
    written(2, page)
    assert [line["decision"] for line in lines()] == ["keep", "drop", "relabel"]
    page.keyboard.press("u")
    until(page, f"{CHIPS}.join() === '✓ keep,✕ drop'")
    page.reload()
    written(2, page)
    page.keyboard.press("u")
    until(page, f"{CHIPS}.join() === '✓ keep'")
    page.keyboard.press("Home")
    page.keyboard.press("Backspace")
    until(page, f"{CHIPS}.length === 0")
    assert lines() == []


def test_what_could_not_be_saved_is_said_and_not_shown_as_decided(
    work, make, serve, open_page
) -> None:
    fill(work, make, 2)
    page = open_page(serve())
    page.route("**/api/decisions", lambda route: route.fulfill(status=409, json={"detail": "No!"}))
    page.keyboard.press("d")
    page.wait_for_selector("#trouble:has-text('Not saved: No!')")
    assert page.evaluate(CHIPS) == []
    page.unroute("**/api/decisions")
    page.keyboard.press("d")
    written(1, page)
    page.wait_for_selector("#trouble", state="hidden")
    page.wait_for_timeout(100)


def test_a_class_that_is_not_there_yet(work, make, serve, open_page) -> None:
    fill(work, make, 3)
    page = open_page(serve())
    page.keyboard.press("r")
    page.keyboard.type("teapot")
    page.keyboard.press("Enter")
    written(1, page)
    assert lines()[0]["label"] == "teapot"
    assert page.locator("#numbers button", has_text="teapot").is_visible()
    page.keyboard.press("r")
    page.keyboard.type("pla")
    page.keyboard.press("Enter")
    written(2, page)
    assert lines()[1]["label"] == "plate"


def test_suspects_are_accepted_by_a_key(work, make, serve, open_page) -> None:
    first, second, _ = fill(work, make, 3)
    folder = paths.RESULTS / "audit"
    folder.mkdir(parents=True)
    (folder / "suspects.csv").write_text(
        f"sha256,label,suggested,score\n{second},cap,plate,0.1\n{first},mug,cap,0.2\n"
    )
    page = open_page(serve(), "suspects")
    assert "maybe plate" in page.locator(".card").first.text_content()
    page.keyboard.press("a")
    written(1, page)
    assert (lines()[0]["sha256"], lines()[0]["label"]) == (second, "plate")


def test_filters_find_and_outlive_a_reload(work, make, serve, open_page) -> None:
    fill(work, make, 9)
    work.add(make.blank(), "cap", title="No. blank")
    page = open_page(serve())
    count = page.locator("#shown")
    page.keyboard.press("/")
    page.keyboard.type("no. bl")
    until(page, "document.querySelector('#shown').textContent.includes('1 images')")
    page.fill("[name=text]", "")
    page.select_option("[name=label]", "cap")
    until(page, "document.querySelector('#shown').textContent.includes('4 images')")
    page.reload()
    until(page, "document.querySelector('#shown').textContent.includes('4 images')")
    page.select_option("[name=reason]", "blank")
    until(page, "document.querySelector('#shown').textContent.includes('1 images')")
    page.select_option("[name=reason]", "")
    page.focus("#grid")
    page.keyboard.press("k")
    written(1, page)
    page.select_option("[name=decided]", "no")
    until(page, "document.querySelector('#shown').textContent.includes('3 images')")
    page.select_option("[name=label]", "mug")
    page.select_option("[name=decided]", "yes")
    page.wait_for_selector("#nothing:not([hidden])")
    assert page.text_content("#nothing") == "Nothing fits this filter."
    assert "0 images" in count.text_content()


def test_only_what_is_in_view_is_loaded(work, make, serve, open_page) -> None:
    fill(work, make, 400)
    address = serve()
    asked = []
    page = open_page(address, viewport={"width": 390, "height": 844})
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".card img")
    page.wait_for_load_state("networkidle")
    assert page.locator(".card").count() < 80
    assert 9 < sum(url.endswith("/small") for url in asked) < 80
    page.keyboard.press("End")
    page.wait_for_selector("#item-399[aria-selected=true] img")
    assert page.locator(".card").count() < 80
    page.wait_for_load_state("networkidle")
    assert sum(url.endswith("/small") for url in asked) < 160
    assert page.evaluate(
        "(() => { const card = document.querySelector('#item-399').getBoundingClientRect();"
        "const box = document.querySelector('#grid').getBoundingClientRect();"
        "return card.top >= box.top && card.bottom <= box.bottom })()"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_nothing_is_wider_than_the_window(
    work, make, serve, open_page, size: tuple[int, int], scheme: str
) -> None:
    evil = "<img src=x onerror=\"document.title='hacked'\">" + "x" * 200
    image = make.next((400, 300))
    for content in (make.encoded(image), make.recompressed(image), make.resized(image)):
        work.add(content, "mug & " + "long " * 12 + "name", title=evil)
    work.add(make.encoded(make.next()), title=evil, page_url="javascript:alert(1)")
    work.add(make.text(), title=evil)
    options = {
        "viewport": dict(zip(("width", "height"), size, strict=True)),
        "color_scheme": scheme,
    }
    page = open_page(serve(), "duplicates", **options)
    for view in ("duplicates", "all"):
        page.click(f"[data-view={view}]")
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Enter", "Escape", "?", "Escape"):
            page.keyboard.press(key)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.title() == "Review"
    assert page.locator("a[href^=javascript]").count() == 0
    assert (
        page.evaluate(
            "[...document.querySelectorAll('button, input, select, a, img')].filter(one => "
            "one.checkVisibility() && !one.labels?.length && !one.textContent.trim() "
            "&& !one.ariaLabel && !one.title && one.alt === undefined).map(one => one.outerHTML)"
        )
        == []
    )


def test_on_a_phone_by_touch(work, make, serve, open_page) -> None:
    fill(work, make, 6)
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page(serve(), **options)
    page.tap("#item-2")
    page.tap("#drop")
    page.tap("#keep")
    page.tap("#relabel")
    page.tap("#label-list button:has-text('plate')")
    written(3, page)
    assert decided(page) == {
        "1": "", "2": "", "3": "✕ drop", "4": "✓ keep", "5": "→ plate", "6": "",
    }  # fmt: skip
    page.tap("#undo")
    until(page, f"{CHIPS}.length === 2")
    for name in ("keep", "drop", "relabel", "undo"):
        assert page.locator(f"#{name}").bounding_box()["height"] >= 44
