"""What queries find in documents: clauses, operators, functions, undefined values."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.queries import parse
from fogbank.languages.cosmos_sql.running import ROOT, Program, base_row

NOW_US = 1_795_348_800_123_456
FAMILIES: list[dict[str, Any]] = [
    {
        "id": "andersen",
        "children": [{"name": "Henriette", "grade": 5, "pets": [{"name": "Fluffy"}]}],
        "address": {"city": "Seattle"},
        "registered": True,
    },
    {
        "id": "wakefield",
        "children": [{"name": "Merriam", "grade": 1}, {"name": "Miller", "grade": 8, "pets": [{"name": "Goofy"}]}],
        "address": {"city": "NY"},
        "n": 7,
    },
]


def ask(text: str, documents: Any = FAMILIES, **parameters: Any) -> list[Any]:
    program = Program(parse(text))
    base = base_row({f"@{name}": value for name, value in parameters.items()}, NOW_US)
    return program.run(({**base, ROOT: document} for document in documents), base)


def value(expression: str, **parameters: Any) -> Any:
    """Return an expression's value, "undefined" if it has none."""
    found = ask(f"SELECT VALUE [{expression}]", **parameters)
    return found[0][0] if found[0] else "undefined"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT f.id, f.address.city FROM Families f WHERE f.id = 'wakefield'", [{"id": "wakefield", "city": "NY"}]),
        ("SELECT VALUE f.id FROM f WHERE f.n > 1", ["wakefield"]),
        ("SELECT c.name FROM c IN f.children", [{"name": "Henriette"}, {"name": "Merriam"}, {"name": "Miller"}]),
        ("SELECT VALUE c FROM f.address.city AS c", ["Seattle", "NY"]),
        ("SELECT * FROM f.address", [{"city": "Seattle"}, {"city": "NY"}]),
        (
            "SELECT f.id, c.name AS child, p.name pet FROM f JOIN c IN f.children JOIN p IN c.pets",
            [
                {"id": "andersen", "child": "Henriette", "pet": "Fluffy"},
                {"id": "wakefield", "child": "Miller", "pet": "Goofy"},
            ],
        ),
        (
            "SELECT VALUE {'id': f.id, \"n\": f.n, list: [f.n, 1]} FROM f",
            [
                {"id": "andersen", "list": [1]},
                {"id": "wakefield", "n": 7, "list": [7, 1]},
            ],
        ),
        ("SELECT f.n + 1, 2, f['id'] FROM f", [{"$2": 2, "id": "andersen"}, {"$1": 8, "$2": 2, "id": "wakefield"}]),
        ("SELECT VALUE f.n FROM f", [7]),
        ("SELECT VALUE ARRAY(SELECT VALUE c.grade FROM c IN f.children WHERE c.grade > 4) FROM f", [[5], [8]]),
        ("SELECT VALUE (SELECT VALUE MAX(c.grade) FROM c IN f.children) FROM f", [5, 8]),
        ("SELECT VALUE f.id FROM f WHERE EXISTS(SELECT VALUE c FROM c IN f.children WHERE c.grade = 1)", ["wakefield"]),
        (
            "SELECT VALUE c.name FROM f JOIN c IN (SELECT VALUE c FROM c IN f.children WHERE c.grade > 4)",
            [
                "Henriette",
                "Miller",
            ],
        ),
        ("SELECT VALUE s.n FROM f JOIN (SELECT VALUE {n: 1}) AS s", [1, 1]),
        ("SELECT COUNT(1) AS n FROM (SELECT DISTINCT f.none FROM f)", [{"n": 1}]),
        ("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE c.grade > 4 FROM c IN f.children)", [2]),
        ("SELECT VALUE a.city FROM (SELECT VALUE f.address FROM f) AS a WHERE a.city != 'NY'", ["Seattle"]),
        ("SELECT VALUE a.id FROM (SELECT TOP 1 f.id FROM f ORDER BY f.id DESC) AS a", ["wakefield"]),
        ("SELECT VALUE SUM(g.n) FROM (SELECT f.id, COUNT(1) AS n FROM f GROUP BY f.id) AS g", [2]),
        ("SELECT VALUE a.id FROM (SELECT f.id FROM f) a ORDER BY a.id DESC OFFSET 1 LIMIT 1", ["andersen"]),
        ("SELECT f.registered, COUNT(1) AS n FROM f GROUP BY f.registered", [{"registered": True, "n": 1}, {"n": 1}]),
        (
            "SELECT LENGTH(f.id) > 8 AS long, COUNT(1) AS n FROM f GROUP BY length( f.id ) > 8",
            [{"long": False, "n": 1}, {"long": True, "n": 1}],
        ),
        (
            "SELECT UPPER(LEFT(f.id, 1)) AS i, 1 AS one FROM f GROUP BY LEFT(f.id, 1)",
            [{"i": "A", "one": 1}, {"i": "W", "one": 1}],
        ),
        ("SELECT f.n AS x FROM f WHERE f.n = 7 GROUP BY f.n", [{"x": 7}]),
        ("SELECT COUNT(1) + 1 AS n, SUM(f.n) / COUNT(f.n) AS a FROM f", [{"n": 3, "a": 7}]),
        ("SELECT VALUE COUNT(f.n) FROM f", [1]),
        ("SELECT VALUE SUM(f.id) FROM f", []),
        ("SELECT VALUE MIN(f.n) FROM f WHERE false", []),
        ("SELECT VALUE COUNT(1) FROM f WHERE false", [0]),
        ("SELECT f.id FROM f WHERE false GROUP BY f.id", []),
        ("SELECT DISTINCT VALUE c.grade > 4 FROM c IN f.children", [True, False]),
        ("SELECT VALUE f.id FROM f ORDER BY f.n DESC", ["wakefield", "andersen"]),
        ("SELECT VALUE f.id FROM f ORDER BY f.n", ["andersen", "wakefield"]),
        ("SELECT VALUE c.name FROM f JOIN c IN f.children ORDER BY c.grade DESC OFFSET 1 LIMIT 1", ["Henriette"]),
        ("SELECT TOP 1 VALUE f.id FROM f", ["andersen"]),
        ("SELECT VALUE f.id FROM f OFFSET 1 LIMIT 5", ["wakefield"]),
        ("select value f.id from f where f.registered", ["andersen"]),
        ("SELECT VALUE f.id FROM f WHERE f.n", []),
        ("SELECT VALUE f.children[0]['name'] FROM f", ["Henriette", "Merriam"]),
    ],
)
def test_clauses(query: str, wanted: list[Any]) -> None:
    assert ask(query) == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("1 = 1.0", True),
        ("1 = '1'", "undefined"),
        ("null = null", True),
        ("undefined = undefined", "undefined"),
        ("[1, {'a': 2}] = [1, {'a': 2}]", True),
        ("[1] < [2]", "undefined"),
        ("'a' < 'b'", True),
        ("false < true", True),
        ("1 < 'a'", "undefined"),
        ("null <= null", True),
        ("null < null", False),
        ("1 != 'a'", "undefined"),
        ("true AND undefined", "undefined"),
        ("false AND undefined", False),
        ("true OR undefined", True),
        ("false OR 1", "undefined"),
        ("NOT undefined", "undefined"),
        ("NOT 1", "undefined"),
        ("NOT false", True),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3.5),
        ("6 / 2", 3),
        ("-7 % 3", -1),
        ("1 / 0", "undefined"),
        ("1 + 'a'", "undefined"),
        ("'a' || 'b' || 'c'", "abc"),
        ("'a' || 1", "undefined"),
        ("5 & 3 | 8 ^ 1", 9),
        ("1 << 4 >> 2", 4),
        ("-1 >>> 28", 15),
        ("~5", -6),
        ("2 IN (1, 2)", True),
        ("2 NOT IN (1, 2)", False),
        ("2 IN ('2')", False),
        ("undefined IN (1)", "undefined"),
        ("2 BETWEEN 1 AND 3", True),
        ("2 NOT BETWEEN 1 AND 3", False),
        ("'b' BETWEEN 1 AND 3", "undefined"),
        ("undefined ?? null ?? 1", None),
        ("undefined ?? undefined ?? 1", 1),
        ("true ? 1 : 2", 1),
        ("1 ? 1 : 2", 2),
        ("false ? 1 : true ? 3 : 4", 3),
        ("'abc' LIKE 'a%'", True),
        ("'abc' LIKE '_b_'", True),
        ("'abc' LIKE 'b'", False),
        ("'a%c' LIKE 'a!%c' ESCAPE '!'", True),
        ("'abc' LIKE 'a!%c' ESCAPE '!'", False),
        ("'bat' LIKE '[a-c]at'", True),
        ("'bat' LIKE '[^b]at'", False),
        ("1 LIKE 'a'", "undefined"),
        ("'x.y' LIKE 'x.y'", True),
        ("'xzy' LIKE 'x.y'", False),
        ("'aXbXc' LIKE '%X%X%'", True),
        ("'ab' LIKE 'a%b%b'", False),
        ("'é\\u00e9\\n'", "éé\n"),
        ("'\\ud83d\\ude00'", "😀"),
        ('"it\'s"', "it's"),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("- - 1", 1),
        ("+1", 1),
        ("{'a': {'b': 1}}.a.b", 1),
        ("[1, 2][1]", 2),
        ("[1, 2][5]", "undefined"),
        ("{'value': 1}.value", 1),
        ("@p.x", 3),
        ("@none", "undefined"),
        ("{'a': undefined}", {}),
    ],
)
def test_operators(expression: str, wanted: Any) -> None:
    assert value(expression, p={"x": 3}) == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("CONCAT('a', 'b', 'c')", "abc"),
        ("CONTAINS('abc', 'B')", False),
        ("CONTAINS('abc', 'B', true)", True),
        ("ENDSWITH('abc', 'bc')", True),
        ("STARTSWITH('abc', 'AB', true)", True),
        ("INDEX_OF('abcb', 'b')", 1),
        ("INDEX_OF('abcb', 'b', 2)", 3),
        ("INDEX_OF('abc', 'x')", -1),
        ("LEFT('abc', 2)", "ab"),
        ("RIGHT('abc', 2)", "bc"),
        ("RIGHT('abc', 0)", ""),
        ("LENGTH('abc')", 3),
        ("LENGTH(1)", "undefined"),
        ("LOWER('ABC')", "abc"),
        ("UPPER('abc')", "ABC"),
        ("TRIM('  a ')", "a"),
        ("LTRIM('  a ')", "a "),
        ("RTRIM('  a ')", "  a"),
        ("REPLACE('abab', 'a', 'x')", "xbxb"),
        ("REPLICATE('ab', 2)", "abab"),
        ("REPLICATE('ab', -1)", "undefined"),
        ("REVERSE('abc')", "cba"),
        ("SUBSTRING('abc', 1, 1)", "b"),
        ("STRINGEQUALS('a', 'A', true)", True),
        ("StringJoin(['a', 'b'], '-')", "a-b"),
        ("StringSplit('a-b', '-')", ["a", "b"]),
        ("ToString(1.5)", "1.5"),
        ("ToString(true)", "true"),
        ("ToString([1])", "[1]"),
        ("StringToNumber('1.50')", 1.5),
        ("StringToNumber('x')", "undefined"),
        ("StringToBoolean('true')", True),
        ("StringToNull('null')", None),
        ("StringToArray('[1, 2]')", [1, 2]),
        ("StringToObject('{\"a\": 1}')", {"a": 1}),
        ("StringToArray('{}')", "undefined"),
        ("ABS(-1)", 1),
        ("CEILING(1.2)", 2),
        ("FLOOR(-1.2)", -2),
        ("ROUND(2.5)", 3),
        ("ROUND(-2.5)", -3),
        ("ROUND(1.256, 2)", 1.26),
        ("TRUNC(-1.7)", -1),
        ("SIGN(-3)", -1),
        ("SQRT(9)", 3),
        ("SQRT(-1)", "undefined"),
        ("SQUARE(3)", 9),
        ("POWER(2, 10)", 1024),
        ("POWER(10, 400)", "undefined"),
        ("LOG10(100)", 2),
        ("LOG(8, 2)", 3),
        ("EXP(0)", 1),
        ("PI()", 3.141592653589793),
        ("DEGREES(PI())", 180),
        ("IntDiv(-7, 2)", -3),
        ("IntMod(-7, 2)", -1),
        ("IntAdd(1, 1.5)", "undefined"),
        ("NumberBin(37, 10)", 30),
        ("ARRAY_CONCAT([1], [2], [3])", [1, 2, 3]),
        ("ARRAY_CONTAINS([1, 2], 2)", True),
        ("ARRAY_CONTAINS([1, 2], '2')", False),
        ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1}, true)", True),
        ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1})", False),
        ("ARRAY_CONTAINS([true], 1)", False),
        ("ARRAY_LENGTH([1, 2])", 2),
        ("ARRAY_LENGTH('ab')", "undefined"),
        ("ARRAY_SLICE([1, 2, 3], 1)", [2, 3]),
        ("ARRAY_SLICE([1, 2, 3], -2, 1)", [2]),
        ("ARRAY_CONTAINS_ANY([1, 2], 3, 2)", True),
        ("ARRAY_CONTAINS_ALL([1, 2], 3, 2)", False),
        ("SetIntersect([1, 2, 2], [2, 3])", [2]),
        ("SetUnion([1, 2], [2, 3])", [1, 2, 3]),
        ("CHOOSE(2, 'a', 'b')", "b"),
        ("CHOOSE(3, 'a', 'b')", "undefined"),
        ("ObjectToArray({'a': 1})", [{"k": "a", "v": 1}]),
        ("ObjectToArray({'a': 1}, 'name')", [{"name": "a", "v": 1}]),
        ("IIF(true, 1, 2)", 1),
        ("IIF(1, 1, 2)", 2),
        ("IS_DEFINED(undefined)", False),
        ("IS_NULL(null)", True),
        ("IS_NUMBER(true)", False),
        ("IS_BOOL(true)", True),
        ("IS_STRING('a')", True),
        ("IS_ARRAY([])", True),
        ("IS_OBJECT({})", True),
        ("IS_PRIMITIVE([])", False),
        ("IS_INTEGER(1.5)", False),
        ("IS_INTEGER(1.0)", True),
        ("IS_FINITE_NUMBER(1)", True),
        ("GetCurrentTimestamp()", 1_795_348_800_123),
        ("GetCurrentDateTime()", "2026-11-22T12:00:00.1234560Z"),
        ("GetCurrentTicks()", 17_953_488_001_234_560),
        ("DateTimeAdd('month', 1, '2024-01-31T10:00:00.5Z')", "2024-02-29T10:00:00.5000000Z"),
        ("DateTimeAdd('dd', -1, '2024-03-01')", "2024-02-29T00:00:00.0000000Z"),
        ("DateTimeAdd('x', 1, '2024-03-01')", "undefined"),
        ("DateTimeDiff('year', '2023-12-31', '2024-01-01')", 1),
        ("DateTimeDiff('hour', '2024-01-01T00:59:00Z', '2024-01-01T01:00:00Z')", 1),
        ("DateTimePart('ms', '2024-01-01T00:00:00.1234567Z')", 123),
        ("DateTimePart('mm', '2024-05-01')", 5),
        ("DateTimeFromParts(2024, 2, 29, 1, 2, 3, 4)", "2024-02-29T01:02:03.0000004Z"),
        ("DateTimeFromParts(2023, 2, 29)", "undefined"),
        ("DateTimeToTimestamp('1970-01-02T00:00:00Z')", 86_400_000),
        ("TimestampToDateTime(86400000)", "1970-01-02T00:00:00.0000000Z"),
        ("DateTimeToTicks('1970-01-01T00:00:01Z')", 10_000_000),
        ("TicksToDateTime(10000000)", "1970-01-01T00:00:01.0000000Z"),
        ("DateTimeBin('2024-01-01T13:45:00Z', 'hour', 6)", "2024-01-01T12:00:00.0000000Z"),
        ("DateTimeToTicks('nonsense')", "undefined"),
    ],
)
def test_functions(expression: str, wanted: Any) -> None:
    found = value(expression)
    assert found == pytest.approx(wanted) if isinstance(wanted, float) else found == wanted
    assert isinstance(found, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("SELECT", "SC1002", (6, 6)),
        ("SELECT * FROM", "SC1002", (13, 13)),
        ("SELECT * FROM c WHERE", "SC1002", (21, 21)),
        ("SELECT * FROM c WHERE c.a ==1", "SC1001", (27, 28)),
        ("SELECT 'abc", "SC1012", (7, 11)),
        ("SELECT 'abc\\'", "SC1012", (7, 13)),
        ("SELECT 1a", "SC1001", (7, 8)),
        ("SELECT * FROM c JOIN d IN c.d", "SC1001", None),
        ("SELECT 1 = 2 = 3", "SC1001", (13, 14)),
        ("SELECT d FROM c", "SC2001", (7, 8)),
        ("SELECT VALUE ABS() FROM c", "SC2050", (13, 18)),
        ("SELECT * FROM Root r WHERE STARTSWITH(r.key, 'a', 'b', 'c')", "SC2050", (27, 59)),
        ("SELECT COUNT() FROM c", "SC2050", (7, 14)),
        ("SELECT VALUE nothing() FROM c", "SC2005", (13, 20)),
        ("SELECT # FROM c", "SC1001", (7, 8)),
        ("SELECT VALUE RAND(1)", "SC2050", (13, 20)),
        ("SELECT * FROM c WHERE COUNT(1) > 1", "SC2101", (22, 27)),
        ("SELECT c.a, COUNT(1) FROM c", "SC2101", None),
        ("SELECT COUNT(1) FROM c ORDER BY c.a", "SC2101", None),
        ("SELECT 1 FROM c" + " JOIN d IN c.d" * 11, "SC3002", (0, 169)),
        ("SELECT (SELECT 1 FROM c" + " JOIN d IN c.d" * 11 + ") FROM c", "SC3002", (0, 185)),
        ("SELECT " + ", ".join(f"udf.f{number}()" for number in range(11)), "SC3005", (0, 116)),
        pytest.param("SELECT 1 " + " " * 524_288, "SC3020", (0, 524_297), id="long"),
        ("SELECT COUNT(1) FROM c GROUP BY COUNT(1)", "SC2101", (32, 37)),
        ("SELECT COUNT(1) FROM c GROUP BY (SELECT VALUE c.a)", "SC2101", None),
        ("SELECT COUNT(1) FROM c GROUP BY c.a, UPPER('a')", "SC2101", None),
        ("", "SC1002", (0, 0)),
        ("SELECT TOP -1 * FROM c", "SC1001", (11, 12)),
        ("SELECT VALUE " + "(" * 100 + "1" + ")" * 100, "SC1001", None),
    ],
)
def test_errors(query: str, code: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(QueryError) as error:
        ask(query)
    assert error.value.code == code
    if place is not None:
        assert (error.value.start, error.value.end) == place
