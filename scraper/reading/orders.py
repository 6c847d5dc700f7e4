"""Tells if a page is built for one product: it has a button that puts this into the cart."""

import re
from itertools import islice
from typing import Any

# names that shop systems give to the button or form for an order, and words on it
_ORDER = re.compile(
    r"add[-_ ]?(to|2)?[-_ ]?((the|my)[-_ ]?)?(cart|basket|bag|trolley|order)|(cart|basket)[-/_]?add"
    r"|(?<![a-z])(buy|order)[-_ ]?(it[-_ ]?)?(now|button|box|form)|buyform|product[-_]?form"
    r"|tobasket|(?<![a-z])(?<!go[-_ ])to-?cart|in[-_ ]((den|die|meinen)[-_ ])?(warenkorb|einkauf)"
    r"|ajouter[-_ ](au|à|a)[-_ ]|acheter|añadir al?|agregar al?|adicionar a|comprar"
    r"|aggiungi al|acquista ora|toevoegen aan|in winkel(wagen|mand)|do koszyka|do koší[kc]"
    r"|lägg (i|till)|læg i|legg i|legg til|ostoskoriin|kosárba|sepete ekle|adaugă în"
    r"|в корзину|купить|до кошика|купити|добави в|στο καλάθι|(カート|かご)(に|へ)|加入购物车"
    r"|加入購物車|立即购买|담기|구매하기|أضف|הוסף לסל|thêm vào giỏ|ใส่ตะกร้า|ke keranjang",
    re.IGNORECASE,
)
_SAYS = ("class", "id", "name", "action", "href", "onclick", "data-action", "data-button-action")
_WORDS = ("value", "title", "aria-label")
_CONTROLS = {"form", "button", "input", "a", "span", "div"}
_APART = {"nav", "aside", "footer", "li"}
_MANY = 3  # a page with more of these buttons is a listing, with one for each product
_LONGEST = 40  # characters of a control's label


def is_like_a_product(tree: Any) -> bool:
    """Whether the page has a main heading, and a button that puts one product into the cart.

    Buttons in lists, in menus and beside the content don't count. The page may have its button
    twice or three times, for example above and below the text.
    """
    if not tree.xpath("//h1"):
        return False
    found = 0
    pending = [tree]
    while pending:
        element = pending.pop()
        if not isinstance(element.tag, str) or element.tag in _APART:
            continue
        if _orders(element):
            found += 1
        else:
            pending += reversed(element)
    return 0 < found <= _MANY


def _orders(element: Any) -> bool:
    if element.tag not in _CONTROLS:
        return False
    is_box = element.tag in ("span", "div")
    if is_box and "onclick" not in element.attrib and element.get("role") != "button":
        return False
    if any(_ORDER.search(element.get(k) or "") for k in _SAYS):
        return True
    said = [element.get(k) or "" for k in _WORDS]
    if element.tag != "form" and len(element) <= _MANY:
        said.append(" ".join("".join(islice(element.itertext(), _LONGEST)).split()))
    return any(len(x) <= _LONGEST and _ORDER.search(x) for x in said)
