"""A request's expressions, with the names and values that it brings for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from fogbank.clouds.aws.dynamodb.attributes import read_value
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.languages.dynamodb.applying import compile_update
from fogbank.languages.dynamodb.conditions import parse_condition
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.key_conditions import compile_key_condition
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.nodes import paths_in
from fogbank.languages.dynamodb.placeholders import Placeholders, check_name_keys, check_value_keys
from fogbank.languages.dynamodb.projections import compile_projection, parse_projection
from fogbank.languages.dynamodb.updates import parse_update
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fogbank.languages.dynamodb.applying import Update
    from fogbank.languages.dynamodb.key_conditions import KeyTerm
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.languages.dynamodb.types import Value

P = TypeVar("P")
T = TypeVar("T")

_NONE: Final = Placeholders({}, {})


class Expressions:
    """Reads the expressions of one request; `done` refuses names and values that none of them used.

    `texts` are the expressions that the operation takes, by parameter; those that the request hasn't are None.
    """

    __slots__ = ("_brought", "_instead", "_placeholders", "_texts")

    def __init__(self, names: dict[str, str] | None, values: dict[str, Any] | None = None, **texts: str | None) -> None:
        self._texts = texts
        self._instead: dict[str, tuple[Any, set[str]]] = {}
        self._brought = names is not None or values is not None
        self._placeholders = _placeholders(names, values, texts) if self._brought else _NONE

    def stand_in(self, parameter: str, compiled: Any, attributes: Iterable[str]) -> None:
        """Put what is compiled already, and reads those attributes, in the place of an expression."""
        self._instead[parameter] = (compiled, set(attributes))

    def condition(self, parameter: str = "ConditionExpression") -> Matcher | None:
        """Return what tells whether an item fulfils a condition; None if there is none."""
        return self._compile(parameter, parse_condition, compile_condition)

    def key_condition(self) -> list[KeyTerm] | None:
        """Return what is asked of the key; None if nothing is."""
        return self._compile("KeyConditionExpression", parse_condition, compile_key_condition)

    def update(self) -> Update | None:
        """Return what is to be done to an item; None if nothing is."""
        return self._compile("UpdateExpression", parse_update, compile_update)

    def projection(self) -> Tree | None:
        """Return the paths that are wanted of an item; None if all of it is."""
        return self._compile("ProjectionExpression", parse_projection, compile_projection)

    def attributes(self, parameter: str) -> set[str]:
        """Return the names of the attributes that a condition reads."""
        if parameter in self._instead:
            return self._instead[parameter][1]
        text = self._texts[parameter]
        if text is None:
            return set()
        return {str(self._placeholders.steps(path)[0]) for path in paths_in(parse_condition(text))}

    def done(self) -> None:
        """Refuse what was brought and not used."""
        if self._brought:
            try:
                self._placeholders.check_used()
            except MisuseError as error:
                raise validation(str(error)) from None

    def _compile(
        self, parameter: str, parse: Callable[[str], P], compile_parsed: Callable[[P, Placeholders], T]
    ) -> T | None:
        if parameter in self._instead:
            found: T | None = self._instead[parameter][0]
            return found
        text = self._texts[parameter]
        if text is None:
            return None
        try:
            return compile_parsed(parse(text), self._placeholders)
        except ExpressionError as error:
            raise validation(f"Invalid {parameter}: {error}") from None
        except MisuseError as error:
            raise validation(str(error)) from None


def _placeholders(
    names: dict[str, str] | None, values: dict[str, Any] | None, texts: Mapping[str, str | None]
) -> Placeholders:
    if all(text is None for text in texts.values()):
        if names is not None:
            raise validation("ExpressionAttributeNames can only be specified when using expressions")
        absent = " and ".join(parameter for parameter in texts if parameter != "ProjectionExpression")
        verb = "are" if " and " in absent else "is"
        raise validation(
            f"ExpressionAttributeValues can only be specified when using expressions: {absent} {verb} null"
        )
    try:
        if names is not None:
            check_name_keys(names)
        if values is not None:
            check_value_keys(values)
    except MisuseError as error:
        raise validation(str(error)) from None
    return Placeholders(names or {}, {} if values is None else _read_values(values))


def _read_values(raw: dict[str, Any]) -> dict[str, Value]:
    values = {}
    for name, tagged in raw.items():
        try:
            values[name] = read_value(tagged)
        except AwsError as error:
            if error.code != "ValidationException":
                raise
            raise validation(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}"
            ) from None
    return values
