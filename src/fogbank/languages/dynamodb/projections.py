"""ProjectionExpression: which parts of an item are wanted.

Amazon DynamoDB Developer Guide, "Using projection expressions".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.dynamodb.paths import grow_tree
from fogbank.languages.dynamodb.syntax import PARSED_MAX, lexer, parse_path, parse_with
from fogbank.languages.pratt import Grammar

if TYPE_CHECKING:
    from fogbank.languages.dynamodb.nodes import Node, Path
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.languages.dynamodb.placeholders import Placeholders
    from fogbank.languages.pratt import Parser

_LEXER: Final = lexer(())
_GRAMMAR: Final[Grammar[Node]] = Grammar()


@lru_cache(maxsize=PARSED_MAX)
def parse_projection(text: str) -> tuple[Path, ...]:
    """Parse the paths of a projection; raises `ExpressionError`."""
    return parse_with(_GRAMMAR, _LEXER, text, _paths)


def compile_projection(paths: tuple[Path, ...], placeholders: Placeholders) -> Tree:
    """Return the tree of paths that `paths.project` cuts out; raises `ExpressionError`."""
    return grow_tree([placeholders.steps(path) for path in paths])


def _paths(parser: Parser[Node]) -> tuple[Path, ...]:
    paths = [parse_path(parser)]
    while parser.accept(","):
        paths.append(parse_path(parser))
    return tuple(paths)
