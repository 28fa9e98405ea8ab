"""The grammar of UpdateExpression: SET, REMOVE, ADD and DELETE sections, in any order, each once.

Amazon DynamoDB Developer Guide, "Using update expressions in DynamoDB".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.nodes import Action, Arithmetic, Call, Literal, Node, Operand, ungrouped
from fogbank.languages.dynamodb.syntax import (
    PARSED_MAX,
    UPDATE_FUNCTIONS,
    count_operator,
    group,
    lexer,
    operand_from,
    parse_path,
    parse_with,
)
from fogbank.languages.pratt import END, Grammar

if TYPE_CHECKING:
    from fogbank.languages.pratt import Parser, Token

SECTIONS: Final = ("SET", "REMOVE", "ADD", "DELETE")
_SUM: Final = 10

_LEXER: Final = lexer(SECTIONS)
_GRAMMAR: Final[Grammar[Node]] = Grammar()


@lru_cache(maxsize=PARSED_MAX)
def parse_update(text: str) -> tuple[Action, ...]:
    """Parse an update into its actions, in the order of the text; raises `ExpressionError`."""
    return parse_with(_GRAMMAR, _LEXER, text, _sections)


def _sections(parser: Parser[Node]) -> tuple[Action, ...]:
    actions: list[Action] = []
    seen = set()
    while parser.token.kind != END:
        section = parser.expect(*SECTIONS).kind
        if section in seen:
            raise ExpressionError(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        actions.append(_action(parser, section))
        while parser.accept(","):
            actions.append(_action(parser, section))
    return tuple(actions)


def _action(parser: Parser[Node], section: str) -> Action:
    path = parse_path(parser)
    if section == "SET":
        parser.expect("=")
        return Action(section, path, _check_value(parser.expression()))
    if section == "REMOVE":
        return Action(section, path, None)
    return Action(section, path, Literal(parser.expect("value").text))


@_GRAMMAR.prefix("word", "name", "value")
def _operand(parser: Parser[Node], token: Token) -> Node:
    return operand_from(parser, token)


@_GRAMMAR.prefix("(")
def _group(parser: Parser[Node], _token: Token) -> Node:
    inner = parser.expression()
    parser.expect(")")
    return group(inner)


@_GRAMMAR.infix(_SUM, "+", "-")
def _arithmetic(parser: Parser[Node], left: Node, token: Token) -> Node:
    """Only two operands may be added: the grammar has no chains."""
    count_operator(parser)
    if isinstance(ungrouped(left), Arithmetic):
        raise parser.unexpected(token)
    return Arithmetic(token.kind, _check_value(left), _check_value(parser.expression(_SUM)))


def _check_value(node: Node) -> Operand:
    """Refuse the functions of conditions."""
    inner = ungrouped(node)
    if isinstance(inner, Call):
        if inner.function not in UPDATE_FUNCTIONS:
            raise ExpressionError(f"The function is not allowed in an update expression; function: {inner.function}")
        for argument in inner.arguments:
            _check_value(argument)
    return node  # type: ignore[return-value]  # this grammar makes no conditions
