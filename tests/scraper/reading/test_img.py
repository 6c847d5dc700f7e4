import pytest

from scraper.reading.img import page_images
from scraper.reading.markup import read_product
from scraper.reading.pages import Page

SITE = "https://shop.example"


def image_addresses(html: str) -> list[str]:
    product = read_product(html, f"{SITE}/mugs/blue")
    assert product is not None
    return [image.url for image in product.images]


@pytest.mark.parametrize(
    "img",
    [
        '<img itemprop="image" src="data:image/gif;base64,R0" data-src="/a.jpg">',
        '<img itemprop="image" src="/s.jpg" data-src=" /a.jpg ">',
        '<img itemprop="image" src="/s.jpg" srcset="/s.jpg 200w, /a.jpg 800w,/m.jpg 400w">',
        '<img itemprop="image" src="/s.jpg" srcset="/m.jpg 1.5x, /a.jpg 2x">',
        '<img itemprop="image" src="/s.jpg" data-srcset="/a.jpg 800w" srcset="/m.jpg 400w, ">',
        '<picture><source srcset="/m.jpg 4w, /a.jpg 9w"><img itemprop="image" src="/s"></picture>',
        '<picture itemprop="image"><source srcset="/a.webp"><img src="/a.jpg"></picture>',
        '<div itemprop="image"><img data-zoom-image="/a.jpg" src="/s.jpg"></div>',
        '<img itemprop="image" src="/a.jpg" srcset="/s.jpg wide, , data:image/png;base64,R0 900w">',
    ],
)
def test_the_largest_version_of_an_image_is_taken(img):
    html = f'<div itemscope itemtype="http://schema.org/Product">{img}</div>'
    assert image_addresses(html) == [f"{SITE}/a.jpg"]


def test_commas_in_addresses_part_no_set():
    img = '<img itemprop="image" srcset="/w_9,h_9/s.jpg 9w, /w_99,h_99/a.jpg 99w">'
    html = f'<div itemscope itemtype="http://schema.org/Product">{img}</div>'
    assert image_addresses(html) == [f"{SITE}/w_99,h_99/a.jpg"]


def test_what_a_page_shows_with_the_sizes_that_it_declares():
    page = Page(
        """<img src="/a.jpg" width="640" height="480"><img src="/b.jpg" width="50%" height="90px">
        <img src="/c.jpg" srcset="/c-2.jpg 200w, /c-4.jpg 400w"><img src="data:image/png,x">
        <picture><source srcset="/d.webp 300w"><img src="/d.jpg" width="30" height="20"></picture>
        <img src="/e.jpg"><img src="/e.jpg" width="7">
        <picture><source srcset="/f.webp 300w"><img src="/f.jpg" width="30"></picture>""",
        SITE,
    )
    assert page_images(page.tree, page.absolute) == {
        f"{SITE}/a.jpg": (640, 480),
        f"{SITE}/b.jpg": (None, 90),
        f"{SITE}/c-4.jpg": (400, None),
        f"{SITE}/d.webp": (300, 200),
        f"{SITE}/e.jpg": (7, None),
        f"{SITE}/f.webp": (300, None),
    }
