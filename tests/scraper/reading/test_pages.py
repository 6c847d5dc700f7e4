import pytest

from scraper.reading.markup import Listing, read_listing

SITE = "https://shop.example"


@pytest.mark.parametrize(
    ("here", "links", "expected"),
    [
        ("/mugs/", {"2": "?page=2", "3": "?page=3"}, "/mugs/?page=2"),
        ("/mugs/?page=2", {"1": "/mugs/", "3": "?page=3", "9": "?page=9"}, "/mugs/?page=3"),
        ("/mugs/?page=9", {"1": "/mugs/", "8": "?page=8"}, None),
        ("/mugs", {"2": "/mugs/page/2/"}, "/mugs/page/2/"),
        ("/mugs/page/2/", {"1": "/mugs", "3": "/mugs/page/3/"}, "/mugs/page/3/"),
        ("/mugs.html?p=2&n=24", {"1": "/mugs.html", "3": "/mugs.html?p=3&n=24"}, 3),
        ("/mugs/", {"2": "/cups/?page=2"}, None),
        ("/mugs/", {"2": "?sort=price", "next": "?page=2"}, "/mugs/?page=2"),
        ("/mugs/", {"2": "?start=24&sz=24", "3": "?start=48&sz=24"}, "/mugs/?start=24&sz=24"),
        ("/mugs/?start=24&sz=24", {"1": "/mugs/", ">": "?start=48&sz=24"}, "/mugs/?start=48&sz=24"),
        ("/mugs/?c=red&skip=8", {"a": "?skip=12", "b": "?skip=16&c=red"}, "/mugs/?skip=16&c=red"),
        ("/mugs/?offset=48", {"1": "/mugs/", "2": "?offset=24", "3": "?offset=48"}, None),
        ("/mugs/", {"2": "/cups/?start=24", "3": "?start=24&q=cups", "4": "?start=all"}, None),
        ("/mugs/?page=1", {"1": "?page=1", " 2 ": "?page=2#list"}, "/mugs/?page=2"),
    ],
)
def test_numbered_pages_are_turned(here, links, expected):
    paging = "".join(f'<a href="{href}">{text}</a>' for text, href in links.items())
    html = f'<a href="/p/1">Mug</a><nav>{paging}</nav>'
    wanted = f"/mugs.html?p={expected}&n=24" if isinstance(expected, int) else expected
    listing = read_listing(html, SITE + here)
    assert listing == Listing((f"{SITE}/p/1",), wanted and SITE + wanted, is_guess=True)
    assert read_listing(paging, SITE + here).next_page == listing.next_page
