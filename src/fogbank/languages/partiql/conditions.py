"""The grammar of WHERE, whose conditions are nodes of DynamoDB's expressions.

Amazon DynamoDB Developer Guide, "PartiQL arithmetic, comparison, and logical operators for DynamoDB" and "Use PartiQL
functions with DynamoDB".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.languages.dynamodb.nodes import (
    Between,
    Call,
    Comparison,
    Condition,
    Group,
    In,
    Literal,
    Logic,
    Node,
    Not,
    Operand,
    Path,
    ungrouped,
)
from fogbank.languages.dynamodb.syntax import OPERATORS_MAX
from fogbank.languages.partiql.syntax import (
    VALUES,
    StatementError,
    inline,
    parse_path,
    path_from,
    unfit,
    value_from,
)
from fogbank.languages.partiql.values import Constant
from fogbank.languages.pratt import Grammar

if TYPE_CHECKING:
    from fogbank.languages.pratt import Parser, Token

OPTIONS_MAX: Final = 100
_OR: Final = 10
_AND: Final = 20
_NOT: Final = 30
_COMPARE: Final = 40
_CLOSING: Final = {"[": "]", "(": ")"}
# The functions of conditions; all but `size` are conditions themselves.
_ARGUMENTS: Final = {"attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1}

GRAMMAR: Final[Grammar[Node]] = Grammar()


def parse_where(parser: Parser[Node]) -> Condition:
    """Parse a condition."""
    return _condition(parser, parser.expression())


def conjuncts(node: Condition) -> list[Condition]:
    """Return the conditions of which all must hold."""
    inner = ungrouped(node)
    if isinstance(inner, Logic) and inner.operator == "AND":
        return [each for condition in inner.conditions for each in conjuncts(condition)]
    return [inner]  # type: ignore[list-item]  # what stands in the parentheses of a condition is one


def parse_operand(parser: Parser[Node]) -> Operand:
    """Parse a path, a value, or a function."""
    token = parser.expect("word", "quoted", *VALUES)
    node = _operand(parser, token)
    return _check_operand(node, token)


@GRAMMAR.prefix("word", "quoted", *VALUES)
def _operand(parser: Parser[Node], token: Token) -> Node:
    if token.kind in VALUES:
        return inline(token, value_from(parser, token))
    if token.kind == "word" and parser.token.kind == "(":
        return _call(parser, token)
    return path_from(parser, token)


@GRAMMAR.prefix("(")
def _group(parser: Parser[Node], _token: Token) -> Node:
    inner = parser.expression()
    parser.expect(")")
    return Group(inner)


@GRAMMAR.prefix("NOT")
def _negation(parser: Parser[Node], _token: Token) -> Node:
    _count(parser)
    return Not(_condition(parser, parser.expression(_NOT)))


@GRAMMAR.infix(_AND, "AND")
def _conjunction(parser: Parser[Node], left: Node, token: Token) -> Node:
    return _logic(parser, left, token, _AND)


@GRAMMAR.infix(_OR, "OR")
def _disjunction(parser: Parser[Node], left: Node, token: Token) -> Node:
    return _logic(parser, left, token, _OR)


@GRAMMAR.infix(_COMPARE, "=", "<>", "!=", "<", "<=", ">", ">=")
def _comparison(parser: Parser[Node], left: Node, token: Token) -> Node:
    _count(parser)
    operand = _check_operand(left, token)
    operator = "<>" if token.kind == "!=" else token.kind
    if operator in ("=", "<>") and parser.accept("MISSING"):
        return _presence(operand, token, missing=operator == "=")
    return Comparison(operator, operand, parse_operand(parser))


@GRAMMAR.infix(_COMPARE, "BETWEEN")
def _between(parser: Parser[Node], left: Node, token: Token) -> Node:
    _count(parser)
    operand = _check_operand(left, token)
    low = parse_operand(parser)
    parser.expect("AND")
    return Between(operand, low, parse_operand(parser))


@GRAMMAR.infix(_COMPARE, "IN")
def _in(parser: Parser[Node], left: Node, token: Token) -> Node:
    _count(parser)
    operand = _check_operand(left, token)
    end = _CLOSING[parser.expect(*_CLOSING).kind]
    options = [parse_operand(parser)]
    while parser.accept(","):
        options.append(parse_operand(parser))
    parser.expect(end)
    if len(options) > OPTIONS_MAX:
        raise StatementError(f"The IN operator takes up to {OPTIONS_MAX} operands")
    return In(operand, tuple(options))


@GRAMMAR.infix(_COMPARE, "NOT")
def _not_one_of(parser: Parser[Node], left: Node, token: Token) -> Node:
    rule = parser.expect("BETWEEN", "IN")
    return Not(_between(parser, left, token) if rule.kind == "BETWEEN" else _in(parser, left, token))  # type: ignore[arg-type]


@GRAMMAR.infix(_COMPARE, "IS")
def _is(parser: Parser[Node], left: Node, token: Token) -> Node:
    _count(parser)
    operand = _check_operand(left, token)
    negated = parser.accept("NOT") is not None
    if parser.expect("MISSING", "NULL").kind == "MISSING":
        return _presence(operand, token, missing=not negated)
    if not isinstance(operand, Path):
        raise unfit(token)
    null = Call("attribute_type", (operand, inline(token, Constant("NULL"))))
    return Not(null) if negated else null


def _presence(operand: Operand, at: Token, *, missing: bool) -> Call:
    if not isinstance(operand, Path):
        raise unfit(at)
    return Call("attribute_not_exists" if missing else "attribute_exists", (operand,))


def _logic(parser: Parser[Node], left: Node, token: Token, power: int) -> Node:
    _count(parser)
    first = _condition(parser, left)
    second = _condition(parser, parser.expression(power))
    if isinstance(first, Logic) and first.operator == token.kind:
        return Logic(token.kind, (*first.conditions, second))
    return Logic(token.kind, (first, second))


def _call(parser: Parser[Node], token: Token) -> Call:
    function = token.text.lower()
    if function not in _ARGUMENTS:
        raise StatementError(f"Unsupported function: {token.text}")
    _count(parser)
    parser.enter()
    parser.expect("(")
    arguments: list[Operand] = [parse_path(parser)]
    while parser.accept(","):
        arguments.append(parse_operand(parser))
    parser.expect(")")
    parser.leave()
    if len(arguments) != _ARGUMENTS[function]:
        raise StatementError(f"Unexpected number of arguments of the function: {token.text}")
    if function == "attribute_type" and not isinstance(arguments[1], Literal):
        raise unfit(token)
    return Call(function, tuple(arguments))


def _condition(parser: Parser[Node], node: Node) -> Condition:
    """Refuse an operand where a condition must stand."""
    inner = ungrouped(node)
    if isinstance(inner, (Comparison, Between, In, Logic, Not)) or (
        isinstance(inner, Call) and inner.function != "size"
    ):
        return node  # type: ignore[return-value]  # as is, but for its parentheses
    raise unfit(parser.token)


def _check_operand(node: Node, at: Token) -> Operand:
    """Refuse a condition where an operand must stand."""
    inner = ungrouped(node)
    if isinstance(inner, (Path, Literal)) or (isinstance(inner, Call) and inner.function == "size"):
        return inner
    raise unfit(at)


def _count(parser: Parser[Node]) -> None:
    """Count an operator or function against the limit."""
    parser.operators += 1
    if parser.operators > OPERATORS_MAX:
        raise StatementError(f"A statement may have up to {OPERATORS_MAX} operators")
