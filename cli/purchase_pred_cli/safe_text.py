"""Text from data, names and files as a terminal may show it: what would control the terminal is made visible."""

import re

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe_text(text: str, /) -> str:
    r"""Return a text with every control character as its escape, but for line feeds and tabs.

    Controls are those of ASCII and Latin-1 (ESC among them), those that turn the direction of writing, separators of
    lines and paragraphs, and halves of surrogate pairs, which no terminal can be sent.

    Examples
    --------
    >>> safe_text("item \x1b[31mred")
    'item \\x1b[31mred'
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
