from pipeline.manifest import Row, Status
from scraper.counts import table


def test_the_table_says_what_was_asked_for_and_what_came_of_it():
    rows = [
        Row(status=status, label=label, image_url=str(n))
        for n, (label, status) in enumerate(
            [("mug", Status.SAVED)] * 2
            + [("mug", Status.DUPLICATE), ("mug", Status.FAILED_HTTP), ("cup", Status.SAVED)]
        )
    ]
    lines = [line.split() for line in table(rows, ["cup", "mug"], asked=5).splitlines()]
    assert lines[0] == ["class", "asked", "candidates", "saved", "duplicate", "failed", "http"]
    assert lines[2:] == [
        ["cup", "5", "1", "1", "0", "0"],
        ["mug", "5", "4", "2", "1", "1"],
        ["total", "10", "5", "3", "1", "1"],
    ]
    assert "asked" not in table(rows, ["cup", "mug"])
