"""The page of the clean stage."""

from pipeline import paths
from pipeline.manifest import Reason


def test_the_page(work, make) -> None:
    original = make.next()
    work.add(make.encoded(original), title="<script>alert(1)</script>", page_url="javascript:x()")
    work.add(make.recompressed(original), reason=Reason.NEAR_DUPLICATE)
    work.add(make.truncated(), label="<b>", reason=Reason.TRUNCATED)
    work.clean()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert "near duplicate" in page
    assert "of 256 bits, difference 0.0" in page
    assert "&lt;b&gt;" in page
    for bad in ("<script>alert", "javascript:", 'src="http', "<link", "url("):
        assert bad not in page


def test_of_many_copies_the_page_shows_some(work, make) -> None:
    image = make.next()
    for quality in range(60, 72):
        work.add(make.encoded(image, quality=quality))
    work.clean()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert page.count("<figure") == 8
    assert "and 4 more" in page
