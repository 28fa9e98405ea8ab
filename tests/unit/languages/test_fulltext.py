"""Terms of texts, and how well texts fit."""

from __future__ import annotations

import pytest

from fogbank.languages.fulltext import Statistics, occurrences, terms_of


def test_terms() -> None:
    assert terms_of("The Helmets, and the RIDERS' bikes—running!") == ("helmet", "rider", "bike", "run")
    assert terms_of("don\u2019t") == terms_of("don't")
    assert terms_of("to be or not to be") == ()
    assert terms_of("Größe 42 naïve") == ("größe", "42", "naïv")


def test_phrases() -> None:
    terms = terms_of("red bicycle, blue bicycles and a red bicycle")
    assert occurrences(terms, terms_of("bicycle")) == 3
    assert occurrences(terms, terms_of("red bicycles")) == 2
    assert occurrences(terms, terms_of("bicycle red")) == 1
    assert occurrences(terms, ()) == 0


def test_scores() -> None:
    texts = [terms_of(each) for each in ("a cat", "a cat and a cat", "a cat, a dog, a cow, a hen", "a dog", "a cow")]
    statistics = Statistics([terms_of("cat"), terms_of("hen")])
    for each in texts:
        statistics.note(each)
    one, two, many, none, _other = [statistics.score(statistics.count(each), len(each)) for each in texts]
    assert none == 0
    # More of a term is better; so is a rarer term, and less of all else.
    assert two > one > 0
    assert many > one
    # idf = ln(1 + (5 - 3 + 0.5) / 3.5); the average length is 9 / 5.
    idf, length = 0.5390, 1 / (9 / 5)
    assert one == pytest.approx(idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length)), abs=1e-3)
