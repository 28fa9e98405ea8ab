"""The parser kit, on a calculator."""

from __future__ import annotations

import pytest

from fogbank.languages.pratt import END, UNKNOWN, Grammar, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

LEXER = Lexer({"number": "[0-9]+", "word": "[a-z]+"}, ("+", "-", "*", "**", "(", ")"), ("MOD",))
CALCULATOR: Grammar[int] = Grammar()


@CALCULATOR.prefix("number")
def _number(_parser: Parser[int], token: Token) -> int:
    return int(token.text)


@CALCULATOR.prefix("-")
def _negative(parser: Parser[int], _token: Token) -> int:
    return -parser.expression(25)


@CALCULATOR.prefix("(")
def _group(parser: Parser[int], _token: Token) -> int:
    value = parser.expression()
    parser.expect(")")
    return value


@CALCULATOR.infix(10, "+", "-")
def _sum(parser: Parser[int], left: int, token: Token) -> int:
    parser.operators += 1
    right = parser.expression(10)
    return left + right if token.kind == "+" else left - right


@CALCULATOR.infix(20, "*", "MOD")
def _product(parser: Parser[int], left: int, token: Token) -> int:
    right = parser.expression(20)
    return left * right if token.kind == "*" else left % right


@CALCULATOR.infix(30, "**")
def _power(parser: Parser[int], left: int, _token: Token) -> int:
    return left ** parser.expression(29)


def calculate(text: str, depth_max: int = 50) -> int:
    parser = Parser(CALCULATOR, LEXER, text, depth_max)
    value = parser.expression()
    parser.expect(END)
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("-(1 + 1) * 3", -6),
        ("7 mod 4 + 1", 4),
        ("7 mod\n4", 3),
    ],
)
def test_operators_bind_by_their_powers(text: str, value: int) -> None:
    assert calculate(text) == value


def test_tokens_know_their_kinds_and_places() -> None:
    tokens = LEXER.tokens(" 12 ** ab Mod! ")
    assert [(token.kind, token.text, token.start) for token in tokens] == [
        ("number", "12", 1),
        ("**", "**", 4),
        ("word", "ab", 7),
        (UNKNOWN, "M", 10),
        ("word", "od", 11),
        (UNKNOWN, "!", 13),
        (END, "", 14),
    ]


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("", "", ""),
        ("1 +", "", "+"),
        ("1 + * 2", "*", "+ * 2"),
        ("(1 + 2 3", "3", "2 3"),
        ("1 2", "2", "1 2"),
        ("? 1", "?", "? 1"),
    ],
)
def test_errors_show_the_token_and_its_neighbours(text: str, token: str, near: str) -> None:
    with pytest.raises(UnexpectedTokenError) as caught:
        calculate(text)
    assert (caught.value.token.text, caught.value.near) == (token, near)


def test_an_error_can_be_about_a_token_gone_over() -> None:
    parser = Parser(CALCULATOR, LEXER, "1 + 2 * 3", 50)
    parser.advance()
    plus = parser.advance()
    parser.advance()
    error = parser.unexpected(plus)
    assert (error.token.text, error.near) == ("+", "1 + 2")


def test_depth_is_limited() -> None:
    assert calculate("(" * 9 + "1" + ")" * 9, depth_max=10) == 1
    with pytest.raises(TooDeepError):
        calculate("(" * 10 + "1" + ")" * 10, depth_max=10)
    assert calculate("+".join(["1"] * 1_000), depth_max=10) == 1_000, "a chain isn't deep"


def test_rules_can_count_operators() -> None:
    parser = Parser(CALCULATOR, LEXER, "1 + 2 - 3", 50)
    parser.expression()
    assert parser.operators == 2
