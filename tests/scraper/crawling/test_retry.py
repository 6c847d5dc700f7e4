"""How long a host asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scraper.crawling.retry import retry_after


def waits(value: str) -> float | None:
    return retry_after(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),  # past
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_seconds_or_a_date(value, seconds):
    assert waits(value) == seconds


def test_a_date_to_come():
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < waits(date) <= 3600
