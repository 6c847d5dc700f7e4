"""Several images decided at once, by mouse and keyboard, and what the page says of it."""

import csv

import pytest

from pipeline import paths

CHIPS = "[...document.querySelectorAll('.chip')].map(one => one.textContent)"
SETTLED = "!document.querySelector('.chip.pending')"
PICKED = (
    "[...document.querySelectorAll('.card[aria-selected=true]')].map(one => +one.ariaPosInSet)"
    ".sort((a, b) => a - b).join()"
)
NUMBERS = "[...document.querySelectorAll('#numbers button')].map(one => one.textContent).join()"


def until(page, expression: str) -> None:
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {expression}; {page.evaluate(CHIPS)}")


def decided(page, count: int) -> None:
    until(page, f"{CHIPS}.length === {count} && {SETTLED}")


def lines() -> list[dict[str, str]]:
    with paths.REVIEW.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fill(work, make, count: int, labels: tuple[str, ...] = ("mug", "cap", "plate")) -> list[str]:
    return [
        work.add(make.encoded(make.next((96, 72))), labels[n % len(labels)], title=f"No. {n}")
        for n in range(count)
    ]


def test_a_range_by_shift_is_one_decision_and_one_undo(work, make, serve, open_page) -> None:
    fill(work, make, 12)
    page = open_page(serve())
    page.click("#item-2")
    page.click("#item-6", modifiers=["Shift"])
    assert page.evaluate(PICKED) == "3,4,5,6,7"
    page.click("#item-9", modifiers=["Control"])
    page.click("#item-4", modifiers=["Control"])
    assert page.evaluate(PICKED) == "3,4,6,7,10"
    assert page.text_content("#picked-count") == "5 picked"
    page.keyboard.press("d")
    decided(page, 5)
    assert page.evaluate(PICKED) == "11"  # the next one, and only that
    assert {line["decision"] for line in lines()} == {"drop"}
    assert len({line["decided_at"] for line in lines()}) == 1
    page.keyboard.press("k")
    decided(page, 6)
    page.reload()
    decided(page, 6)
    page.keyboard.press("u")
    decided(page, 5)
    page.keyboard.press("u")
    decided(page, 0)
    assert lines() == []
    assert page.evaluate(PICKED) == "3,4,6,7,10"  # to decide about them otherwise


def test_a_frame_by_mouse_picks_what_it_touches(work, make, serve, open_page) -> None:
    fill(work, make, 12)
    page = open_page(serve())
    first, third = (page.locator(f"#item-{n} .image").bounding_box() for n in (0, 2))
    page.mouse.move(first["x"] + 20, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(third["x"] + 20, third["y"] + 60, steps=4)
    assert page.locator(".frame").count() == 1
    page.mouse.up()
    assert page.locator(".frame").count() == 0
    assert page.evaluate(PICKED) == "1,2,3"
    assert not page.locator("#large").is_visible()
    page.keyboard.press("2")
    decided(page, 3)
    assert [line["label"] for line in lines()] == ["mug"] * 3
    page.click("#item-7")
    assert page.evaluate(PICKED) == "8"


def test_all_of_a_set_and_all_that_is_shown(work, make, serve, open_page) -> None:
    image = make.next((400, 300))
    copies = [make.encoded(image), make.recompressed(image), make.resized(image)]
    same = {work.add(content, "mug") for content in copies}
    fill(work, make, 5, ("cap",))
    page = open_page(serve(), "duplicates")
    page.click("#pick-set")
    assert page.text_content("#picked-count") == "3 picked"
    page.keyboard.press("d")
    decided(page, 3)
    assert {line["sha256"] for line in lines()} == same
    page.click("[data-view=all]")
    page.select_option("[name=label]", "cap")
    until(page, "document.querySelector('#shown').textContent.includes('5 images')")
    page.focus("#grid")
    page.keyboard.press("Control+a")
    assert page.text_content("#picked-count") == "5 picked"
    page.keyboard.press("Escape")
    assert not page.locator("#picked").is_visible()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate(PICKED) == "1,2,3,4"
    page.keyboard.press("k")
    until(page, f"{CHIPS}.filter(one => one === '✓ keep').length === 4 && {SETTLED}")
    page.keyboard.press("Backspace")
    assert len(lines()) == 7  # the fifth has no decision to take back


def test_hundreds_at_once_are_one_step(work, make, serve, open_page) -> None:
    shas = fill(work, make, 330)
    page = open_page(serve())
    page.keyboard.press("n")
    page.keyboard.type("all of them " + "é" * 900)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.press("d")
    until(
        page, f"document.querySelector('#changes').textContent.includes('330 dropped') && {SETTLED}"
    )
    assert {line["sha256"] for line in lines()} == set(shas)
    page.keyboard.press("u")
    until(page, "document.querySelector('#changes').textContent.includes('nothing')")
    assert lines() == []


def test_the_same_bytes_in_two_classes_are_not_kept_as_both(work, make, serve, open_page) -> None:
    content = make.encoded(make.next())
    work.add(content, "mug")
    work.add(content, "cap")
    work.add(make.encoded(make.next()), "cap")
    page = open_page(serve())
    page.keyboard.press("Control+a")
    page.keyboard.press("k")
    decided(page, 1)
    assert "the same file under two classes" in page.text_content("#trouble")
    page.keyboard.press("Home")
    page.keyboard.press("k")
    decided(page, 3)  # both cards of those bytes
    assert not page.locator("#trouble").is_visible()


def test_an_undo_leaves_what_somebody_decided_since(work, make, serve, open_page) -> None:
    second = fill(work, make, 4)[1]
    page = open_page(serve())
    page.keyboard.press("Control+a")
    page.keyboard.press("d")
    decided(page, 4)
    work.decide(second, "keep")
    page.keyboard.press("u")
    page.wait_for_selector("#trouble:has-text('decided about 1 of them since')")
    decided(page, 1)
    assert [(line["sha256"], line["decision"]) for line in lines()] == [
        (second, "drop"), (second, "keep"),
    ]  # fmt: skip


def test_a_new_class_changes_no_other_key(work, make, serve, open_page) -> None:
    fill(work, make, 12)
    page = open_page(serve())
    assert page.evaluate(NUMBERS) == "1cap,2mug,3plate"
    for name in ("aardvark", "Bowl", "MUG", "bowl"):
        page.keyboard.press("r")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    decided(page, 4)
    assert page.evaluate(NUMBERS) == "1cap,2mug,3plate,4aardvark,5Bowl"
    page.keyboard.press("4")
    decided(page, 5)
    assert [line["label"] for line in lines()] == ["aardvark", "Bowl", "mug", "Bowl", "aardvark"]
    page.reload()
    decided(page, 5)
    assert page.evaluate(NUMBERS).startswith("1cap,2mug,3plate,4")
    before = page.evaluate(NUMBERS)
    work.clean()
    page.reload()
    decided(page, 5)
    assert page.evaluate(NUMBERS) == before


def test_files_are_named_and_found(work, make, serve, open_page) -> None:
    fill(work, make, 3)
    work.add(make.encoded(make.next()), "cap", image_url="cap/Große Mütze (2).jpg")
    page = open_page(serve())
    names = page.locator(".card .file").all_text_contents()
    assert sorted(names) == ["Große Mütze (2).jpg", "No. 0", "No. 1", "No. 2"]
    page.fill("[name=text]", "GROSSE")
    until(page, "document.querySelector('#nothing:not([hidden])') !== null")
    page.fill("[name=text]", "mütze (2)")
    until(page, "document.querySelector('#shown').textContent.includes('1 images')")
    assert "cap/Große Mütze (2).jpg" in page.text_content("#facts")


@pytest.mark.parametrize(("way", "says"), [("stop", "will stop"), ("leave_out", "leave them out")])
def test_a_class_too_small_for_split_is_told(
    work, make, serve, open_page, way: str, says: str
) -> None:
    work.values["split"]["too_few"] = way
    fill(work, make, 10, ("mug", "cap"))
    page = open_page(serve())
    assert not page.locator("#too-few").is_visible()
    page.select_option("[name=label]", "cap")
    until(page, "document.querySelector('#shown').textContent.includes('5 images')")
    page.focus("#grid")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("d")
    page.wait_for_selector("#too-few:not([hidden])")
    assert page.text_content("#too-few-text").startswith("1 class has too few images")
    assert says in page.text_content("#too-few-text")
    assert "class 'cap' lacks" in page.text_content("#too-few-list")
    page.keyboard.press("u")
    page.wait_for_selector("#too-few", state="hidden")
