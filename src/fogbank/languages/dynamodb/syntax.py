"""What all of DynamoDB's expressions have in common: tokens, document paths, functions' arguments, limits.

Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB" and "Constraints: Expression parameters".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.nodes import Call, Group, Literal, Node, Operand, Path
from fogbank.languages.dynamodb.reserved import RESERVED
from fogbank.languages.pratt import END, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.languages.pratt import Grammar

T = TypeVar("T")

EXPRESSION_BYTES_MAX: Final = 4_096
# How many expressions of each kind are kept parsed, by their text.
PARSED_MAX: Final = 512
OPERATORS_MAX: Final = 300
# Not documented; as many as a chain of all allowed operators could need would be too deep for the interpreter.
EXPRESSION_DEPTH_MAX: Final = 150
PATH_PARTS_MAX: Final = 32
INDEX_MAX: Final = 2**31 - 1
REDUNDANT: Final = "The expression has redundant parentheses;"
FUNCTIONS: Final = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}
UPDATE_FUNCTIONS: Final = frozenset({"if_not_exists", "list_append"})
_PATH_FIRST: Final = frozenset({"attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists"})
_SYMBOLS: Final = ("=", "<>", "<", "<=", ">", ">=", "(", ")", "[", "]", ",", ".", "+", "-")
_KINDS: Final = {
    "word": "[A-Za-z][A-Za-z0-9_]*",
    "name": "#[A-Za-z0-9_]+",
    "value": ":[A-Za-z0-9_]+",
    "digits": "[0-9]+",
}


def lexer(keywords: Iterable[str]) -> Lexer:
    """Return the lexer of a kind of expression."""
    return Lexer(_KINDS, _SYMBOLS, keywords)


def parse_with(grammar: Grammar[Node], lexer: Lexer, text: str, rule: Callable[[Parser[Node]], T]) -> T:
    """Parse a whole text by a rule; raises `ExpressionError`."""
    if not text.strip():
        raise ExpressionError("The expression can not be empty;")
    if len(text) > EXPRESSION_BYTES_MAX or len(text.encode()) > EXPRESSION_BYTES_MAX:
        raise ExpressionError("Expression size has exceeded the maximum allowed size;")
    parser = Parser(grammar, lexer, text, EXPRESSION_DEPTH_MAX)
    try:
        parsed = rule(parser)
        parser.expect(END)
    except UnexpectedTokenError as error:
        token = error.token.text or "<EOF>"
        raise ExpressionError(f'Syntax error; token: "{token}", near: "{error.near}"') from None
    except TooDeepError:
        raise ExpressionError(
            f"The expression is nested too deeply; maximum nesting levels: {EXPRESSION_DEPTH_MAX}"
        ) from None
    return parsed


def count_operator(parser: Parser[Node]) -> None:
    """Count an operator or function against the limit."""
    parser.operators += 1
    if parser.operators > OPERATORS_MAX:
        raise ExpressionError(f"The expression contains too many operators; operator count: {parser.operators}")


def parse_path(parser: Parser[Node]) -> Path:
    """Parse a document path."""
    return path_from(parser, parser.expect("word", "name"))


def path_from(parser: Parser[Node], first: Token) -> Path:
    """Parse a document path whose first token has been gone over."""
    parts: list[str | int] = [_name(first)]
    while token := parser.accept(".", "["):
        if token.kind == ".":
            parts.append(_name(parser.expect("word", "name")))
        else:
            parts.append(_index(parser.expect("digits")))
            parser.expect("]")
    if len(parts) > PATH_PARTS_MAX:
        raise ExpressionError(f"The document path has too many nesting elements; nesting levels: {len(parts)}")
    return Path(tuple(parts))


def parse_operand(parser: Parser[Node]) -> Operand:
    """Parse a path, a value's placeholder, a function, or one of those in parentheses."""
    token = parser.expect("word", "name", "value", "(")
    if token.kind != "(":
        return operand_from(parser, token)
    if parser.token.kind == "(":
        raise ExpressionError(REDUNDANT)
    inner = parse_operand(parser)
    parser.expect(")")
    return group(inner)


def operand_from(parser: Parser[Node], token: Token) -> Operand:
    """Parse an operand whose first token has been gone over."""
    if token.kind == "value":
        return Literal(token.text)
    if token.kind == "word" and parser.token.kind == "(":
        return _call(parser, token.text)
    return path_from(parser, token)


def group(inner: Node) -> Group:
    """Put something in parentheses, which it must not stand in already."""
    if isinstance(inner, Group):
        raise ExpressionError(REDUNDANT)
    return Group(inner)


def _call(parser: Parser[Node], function: str) -> Call:
    if function not in FUNCTIONS:
        raise ExpressionError(f"Invalid function name; function: {function}")
    count_operator(parser)
    parser.enter()
    parser.expect("(")
    arguments = [parse_operand(parser)]
    while parser.accept(","):
        arguments.append(parse_operand(parser))
    parser.expect(")")
    parser.leave()
    if len(arguments) != FUNCTIONS[function]:
        raise ExpressionError(
            "Incorrect number of operands for operator or function;"
            f" operator or function: {function}, number of operands: {len(arguments)}"
        )
    if function in _PATH_FIRST and not isinstance(arguments[0], Path):
        raise ExpressionError(f"Operator or function requires a document path; operator or function: {function}")
    return Call(function, tuple(arguments))


def _name(token: Token) -> str:
    if token.kind == "word" and token.text.upper() in RESERVED:
        raise ExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
    return token.text


def _index(token: Token) -> int:
    if len(token.text) > len(str(INDEX_MAX)) or int(token.text) > INDEX_MAX:
        raise ExpressionError(f"List index is not within the allowable range; index: [{token.text}]")
    return int(token.text)
