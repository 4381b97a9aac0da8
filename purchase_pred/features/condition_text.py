"""Conditions on events as people write them in settings: a small part of SQL, read here word by word and never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from purchase_pred.features import condition_values as values
from purchase_pred.features.condition_values import FUNCTIONS, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

MOST_CHARACTERS: Final = 2_000
MOST_WORDS: Final = 400
MOST_NESTING: Final = 32

_WORD: Final = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?!\w)"
    r"|(?P<text>'(?:[^']|'')*')"
    r'|(?P<quoted>"[^"]+")'
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign><=|>=|<>|!=|==|[-+*/%=<>(),]))"
)
_COMPARISONS: Final = ("=", "==", "!=", "<>", "<", "<=", ">", ">=")
_RESERVED: Final = ("and", "or", "not", "is", "null", "in", "between", "like")
_ALLOWED: Final = (
    "a condition must look at each event by itself: it is made of columns, numbers, 'texts', "
    "TIMESTAMP '2024-08-01 12:00', true, false, = != < <= > >=, + - * / %, and, or, not, is null, in (...), "
    "between ... and ..., like '...' and the functions "
    f"{', '.join(FUNCTIONS)}"
)


class _Token(NamedTuple):
    kind: str
    text: str


def parse_condition(text: str, /) -> pl.Expr:
    """Return the expression that a condition on one event stands for.

    A column is written as it is or in double quotes, a text in single ones; words of SQL in either case. A text that
    is compared with a time is a moment of ISO 8601, in UTC where it names no zone. In ``like``, ``%`` stands for any
    characters and ``_`` for one.

    Raises
    ------
    ValueError
        Whatever is not in the list of what is allowed, or too much of it: 2,000 characters, 400 words, 32 brackets in
        each other. Says in one sentence what is wrong and what is allowed.

    Examples
    --------
    >>> print(parse_condition("event_type = 'view' and hour < 6"))
    [([(col("event_type")) == ("view")]) & ([(col("hour")) < (dyn int: 6)])]
    >>> parse_condition("price > (select 3)")
    Traceback (most recent call last):
    ValueError: ')' was expected after 'select', found '3'; a condition must look at each event by itself: ...
    """
    try:
        parser = _Parser(_tokens(text))
        condition = parser.whole()
    except values.ConditionError as error:
        raise ValueError(f"{error}; {_ALLOWED}") from error
    return condition


def _tokens(text: str) -> list[_Token]:
    if len(text) > MOST_CHARACTERS:
        raise values.ConditionError(f"at most {MOST_CHARACTERS:,} characters are read, found {len(text):,}")
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _WORD.match(text, at)
        if found is None or found.lastgroup is None:
            raise values.ConditionError(f"nothing begins with {text[at:].strip()[:20]!r}")
        tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
        at = found.end()
    if len(tokens) > MOST_WORDS:
        raise values.ConditionError(f"at most {MOST_WORDS:,} words are read, found {len(tokens):,}")
    return tokens


class _Parser:
    """Reads words from left to right; each method reads what binds at least as tightly as its name says."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> pl.Expr:
        found = self._alternatives()
        if self._at < len(self._tokens):
            self._expected("'and', 'or' or an operator")
        return values.truth(found)

    def _alternatives(self) -> Value:
        return self._joined("or", self._conjunction, values.either)

    def _conjunction(self) -> Value:
        return self._joined("and", self._negation, values.both)

    def _joined(self, word: str, part: Callable[[], Value], join: Callable[[list[Value]], Value]) -> Value:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else join(parts)

    def _negation(self) -> Value:
        if not self._takes("not"):
            return self._comparison()
        return self._nested(lambda: values.negated(self._negation()))

    def _comparison(self) -> Value:
        left = self._sum()
        if self._takes("is"):
            wanted = not self._takes("not")
            self._demand("null")
            return values.is_null(left, wanted=wanted)
        sign = self._takes(*_COMPARISONS)
        if sign:
            return values.compared(left, sign, self._sum())
        denied = bool(self._takes("not"))
        if self._takes("in"):
            found = values.is_one_of(left, self._arguments())
        elif self._takes("between"):
            low = self._sum()
            self._demand("and")
            found = values.between(left, low, self._sum())
        elif self._takes("like"):
            found = values.like(left, self._sum())
        elif denied:
            self._expected("'in', 'between' or 'like'")
        else:
            return left
        return values.negated(found) if denied else found

    def _sum(self) -> Value:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/", "%"), self._signed))

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Value]) -> Value:
        found = part()
        while sign := self._takes(*signs):
            found = values.computed(found, sign, part())
        return found

    def _signed(self) -> Value:
        return self._nested(lambda: values.minus(self._signed())) if self._takes("-") else self._single()

    def _single(self) -> Value:
        token = self._next("a column, a number or a 'text'")
        if token.kind == "number":
            return values.number(token.text)
        if token.kind == "text":
            return values.text(_unquoted(token.text))
        if token.kind == "quoted":
            return values.column(token.text[1:-1])
        if token.text == "(":
            inner = self._nested(self._alternatives)
            self._demand(")")
            return inner
        if token.kind != "name" or token.text.lower() in _RESERVED:
            self._at -= 1
            self._expected("a column, a number or a 'text'")
        return self._named(token.text)

    def _named(self, name: str) -> Value:
        following = self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "")
        if following.text == "(":
            return values.call(name, self._arguments())
        if name.lower() in {"timestamp", "date"} and following.kind == "text":
            self._at += 1
            return values.moment(_unquoted(following.text))
        return values.word(name)

    def _arguments(self) -> list[Value]:
        self._demand("(")
        found = [self._nested(self._sum)]
        while self._takes(","):
            found.append(self._nested(self._sum))
        self._demand(")")
        return found

    def _nested(self, part: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > MOST_NESTING:
            raise values.ConditionError(f"at most {MOST_NESTING} brackets may lie in each other")
        found = part()
        self._depth -= 1
        return found

    def _takes(self, *words: str) -> str:
        """Pass over the next word if it is one of these, and return it; else the empty text."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "")
        if token.kind in {"text", "quoted"} or token.text.lower() not in words:
            return ""
        self._at += 1
        return token.text.lower()

    def _demand(self, word: str) -> None:
        if not self._takes(word):
            self._expected(repr(word))

    def _next(self, wanted: str) -> _Token:
        if self._at >= len(self._tokens):
            self._expected(wanted)
        self._at += 1
        return self._tokens[self._at - 1]

    def _expected(self, wanted: str) -> None:
        after = f" after {self._tokens[self._at - 1].text[:20]!r}" if self._at else ""
        found = repr(self._tokens[self._at].text[:20]) if self._at < len(self._tokens) else "the end"
        raise values.ConditionError(f"{wanted} was expected{after}, found {found}")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
