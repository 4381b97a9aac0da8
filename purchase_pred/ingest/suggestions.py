"""What a user most likely meant: the nearest column or event name, and the option that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.likeness import letters, nearest
from purchase_pred.schema import (
    ADD_TO_CART,
    CATEGORY,
    DURATION,
    EVENT_TYPE,
    ITEM_ID,
    PRICE,
    PURCHASE,
    REMOVE_FROM_CART,
    SCROLL,
    TIMESTAMP,
    USER_ID,
    VIEW,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_EVENT_SYNONYMS: Final[Mapping[str, Sequence[str]]] = {
    VIEW: ("view", "views", "click", "clicks", "pageview", "productview", "detail", "impression", "visit"),
    SCROLL: ("scroll", "scrolls", "scrolldown"),
    ADD_TO_CART: ("cart", "carts", "addtocart", "addcart", "cartadd", "add", "basket", "addtobasket"),
    REMOVE_FROM_CART: ("remove", "removefromcart", "cartremove", "removecart", "delete", "removefrombasket"),
    PURCHASE: ("purchase", "purchases", "order", "orders", "buy", "buys", "transaction", "sale", "checkout"),
}
_COLUMN_SYNONYMS: Final[Mapping[str, Sequence[str]]] = {
    TIMESTAMP: ("timestamp", "ts", "time", "eventtime", "datetime", "date", "createdat", "eventtimestamp"),
    USER_ID: ("userid", "user", "uid", "visitorid", "visitor", "customerid", "customer", "clientid", "sessionid"),
    EVENT_TYPE: ("eventtype", "event", "type", "action", "eventname", "behavior", "behaviour"),
    ITEM_ID: ("itemid", "item", "productid", "product", "sku", "aid", "articleid", "article", "pid", "goodsid"),
    PRICE: ("price", "unitprice", "amount", "value", "cost"),
    DURATION: ("durationseconds", "duration", "dwelltime", "seconds", "timeonpage"),
    CATEGORY: ("category", "categorycode", "categoryid", "cat", "department"),
}


def likely_event(name: str, /) -> str | None:
    """Return the canonical event that an event name of a log most likely stands for.

    Examples
    --------
    >>> likely_event("Add-To-Basket")
    'add_to_cart'
    """
    return _by_synonym(name, _EVENT_SYNONYMS)


def likely_column(wanted: str, canonical: str, found: Iterable[str], /) -> str | None:
    """Return the column found that most likely is the one wanted.

    Parameters
    ----------
    wanted
        The name looked for.
    canonical
        What it stands for: ``"timestamp"``.
    found
        The columns there are.

    Examples
    --------
    >>> likely_column("timestamp", "timestamp", ["visitor", "ts", "sku"])
    'ts'
    """
    names = list(found)
    synonyms = _COLUMN_SYNONYMS.get(canonical, ())
    return nearest(wanted, names, least=0.7) or next((name for name in names if letters(name) in synonyms), None)


def _by_synonym(name: str, synonyms: Mapping[str, Sequence[str]]) -> str | None:
    return next((canonical for canonical, names in synonyms.items() if letters(name) in names), None)
