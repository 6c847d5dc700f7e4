"""The shop's pages: listings with paging, products with markup, sitemap and robots.txt."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scraper.demo_shop import catalogue
from scraper.demo_shop.catalogue import CATEGORIES, Category, Product

PAGE_SIZE = 24
_TEMPLATES = Path(__file__).parent / "templates"
_LICENSE = "https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer; `photos` are the names of the photos that it shows."""

    body: bytes
    media_type: str = "text/html; charset=utf-8"
    photos: list[str] = field(default_factory=list)


class Pages:
    """All pages of the shop at `address` (`http://127.0.0.1:PORT/`)."""

    def __init__(self, address: str) -> None:
        self._origin = address.rstrip("/")
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(categories=CATEGORIES, origin=self._origin)
        self._categories = {c.path: c for c in CATEGORIES}
        self._products = {p.path: p for p in catalogue.products().values()}

    def get(self, path: str, query: str) -> Page | None:
        """The page at a path, or None where there is none."""
        if path in self._categories:
            return self._listing(self._categories[path], query)
        if path in self._products:
            return self._product(self._products[path])
        match path:
            case "/":
                return self._home()
            case "/private/offers/":
                offers = catalogue.private()
                return self._render("offers.html", offers, products=offers)
            case "/shop.css":
                return Page((_TEMPLATES / "shop.css").read_bytes(), "text/css; charset=utf-8")
            case "/robots.txt":
                text = (
                    f"User-agent: *\nDisallow: /private/\n\nSitemap: {self._origin}/sitemap.xml\n"
                )
                return Page(text.encode(), "text/plain; charset=utf-8")
            case "/sitemap.xml":
                return self._sitemap()
        return None

    def not_found(self) -> bytes:
        """The page that says so."""
        return self._render("not_found.html", []).body

    def _home(self) -> Page:
        shown = [(c, catalogue.listed(c.label)[:5]) for c in CATEGORIES]
        return self._render("home.html", [p for _, some in shown for p in some], shown=shown)

    def _listing(self, category: Category, query: str) -> Page | None:
        listed = catalogue.listed(category.label)
        pages = math.ceil(len(listed) / PAGE_SIZE)
        wanted = parse_qs(query).get("page", ["1"])[0]
        if not wanted.isdecimal() or not 1 <= int(wanted) <= pages:
            return None
        number = int(wanted)
        some = listed[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        # the second page of each listing tempts a crawler into the forbidden area
        offer = next(p for p in catalogue.private() if p.label == category.label)
        return self._render(
            "listing.html",
            some,
            category=category,
            products=some,
            total=len(listed),
            number=number,
            pages=pages,
            offer=offer if number == 2 else None,
        )

    def _product(self, product: Product) -> Page:
        category = next(c for c in CATEGORIES if c.label == product.label)
        rng = Random(f"page of {product.sku}")
        others = [p for p in catalogue.listed(product.label) if p.sku != product.sku]
        related = rng.sample(others, 4)
        return self._render(
            "product.html",
            [product],
            product=product,
            category=category,
            related=related,
            markup=self._markup(product, category, rng),
            in_graph=rng.random() < 0.3,
        )

    def _markup(self, product: Product, category: Category, rng: Random) -> list[dict[str, Any]]:
        """schema.org, in the variety of forms that shops write it in."""
        crumbs = [("Home", "/"), (category.title, category.path), (product.title, product.path)]
        breadcrumbs = {
            "@type": "BreadcrumbList",
            "itemListElement": [
                {"@type": "ListItem", "position": n, "name": name, "item": self._origin + path}
                for n, (name, path) in enumerate(crumbs, start=1)
            ],
        }
        paths = [photo.path for photo in product.photos]
        image: Any
        match rng.randrange(4):
            case 0:
                image = paths
            case 1:
                image = [self._origin + path for path in paths]
            case 2:
                image = paths[0] if len(paths) == 1 else paths
            case _:
                image = [
                    {
                        "@type": "ImageObject",
                        "url": self._origin + path,
                        "license": _LICENSE,
                        "creator": {"@type": "Organization", "name": "Demo shop"},
                    }
                    for path in paths
                ]
        item = {
            "@type": "Product",
            "sku": product.sku,
            "name": product.title,
            "category": category.title,
            "url": self._origin + product.path,
            "image": image,
            "offers": {
                "@type": "Offer",
                "price": product.price,
                "priceCurrency": "EUR",
                "availability": "https://schema.org/InStock",
            },
        }
        return [breadcrumbs, item]

    def _sitemap(self) -> Page:
        paths = ["/", *self._categories]
        paths += [p.path for p in catalogue.products().values() if not p.private]
        template = self._environment.get_template("sitemap.xml")
        return Page(template.render(paths=paths).encode(), "application/xml; charset=utf-8")

    def _render(self, template: str, pictured: list[Product], /, **context: Any) -> Page:
        html = self._environment.get_template(template).render(**context)
        return Page(html.encode(), photos=[photo.name for p in pictured for photo in p.photos])
