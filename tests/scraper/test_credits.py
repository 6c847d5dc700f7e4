"""CREDITS.md: the same text for the same images, and Markdown that shows it."""

from pipeline.manifest import Row, Status
from scraper.credits import credit_list


def row(n: int, **more: object) -> Row:
    values = {"status": Status.SAVED, "license": "CC BY 4.0"} | more
    return Row(label="mug", image_url=f"http://x.example/{n}.jpg", **values)


def test_nothing_to_credit():
    free = [row(1, license="CC0"), row(2, license=None), row(3, license="own work")]
    assert credit_list("shop", free) is None
    assert credit_list("shop", [row(1, status=Status.FAILED_HTTP)]) is None


def test_works_are_listed_once_in_one_order():
    url = "https://creativecommons.org/licenses/by/2.0/"
    rows = [
        row(1, title="B [old]", author="Ada\nLovelace", page_url="http://x.example/b_1"),
        row(2, title="A", license=None, license_url=url),
        row(3, title="B [old]", author="Ada\nLovelace", page_url="http://x.example/b_1"),
        row(4, license="MIT", status=Status.DUPLICATE),
    ]
    text = credit_list("wiki", rows)
    assert text.splitlines()[4:] == [
        "- A by unknown author, [" + url + "](<" + url + ">)",
        "- [B \\[old\\]](<http://x.example/b_1>) by Ada Lovelace, CC BY 4.0 (2 images)",
        "- Untitled by unknown author, MIT",
    ]

    assert credit_list("wiki", rows[::-1]) == text
