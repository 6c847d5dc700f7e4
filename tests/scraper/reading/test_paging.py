import re
from html import unescape
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.canonical import place
from scraper.reading.markup import Listing, read_listing
from scraper.reading.pages import Page
from scraper.reading.paging import Pager

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


def paging(html: str, here: str = "/mugs/") -> tuple[str | None, str | None]:
    """The next page, relative to the shop, and what says that there is one."""
    page = Page(f"<body><main><a href='/p/1'>Mug</a></main>{html}</body>", SITE + here)
    pager = Pager(page)
    return pager.next_page and pager.next_page.removeprefix(SITE), pager.evidence


TWO = "/mugs/?p=2"
RADIO = '<input type="radio" name="p" id="{0}" value="{1}"><label for="{0}">{1}</label>'


@pytest.mark.parametrize(
    "html",
    [
        '<a href="?p=2"><span>Page</span> <span>2</span></a>',
        '<a href="?p=2">Seite 2</a>',
        '<a href="?p=2" aria-label="Go to page 2 of 5">•</a>',
        '<a href="?p=2">[2]</a>',
        '<a href="?p=2">第2页</a>',
        '<a href="?p=2">2ページ目</a>',
        '<a href="?p=2" title="Next"><svg></svg></a>',
        '<a href="?p=2" aria-label="Nächste Seite"><i class="icon"></i></a>',
        '<a href="?p=2"><img src="/r.png" alt="next"></a>',
        '<li class="pagination-next"><a href="?p=2"><svg></svg></a></li>',
        '<a class="btnNext" href="?p=2"><svg></svg></a>',
        '<a class="pager__link pager__link--next" href="?p=2"></a>',
        '<a href="?p=2">→</a>',
        '<a href="?p=3">»</a><a href="?p=2">›</a>',
        '<a href="/mugs/">&lt;&lt;</a><a href="?p=2">&gt;&gt;</a>',
        '<a href="?p=9">Last »</a><a href="?p=2">Next »</a>',
        '<a class="load-more" href="?p=2">Load more</a>',
        '<a href="?p=2">View more products</a>',
        '<a href="?p=2">Показать ещё</a>',
        '<a href="?p=2">Mehr Artikel anzeigen</a>',
        '<a href="?p=2">もっと見る</a>',
        '<button data-url="?p=2" class="js-load-more">Afficher plus de produits</button>',
        '<div class="infinite-scroll" data-next-url="/mugs/?p=2"></div>',
        '<a href="#" data-href="?p=2">next</a>',
        """<button onclick="window.location.href='?p=2'">Next</button>""",
        '<form><button name="p" value="2">2</button></form>',
        '<form action="/mugs/"><input type="hidden" name="p" value="2"><button>Next</button>',
        f"<form>{RADIO.format('a', 1)}{RADIO.format('b', 2)}</form>",
        '<form><select name="p"><option selected>1</option><option>2</option></select></form>',
        '<select><option value="/mugs/">Page 1</option><option value="?p=2">Page 2</option>',
        'Page 1 of 9 <a href="?p=9">last</a>',
        '<p>Seite 1 von 9</p><a href="?p=9" title="letzte">|</a>',
        '<a href="/mugs/?utm_source=pager&amp;p=2">2</a>',
    ],
)
def test_the_next_page_is_found_however_it_is_linked(html):
    following, said = paging(html)
    assert following is not None
    assert place(SITE + following) == place(SITE + TWO)
    assert said or following


@pytest.mark.parametrize(
    "words",
    [
        *("next", "Next page", "Weiter", "nächste Seite", "Suivant", "page suivante", "Siguiente"),
        *("próxima página", "Avanti", "pagina successiva", "Volgende", "Nästa sida", "Næste"),
        *(
            "Neste side",
            "Seuraava",
            "Następna strona",
            "Další",
            "Ďalšia",
            "Következő",
            "Următoarea",
        ),
        *("Следующая страница", "Вперёд", "Наступна", "Επόμενη", "Sonraki", "التالي", "הבא"),
        *(
            "次へ",
            "次のページ",
            "下一页",
            "下一頁",
            "다음",
            "ถัดไป",
            "Trang sau",
            "Berikutnya",
            "Järgmine",
        ),
        *("Напред", "Sljedeća", "Naslednja", "Kitas", "Següent", "अगला"),
    ],
)
def test_next_is_understood_in_the_languages_of_shops(words):
    assert paging(f'<a href="?p=2">{words} »</a>')[0] == TWO


@pytest.mark.parametrize(
    ("here", "html", "expected"),
    [
        ("/mugs/", '<a href="/mugs/p2.html">next</a>', "/mugs/p2.html"),
        ("/mugs.html", '<a href="/mugs-2.html">2</a>', "/mugs-2.html"),
        ("/mugs/page/2/", '<a href="/mugs/page/3/">›</a>', "/mugs/page/3/"),
        ("/mugs,2", '<a href="/mugs">‹</a><a href="/mugs,3">›</a>', "/mugs,3"),
        ("/c?id=5", '<a href="/c?id=5&page=2">2</a>', "/c?id=5&page=2"),
        ("/?cat=5", '<a href="/?paged=2&cat=5">2</a><a href="/?cat=6">next</a>', "/?paged=2&cat=5"),
        ("/mugs/", '<a href="?page=1">2</a><a href="?page=2">3</a>', "/mugs/?page=1"),
        ("/mugs/?page=1", '<a href="/mugs/">1</a><a href="?page=2">3</a>', "/mugs/?page=2"),
        ("/mugs/?p=2", '<a href="?p=1">‹</a><a href="?p=3">›</a>', "/mugs/?p=3"),
        ("/mugs/?cursor=ab", '<a href="?cursor=cd">next</a>', "/mugs/?cursor=cd"),
        ("/кружки/", '<a href="/%d0%ba%D1%80%d1%83%d0%b6%d0%ba%d0%b8/?p=2">2</a>', "same"),
    ],
)
def test_addresses_of_pages_have_many_forms(here, html, expected):
    found = paging(html, here)[0]
    wanted = "/%d0%ba%D1%80%d1%83%d0%b6%d0%ba%d0%b8/?p=2" if expected == "same" else expected
    assert found == wanted


@pytest.mark.parametrize(
    ("here", "html", "expected"),
    [
        (
            "/c/",
            '<b>Page 1 of 9</b><li class="next"><a href="page-2.html">next</a>',
            0,
        ),
        ("/c/page-2.html", '<a href="page-1.html">previous</a><a href="page-3.html">next</a>', 1),
        ("/", '<li class="next"><a href="catalogue/page-2.html">next</a></li>', 0),
        ("/12-mugs", '<a rel="nofollow next" href="/12-mugs?page=2">Next</a>', 0),
        ("/?r=1", '<a href="/?r=1&amp;page=2">&gt;</a><a href="/?r=1&page=9">&gt;|</a>', 0),
        ("/mugs", '<a href="/mugs_s2" aria-label="nächste">»</a>', 0),
        ("/mugs", '<button data-url="/grid?cg=mugs&start=12&sz=12">More Results</button>', 0),
        ("/mugs", '<a href="/mugs;page=2">2</a>', 0),
        ("/mugs", '<a href="/mugs?o=24">2</a><a href="/mugs?o=48">3</a>', 0),
        ("/mugs?o=24", '<a href="/mugs">1</a><a href="/mugs?o=48">3</a>', 1),
        ("/mugs?o=24", '<a href="/mugs">back</a><a href="/mugs?o=48">Next</a>', 1),
        ("/mugs", '<a href="/mugs?page=2"><i class="fa fa-angle-right"></i></a>', 0),
        ("/mugs", '<a href="?page=2"><svg><use href="#icon-arrow-right"/></svg></a>', 0),
        ("/mugs", '<a class="js-more" href="/mugs/page/2">Load more mugs</a>', 0),
        ("/mugs", '<a class="pagination-next" href="/search?c=mugs&page=2">Next</a>', 0),
        ("/mugs", '<span role="button" data-href="/mugs?page=2">Show more</span>', 0),
        ("/mugs", '<a href="/mugs?page=2"><button>Next</button></a>', 0),
    ],
)
def test_shop_programs_have_their_own_ways(here, html, expected):
    addresses = re.findall(r'(?:href|data-url|data-href)="([^"#]+)"', html)
    assert paging(html, here)[0] == urljoin(here, unescape(addresses[expected]))


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/mugs/blue">View more</a><a href="/mugs/red">View more</a>',
        '<a href="?p=2" class="card">more</a><a href="?p=3" class="card">more</a>',
        '<a href="/next/">Next</a>',  # a brand
        '<a href="/mugs/next-day-delivery">Next day delivery</a>',
        '<a href="/p/12">12</a><a href="/p/2">2</a>',
        '<div class="carousel"><a class="carousel-control-next" href="?p=2">Next</a></div>',
        '<a class="next disabled" href="?p=2">Next</a>',
        '<a href="?add-to-cart=2">2</a>',
        '<form method="post"><button name="p" value="2">2</button></form>',
        '<a href="https://other.example/mugs/?p=2" rel="next">next</a>',
        '<a href="?size=38">38</a><a href="?size=39">39</a>',
        '<a href="?p=2">Previous</a>',
        '<div class="reviews"><a href="?review_page=2">2</a></div>',
        '<a href="/mugs?id=2">2</a>',
    ],
)
def test_what_only_looks_like_a_next_page_is_not_followed(html):
    assert paging(html)[0] is None


def test_of_the_last_page_there_is_no_next():
    last = (
        '<a href="?p=1">1</a><a href="?p=2">2</a><b>3</b><a class="next" href="?p=3">Next</a>'
        "<p>Page 3 of 3, 49–60 of 60 products</p>"
    )
    assert paging(last, "/mugs/?p=3") == (None, None)


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>Page 1 of 3</p>", "Page 1 of 3"),
        ("<p>Seite <b>2</b> von 7</p>", "Seite 2 von 7"),
        ("<p>Страница 1 из 4</p>", "Страница 1 из 4"),
        ("<p>page 1/3</p>", "page 1/3"),
        ('<div class="pager"> 1 / 5 </div>', "1 / 5"),
        ("<p>Showing 1–24 of 1,096 results</p>", "1–24 of 1,096"),
        ("<p>You have seen 24 of 96 products</p>", "24 of 96 products"),
        ("<button>Load more</button>", "load more"),
        ("<button>Mehr Produkte anzeigen</button>", "mehr produkte anzeigen"),
        ('<button class="js-loadMore">More</button>', "more"),
        ('<button aria-label="Next page"><svg></svg></button>', "next page"),
        ('<a href="#" class="next">Next</a>', "next"),
        ('<a href="javascript:go(2)">Weiter</a>', "weiter"),
        ('<form method="post"><button>Next</button></form>', "next"),
        ('<ul class="pagination"><button>1</button><button>2</button></ul>', "page 2"),
    ],
)
def test_a_pager_that_can_not_be_followed_is_evidence(html, said):
    assert paging(html) == (None, said)


@pytest.mark.parametrize(
    "html",
    [
        "<p>Rated 4 of 5 stars</p>",
        "<p>Page 3 of 3</p>",
        "<p>1–24 of 24 results</p>",
        "<button disabled>Load more</button>",
        '<div class="slick-slider"><button class="slick-next">Next</button></div>',
        "<script>Page 1 of 3</script>",
        '<div class="filter"><button class="show-more">Show more</button></div>',
        '<button aria-label="Next"><svg></svg></button>',
        "<p>Set of 2, 1 of 3 colours</p>",
    ],
)
def test_what_is_no_pager_is_no_evidence(html):
    assert paging(html) == (None, None)


def test_other_pages_are_no_products():
    pages = '<ul><li><a href="/mugs/page/2">2</a><li><a href="/mugs/page/3">3</a></ul>'
    html = f'<main><a href="/mugs/blue">Blue</a>{pages}</main>'
    assert read_listing(html, f"{SITE}/mugs/").products == (f"{SITE}/mugs/blue",)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "button", "option", "input"]), st.text(), st.text()),
        max_size=5,
    ),
    st.text(),
)
def test_no_page_breaks_the_paging(controls, path):
    html = "".join(f"<{tag} href='{href}'>{text}</{tag}>" for tag, href, text in controls)
    following, said = paging(f"<form>{html}</form>", f"/{path}")
    assert following is None or following.startswith(("/", "http"))
    assert said is None or said
