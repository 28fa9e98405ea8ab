"""The grammar of SET and REMOVE, whose actions are those of DynamoDB's update expressions.

Amazon DynamoDB Developer Guide, "PartiQL update statements for DynamoDB"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.languages.dynamodb.nodes import Action, Arithmetic, Call, Node, Operand, Path
from fogbank.languages.partiql.syntax import VALUES, inline, parse_path, path_from, unfit, value_from

if TYPE_CHECKING:
    from fogbank.languages.partiql.values import Inline
    from fogbank.languages.pratt import Parser, Token

# Functions that are sections of an update expression.
_SECTIONS: Final = {"set_add": "ADD", "set_delete": "DELETE"}
_APPEND: Final = "list_append"


def parse_actions(parser: Parser[Node]) -> tuple[Action, ...]:
    """Parse one or more SET and REMOVE clauses."""
    section = parser.expect("SET", "REMOVE").kind
    actions = [_action(parser, section)]
    while True:
        if token := parser.accept("SET", "REMOVE"):
            section = token.kind
        elif not parser.accept(","):
            return tuple(actions)
        actions.append(_action(parser, section))


def _action(parser: Parser[Node], section: str) -> Action:
    path = parse_path(parser)
    if section == "REMOVE":
        return Action(section, path, None)
    parser.expect("=")
    token = parser.expect("word", "quoted", *VALUES)
    if token.kind == "word" and parser.token.kind == "(":
        return _function(parser, path, token)
    left = _operand(parser, token)
    operator = parser.accept("+", "-")
    if operator is None:
        return Action(section, path, left)
    return Action(section, path, Arithmetic(operator.kind, left, _operand(parser, parser.advance())))


def _function(parser: Parser[Node], path: Path, token: Token) -> Action:
    function = token.text.lower()
    parser.expect("(")
    if function == _APPEND:
        first = _operand(parser, parser.advance())
        parser.expect(",")
        second = _operand(parser, parser.advance())
        parser.expect(")")
        return Action("SET", path, Call(_APPEND, (first, second)))
    section = _SECTIONS.get(function)
    # A set is changed where it is; the update expression has no other way.
    if section is None or parse_path(parser) != path:
        raise unfit(token)
    parser.expect(",")
    value = _value(parser, parser.expect(*VALUES))
    parser.expect(")")
    return Action(section, path, value)


def _operand(parser: Parser[Node], token: Token) -> Operand:
    if token.kind in ("word", "quoted"):
        return path_from(parser, token)
    if token.kind not in VALUES:
        raise unfit(token)
    return _value(parser, token)


def _value(parser: Parser[Node], token: Token) -> Inline:
    return inline(token, value_from(parser, token))
