"""The grammar of conditions: ConditionExpression, FilterExpression and KeyConditionExpression.

Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.nodes import (
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Logic,
    Node,
    Not,
    Operand,
    ungrouped,
)
from fogbank.languages.dynamodb.syntax import (
    PARSED_MAX,
    UPDATE_FUNCTIONS,
    count_operator,
    group,
    lexer,
    operand_from,
    parse_operand,
    parse_with,
)
from fogbank.languages.pratt import Grammar

if TYPE_CHECKING:
    from fogbank.languages.pratt import Parser, Token

OPTIONS_MAX: Final = 100
_OR: Final = 10
_AND: Final = 20
_NOT: Final = 30
_COMPARE: Final = 40

_LEXER: Final = lexer(("AND", "OR", "NOT", "BETWEEN", "IN"))
_GRAMMAR: Final[Grammar[Node]] = Grammar()


@lru_cache(maxsize=PARSED_MAX)
def parse_condition(text: str) -> Condition:
    """Parse a condition; raises `ExpressionError`."""
    return parse_with(_GRAMMAR, _LEXER, text, _whole)


def _whole(parser: Parser[Node]) -> Condition:
    return _condition(parser, parser.expression())


@_GRAMMAR.prefix("word", "name", "value")
def _operand(parser: Parser[Node], token: Token) -> Node:
    node = operand_from(parser, token)
    if isinstance(node, Call):
        if node.function in UPDATE_FUNCTIONS:
            raise ExpressionError(f"The function is not allowed in a condition expression; function: {node.function}")
        for argument in node.arguments:
            _check_operand(argument)
    return node


@_GRAMMAR.prefix("(")
def _group(parser: Parser[Node], _token: Token) -> Node:
    inner = parser.expression()
    parser.expect(")")
    return group(inner)


@_GRAMMAR.prefix("NOT")
def _negation(parser: Parser[Node], _token: Token) -> Node:
    count_operator(parser)
    return Not(_condition(parser, parser.expression(_NOT)))


@_GRAMMAR.infix(_AND, "AND")
def _conjunction(parser: Parser[Node], left: Node, token: Token) -> Node:
    return _logic(parser, left, token, _AND)


@_GRAMMAR.infix(_OR, "OR")
def _disjunction(parser: Parser[Node], left: Node, token: Token) -> Node:
    return _logic(parser, left, token, _OR)


@_GRAMMAR.infix(_COMPARE, "=", "<>", "<", "<=", ">", ">=")
def _comparison(parser: Parser[Node], left: Node, token: Token) -> Node:
    count_operator(parser)
    return Comparison(token.kind, _left_operand(parser, left, token), _right_operand(parser))


@_GRAMMAR.infix(_COMPARE, "BETWEEN")
def _between(parser: Parser[Node], left: Node, token: Token) -> Node:
    count_operator(parser)
    operand = _left_operand(parser, left, token)
    low = _right_operand(parser)
    parser.expect("AND")
    return Between(operand, low, _right_operand(parser))


@_GRAMMAR.infix(_COMPARE, "IN")
def _in(parser: Parser[Node], left: Node, token: Token) -> Node:
    count_operator(parser)
    operand = _left_operand(parser, left, token)
    parser.expect("(")
    options = [_right_operand(parser)]
    while parser.accept(","):
        options.append(_right_operand(parser))
    parser.expect(")")
    if len(options) > OPTIONS_MAX:
        raise ExpressionError(f"The IN operator is provided with too many operands; number of operands: {len(options)}")
    return In(operand, tuple(options))


def _logic(parser: Parser[Node], left: Node, token: Token, power: int) -> Node:
    count_operator(parser)
    first = _condition(parser, left, token)
    second = _condition(parser, parser.expression(power))
    if isinstance(first, Logic) and first.operator == token.kind:
        return Logic(token.kind, (*first.conditions, second))
    return Logic(token.kind, (first, second))


def _condition(parser: Parser[Node], node: Node, at: Token | None = None) -> Condition:
    """Refuse an operand where a condition must stand, at the token that follows it."""
    inner = ungrouped(node)
    if isinstance(inner, Call) and inner.function == "size":
        _misused(inner)
    if isinstance(inner, (Comparison, Between, In, Logic, Not, Call)):
        return node  # type: ignore[return-value]  # as is, but for its parentheses
    raise parser.unexpected(at)


def _left_operand(parser: Parser[Node], node: Node, operator: Token) -> Operand:
    inner = ungrouped(node)
    if isinstance(inner, (Comparison, Between, In, Logic, Not)):
        raise parser.unexpected(operator)
    return _check_operand(node)


def _right_operand(parser: Parser[Node]) -> Operand:
    return _check_operand(parse_operand(parser))


def _check_operand(node: Node) -> Operand:
    """Refuse a function that is a condition where an operand must stand."""
    inner = ungrouped(node)
    if isinstance(inner, Call):
        if inner.function in UPDATE_FUNCTIONS:
            raise ExpressionError(f"The function is not allowed in a condition expression; function: {inner.function}")
        if inner.function != "size":
            _misused(inner)
        _check_operand(inner.arguments[0])
    return node  # type: ignore[return-value]  # the caller has seen to the other conditions


def _misused(call: Call) -> NoReturn:
    raise ExpressionError(
        f"The function is not allowed to be used this way in an expression; function: {call.function}"
    )
