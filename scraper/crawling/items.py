"""The item that every spider yields."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class ProductImage:
    """A candidate image: where it is, which class it is for, and what the page says of it.

    Spiders yield the candidates of a class in the order of the listing, because a limit takes the
    first ones.
    """

    label: str
    image_url: str
    page_url: str
    product_id: str
    """the same for all images of a product, which stay in one split"""
    title: str | None = None
    license: str | None = None
    """None takes the source's license, if there is no `license_url` either"""
    license_url: str | None = None
    author: str | None = None
    format: str | None = None
    """as the page declares it, with the manifest's names: jpeg, png, svg, …"""
    width: int | None = None
    """pixels, as the page declares them"""
    height: int | None = None
    opt_out: str | None = None
    """the words by which its page asks robots not to take images"""
    split: str | None = None
    """official: train, validation or test"""
    sha256: str | None = None
    """the SHA-256 that the file must have; a file with another one is rejected"""
    fault: str | None = None
    """why no image can be fetched, if the page or table has a fault. The row repeats it."""
