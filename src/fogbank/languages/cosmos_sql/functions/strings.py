"""Functions on texts; undefined for what is none.

Azure Cosmos DB for NoSQL, "LASTINDEXOF" (https://docs.azure.cn/en-us/cosmos-db/query/lastindexof), "CONTAINS_ANY_CI"
(https://docs.azure.cn/zh-cn/cosmos-db/query/contains-any-ci), "REGEXMATCH"
(https://learn.microsoft.com/cosmos-db/query/regexmatch) and their neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.cosmos_sql.errors import FUNCTION, QueryError
from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.operators import TEXT_LENGTH_MAX, decide
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

REPLICATED_LENGTH_MAX: Final = 10_000
_MODIFIERS: Final = frozenset("imsx")


def _on_text(run: Callable[[str], Any]) -> Callable[[Value], Value]:
    return lambda text: run(text) if type(text) is str else UNDEFINED


def _whole(value: Value) -> int | None:
    """Return a number of characters or a position, None for what is none."""
    return int(value) if is_number(value) and abs(value) < 1 << 53 else None


def concat(*texts: Value) -> Value:
    """CONCAT."""
    if not all(type(text) is str for text in texts) or sum(map(len, texts)) > TEXT_LENGTH_MAX:
        return UNDEFINED
    return "".join(texts)


def _pair(test: Callable[[str, str], bool]) -> Callable[..., Value]:
    """Return a test of two texts that may leave aside whether letters are capital."""

    def run(text: Value, other: Value, folded: Value = False) -> Value:
        if type(text) is not str or type(other) is not str or type(folded) is not bool:
            return UNDEFINED
        return test(text.lower(), other.lower()) if folded else test(text, other)

    return run


def _contains_each(*, decisive: bool, folded: bool) -> Callable[..., Value]:
    """Return whether a text contains any (True decides) or all (False does) of others."""
    contains = _pair(lambda text, other: other in text)

    def run(text: Value, *wanted: Value) -> Value:
        return decide([contains(text, each, folded) for each in wanted], decisive=decisive)

    return run


def index_of(text: Value, wanted: Value, start: Value = 0) -> Value:
    """INDEX_OF."""
    at = _whole(start)
    if type(text) is not str or type(wanted) is not str or at is None:
        return UNDEFINED
    return text.find(wanted, max(0, at))


def last_index_of(text: Value, wanted: Value, end: Value = None) -> Value:
    """LASTINDEXOF; what is found ends at the position `end` at the latest."""
    at = _whole(end) if end is not None else 0
    if type(text) is not str or type(wanted) is not str or at is None:
        return UNDEFINED
    return text.rfind(wanted, 0, len(text) if end is None else max(0, at + 1))


def left(text: Value, count: Value) -> Value:
    """LEFT."""
    number = _whole(count)
    return text[: max(0, number)] if type(text) is str and number is not None else UNDEFINED


def right(text: Value, count: Value) -> Value:
    """RIGHT."""
    number = _whole(count)
    if type(text) is not str or number is None:
        return UNDEFINED
    return text[-number:] if number > 0 else ""


def regex_match(text: Value, pattern: Value, modifiers: Value = "") -> Value:
    """REGEXMATCH, in a time that is linear in the text; raises `QueryError` for what isn't a pattern of that kind."""
    if not all(type(each) is str for each in (text, pattern, modifiers)):
        return UNDEFINED
    if not _MODIFIERS.issuperset(modifiers):
        raise QueryError(FUNCTION, f"The modifiers '{modifiers[:20]}' of RegexMatch are invalid.")
    from fogbank.languages.linear_search import PatternError, compile_search  # noqa: PLC0415 - loaded on first use

    try:
        return compile_search(f"(?{modifiers}){pattern}" if modifiers else pattern)(text)
    except PatternError as error:
        message = f"Fogbank does not support the regular expression '{pattern[:100]}' of RegexMatch: {error}"
        raise QueryError(FUNCTION, message) from None


def replace(text: Value, old: Value, new: Value) -> Value:
    """REPLACE."""
    if not all(type(each) is str for each in (text, old, new)):
        return UNDEFINED
    if not old:
        return text
    length = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if length <= TEXT_LENGTH_MAX else UNDEFINED


def replicate(text: Value, count: Value) -> Value:
    """REPLICATE."""
    number = _whole(count)
    if type(text) is not str or number is None or number < 0 or number * len(text) > REPLICATED_LENGTH_MAX:
        return UNDEFINED
    return text * number


def substring(text: Value, start: Value, count: Value) -> Value:
    """SUBSTRING."""
    at, number = _whole(start), _whole(count)
    if type(text) is not str or at is None or number is None:
        return UNDEFINED
    return text[max(0, at) :][: max(0, number)] if at < len(text) else ""


def _trim(strip: Callable[[str, str | None], str]) -> Callable[..., Value]:
    def run(text: Value, characters: Value = None) -> Value:
        if type(text) is not str or (characters is not None and type(characters) is not str):
            return UNDEFINED
        return strip(text, characters)

    return run


def string_join(texts: Value, separator: Value) -> Value:
    """StringJoin."""
    if type(texts) is not list or type(separator) is not str or not all(type(text) is str for text in texts):
        return UNDEFINED
    return separator.join(texts)


def string_split(text: Value, separator: Value) -> Value:
    """StringSplit."""
    if type(text) is not str or type(separator) is not str:
        return UNDEFINED
    return text.split(separator) if separator else [text]


STRINGS: Final = {
    "CONCAT": Function(concat, 2, 1_000),
    "CONTAINS": Function(_pair(lambda text, other: other in text), 2, 3),
    "CONTAINS_ALL_CI": Function(_contains_each(decisive=False, folded=True), 2, 1_000),
    "CONTAINS_ALL_CS": Function(_contains_each(decisive=False, folded=False), 2, 1_000),
    "CONTAINS_ANY_CI": Function(_contains_each(decisive=True, folded=True), 2, 1_000),
    "CONTAINS_ANY_CS": Function(_contains_each(decisive=True, folded=False), 2, 1_000),
    "ENDSWITH": Function(_pair(str.endswith), 2, 3),
    "INDEX_OF": Function(index_of, 2, 3),
    "LASTINDEXOF": Function(last_index_of, 2, 3),
    "LEFT": Function(left, 2, 2),
    "LENGTH": Function(_on_text(len), 1, 1),
    "LOWER": Function(_on_text(str.lower), 1, 1),
    "LTRIM": Function(_trim(str.lstrip), 1, 2),
    "REGEXMATCH": Function(regex_match, 2, 3),
    "REPLACE": Function(replace, 3, 3),
    "REPLICATE": Function(replicate, 2, 2),
    "REVERSE": Function(_on_text(lambda text: text[::-1]), 1, 1),
    "RIGHT": Function(right, 2, 2),
    "RTRIM": Function(_trim(str.rstrip), 1, 2),
    "STARTSWITH": Function(_pair(str.startswith), 2, 3),
    "STRINGEQUALS": Function(_pair(str.__eq__), 2, 3),
    "STRINGJOIN": Function(string_join, 2, 2),
    "STRINGSPLIT": Function(string_split, 2, 2),
    "SUBSTRING": Function(substring, 3, 3),
    "TRIM": Function(_trim(str.strip), 1, 2),
    "UPPER": Function(_on_text(str.upper), 1, 1),
}
