"""Finds the classes of a product, and makes candidates of its images."""

from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

from scrapy.http import Response

from scraper.crawling.items import ProductImage
from scraper.reading.canonical import Place, place
from scraper.reading.markup import Product
from scraper.reading.optout import page_opt_out


def classes_of(
    product: Product, page_url: str, classes: Mapping[str, str], listed_in: str
) -> list[str]:
    """The classes to which a product belongs, if a sitemap or a file lists it.

    A value of `classes` may be the address of a category. Then the product belongs to it if its
    breadcrumb has this address, or if its own address begins with it. Or the value is the name of a
    category, which the breadcrumb or the markup of the product has. Or it is `listed_in`, the
    address of the sitemap or file, which stands for all products in it.
    """
    names = {name.casefold() for name in product.categories}
    filed = [place(name) for name in product.categories if "://" in name]
    site, path, _ = place(page_url)
    within = {Place(site, path[:end], ()) for end, c in enumerate(path) if c == "/" and end}
    found = []
    for label, value in classes.items():
        if value.startswith(("/", "http://", "https://")):
            address = place(urljoin(page_url, value))
            is_of = address in within or any(at.has(address) for at in filed)
        else:
            is_of = " ".join(value.casefold().split()) in names
        if is_of or place(value) == place(listed_in):
            found.append(label)
    return found


def product_images(
    product: Product, identifier: str, label: str, page: Response
) -> Iterator[ProductImage]:
    """The candidates that a product's page gives for a class."""
    opt_out = page_opt_out(page)
    for image in product.images:
        yield ProductImage(
            label=label,
            image_url=image.url,
            page_url=page.url,
            product_id=identifier,
            title=product.title,
            license=image.license,
            license_url=image.license_url,
            author=image.author,
            width=image.width,
            height=image.height,
            opt_out=opt_out,
        )
