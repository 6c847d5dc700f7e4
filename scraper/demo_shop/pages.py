"""The shop's pages: listings with paging, products with markup, sitemap and robots.txt."""

import math
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scraper.demo_shop import catalogue
from scraper.demo_shop.catalogue import CATEGORIES, DemoCategory, ShopProduct

PAGE_SIZE = 24
_TEMPLATES = Path(__file__).parent / "templates"
_LICENSE = "https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True, slots=True)
class ShopPage:
    """An answer of the shop. `images` has the names of the images that it shows."""

    body: bytes
    media_type: str = "text/html; charset=utf-8"
    images: tuple[str, ...] = ()


class Pages:
    """All pages of the shop at `address` (`http://127.0.0.1:PORT/`)."""

    def __init__(self, address: str) -> None:
        self._origin = address.rstrip("/")
        self._environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._environment.loader = FileSystemLoader(_TEMPLATES)
        self._environment.undefined = StrictUndefined
        self._environment.globals.update(categories=CATEGORIES, origin=self._origin)
        self._categories = {c.path: c for c in CATEGORIES}
        self._products = {p.path: p for p in catalogue.products().values()}

    def get(self, path: str, query: str) -> ShopPage | None:
        """The page at a path, or None if there is no such page."""
        if path in self._categories:
            return self._listing(self._categories[path], query)
        if path in self._products:
            return self._product(self._products[path])
        match path:
            case "/":
                shown = [(c, catalogue.listed(c.label)[:5]) for c in CATEGORIES]
                return self._render(
                    "home.html", [p for _, some in shown for p in some], shown=shown
                )
            case "/private/offers/":
                return self._render("offers.html", catalogue.private())
            case "/shop.css":
                return ShopPage((_TEMPLATES / "shop.css").read_bytes(), "text/css; charset=utf-8")
            case "/robots.txt":
                rules = (
                    f"User-agent: *\nDisallow: /private/\n\nSitemap: {self._origin}/sitemap.xml\n"
                )
                return ShopPage(rules.encode(), "text/plain; charset=utf-8")
            case "/sitemap.xml":
                public = [path for path, product in self._products.items() if not product.private]
                page = self._render("sitemap.xml", [], paths=["/", *self._categories, *public])
                return ShopPage(page.body, "application/xml; charset=utf-8")
        return None

    def not_found(self) -> bytes:
        """The page that says that there is no such page."""
        return self._render("not_found.html", []).body

    def _listing(self, category: DemoCategory, query: str) -> ShopPage | None:
        listed = catalogue.listed(category.label)
        pages = math.ceil(len(listed) / PAGE_SIZE)
        wanted = parse_qs(query).get("page", ["1"])[0]
        if not wanted.isdecimal() or not 1 <= int(wanted) <= pages:
            return None
        number = int(wanted)
        # the second page of each listing has a link that robots.txt forbids: no crawler may follow
        offers = [p for p in catalogue.private() if p.label == category.label and number == 2]
        shown = listed[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        place = {"category": category, "total": len(listed), "number": number, "pages": pages}
        return self._render("listing.html", shown, offer=offers[0] if offers else None, **place)

    def _product(self, product: ShopProduct) -> ShopPage:
        """A product's page. Its schema.org markup has one of the forms that real shops use."""
        rng = Random(f"page of {product.sku}")
        others = [p for p in catalogue.listed(product.label) if p.sku != product.sku]
        related = rng.sample(others, 4)
        paths = [image.path for image in product.images]
        urls = [self._origin + path for path in paths]
        maker = {"@type": "Organization", "name": "Demo shop"}
        objects = [
            {"@type": "ImageObject", "url": url, "license": _LICENSE, "creator": maker}
            for url in urls
        ]
        forms = (paths, urls, paths if len(paths) > 1 else paths[0], objects)
        markup = {"image": forms[rng.randrange(4)], "in_graph": rng.random() < 0.3}
        category = next(c for c in CATEGORIES if c.label == product.label)
        shown = {"product": product, "category": category, "related": related}
        return self._render("product.html", [product], **shown, **markup)

    def _render(self, template: str, products: list[ShopProduct], /, **context: Any) -> ShopPage:
        html = self._environment.get_template(template).render(products=products, **context)
        return ShopPage(
            html.encode(), images=tuple(image.name for p in products for image in p.images)
        )
