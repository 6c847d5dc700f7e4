"""What every spider yields."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class ProductImage:
    """A candidate image: where it is, which class it is for, and what the page says of it.

    Spiders yield the candidates of one class in the order of the listing: where a limit applies,
    the first ones count.
    """

    label: str
    image_url: str
    page_url: str
    product_id: str
    """what images of one product have in common; they stay in one split"""
    title: str | None = None
    license: str | None = None
    """null takes the source's"""
    license_url: str | None = None
    author: str | None = None
    format: str | None = None
    """as declared, by the manifest's names: jpeg, png, svg, …"""
    width: int | None = None
    """as declared, in pixels"""
    height: int | None = None
    opt_out: str | None = None
    """how its page asks robots not to take images"""
    split: str | None = None
    """official: train, validation or test"""
    sha256: str | None = None
    """what the file is expected to be; another one is rejected"""
    fault: str | None = None
    """why no image can be had of it, where what names it is at fault; its row says so"""
