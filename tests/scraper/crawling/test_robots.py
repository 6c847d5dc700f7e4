"""robots.txt as servers send it: what is forbidden stays forbidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.crawling.robots import robots_rules

RULES = "User-agent: *\nDisallow: /mugs/\n"


@pytest.mark.parametrize(
    "body",
    [
        RULES.encode(),
        RULES.replace("\n", "\r\n").encode(),
        RULES.replace("\n", "\r").encode(),
        RULES.encode("utf-8-sig"),
        RULES.encode("utf-16"),
        RULES.encode("utf-16-le"),
        RULES.encode("utf-16-be"),
        RULES.encode("utf-32"),
        b"User-agent: bot\nDisallow: /\n\n" * 20_000 + RULES.encode(),
        b"# caf\xe9\n" + RULES.encode(),
        b"<!-- shop -->\n" + RULES.encode(),
    ],
)
def test_rules_in_any_encoding(body):
    rules = robots_rules(body)
    assert not rules.allowed("http://x.example/mugs/1", "us")
    assert rules.allowed("http://x.example/cups/1", "us")


@given(st.binary(max_size=200))
def test_rules_never_raise(body):
    robots_rules(body).allowed("http://x.example/", "us")
