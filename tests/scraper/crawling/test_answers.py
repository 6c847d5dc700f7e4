"""What servers answer with when they are asked for an image."""

import pytest

from scraper.crawling.item_pipeline import accept


@pytest.mark.parametrize(
    ("formats", "header"),
    [
        (None, "image/avif,image/webp,image/*;q=0.9,*/*;q=0.1"),
        (["jpeg"], "image/jpeg,*/*;q=0.1"),
        (["jpeg", "png"], "image/jpeg,image/png,*/*;q=0.1"),
        (["heic", "webp"], "image/heic,image/webp,image/heif,*/*;q=0.1"),
    ],
)
def test_a_source_asks_for_what_it_takes(formats, header):
    assert accept(formats) == header


def test_servers_that_choose_a_format_and_odd_answers_that_are_whole(web, workshop):
    def chosen(request) -> None:
        asked = request.headers["Accept"]
        kinds = [k for k in ("avif", "webp") if f"image/{k}" in asked or "image/*" in asked]
        request.answer(web.image("chosen", kinds[0].upper() if kinds else "JPEG"))

    def answers(status: int, span: str | None = None):
        headers = {"Content_Range": span} if span else {}
        return lambda request: request.answer(web.image(request.path), status, **headers)

    web.routes |= {
        "/chosen": chosen,
        "/203.jpg": answers(203),
        "/whole206.jpg": answers(206, "bytes 0-9/10"),
        "/odd206.jpg": answers(206, " Bytes 0-699/700 "),
        "/part206.jpg": answers(206, "bytes 0-99/700"),
        "/end206.jpg": answers(206, "bytes 100-699/700"),
        "/star206.jpg": answers(206, "bytes 0-699/*"),
        "/bare206.jpg": answers(206),
        "/202.jpg": answers(202),
    }
    web.sell("mugs", ("red", *web.routes))
    workshop.shop(web, "mugs", formats=["jpeg", "png"])
    workshop.collect("shop")
    rows = {name: row for (_, name), row in workshop.rows().items()}
    assert {name: row["status"] for name, row in rows.items()} == {
        "chosen": "saved",
        "203.jpg": "saved",
        "whole206.jpg": "saved",
        "odd206.jpg": "saved",
        **dict.fromkeys(
            ("part206.jpg", "end206.jpg", "star206.jpg", "bare206.jpg"), "failed_truncated"
        ),
        "202.jpg": "failed_http",
    }
    error = "HTTP status 206: only a part of the file (bytes 0-99/700)"
    assert rows["part206.jpg"]["error"] == error
    assert "(no Content-Range)" in rows["bare206.jpg"]["error"]
