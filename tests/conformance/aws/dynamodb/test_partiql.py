"""Amazon DynamoDB through boto3: PartiQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

FAILED = ("The conditional request failed", "ConditionalCheckFailedException")
INCOMPLETE = "Where clause does not contain a mandatory equality on all key attributes"
DUPLICATE = "Duplicate primary key exists in table"
# Pieces of statements, mostly such as fit together.
PIECES = st.sampled_from(
    ["Artist = 'x'", "SongTitle = 'y'", "SongTitle > ?", "Year = 2000", "m.k[0] = ?", "size(Artist) > 1",
     "a IS MISSING", "begins_with(SongTitle, ?)", "contains(a, <<1>>)", "a IN [1, ?]", "a BETWEEN 1 AND ?",
     "AND", "OR", "NOT", "(", ")", "SET a = ?", "SET Artist = 'x'", "SET Year = Year + ?", "SET l = list_append(?, l)",
     "REMOVE m.k", "WHERE", ",", "RETURNING ALL OLD *", "RETURNING MODIFIED NEW *", "ORDER BY SongTitle DESC", "'", "?",
     "<<>>", "{'Artist': ?}"]
)  # fmt: skip
KEYS = "Artist = 'x' AND SongTitle = 'y'"
STARTS = st.sampled_from(
    ["SELECT * FROM Music WHERE Artist = 'x' AND", "SELECT m.k, Artist FROM Music WHERE",
     'SELECT * FROM "Music"."by-year"', f"UPDATE Music SET a = ? WHERE {KEYS} AND", "UPDATE Music",
     f"DELETE FROM Music WHERE {KEYS} AND", "INSERT INTO Music VALUE {'Artist': ?, 'SongTitle': 'y', 'Year': ?}",
     f"EXISTS(SELECT * FROM Music WHERE {KEYS} AND"]
)  # fmt: skip
PARAMETERS = st.lists(
    st.sampled_from(
        [
            {"S": "x"},
            {"S": ""},
            {"N": "1"},
            {"B": b""},
            {"L": []},
            {"M": {}},
            {"SS": ["a"]},
            {"NULL": True},
            {},
            {"N": "z"},
        ]
    ),
    min_size=8,
    max_size=8,
)
MALFORMED = "Statement wasn't well formed, can't be processed: "


@pytest.fixture
def music(ddb: Any) -> str:
    """A table with songs of two artists, and an index by year."""
    ddb.create_table(
        TableName="Music",
        KeySchema=[
            {"AttributeName": "Artist", "KeyType": "HASH"},
            {"AttributeName": "SongTitle", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "Artist", "AttributeType": "S"},
            {"AttributeName": "SongTitle", "AttributeType": "S"},
            {"AttributeName": "Year", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-year",
                "KeySchema": [{"AttributeName": "Year", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(4):
        ddb.put_item(TableName="Music", Item=song("Acme Band", f"Song {number}", 2000 + number % 2))
    ddb.put_item(TableName="Music", Item=song("No One", "Song 9", 2000))
    return "Music"


def song(artist: str, title: str, year: int, **more: Any) -> dict[str, Any]:
    return {"Artist": {"S": artist}, "SongTitle": {"S": title}, "Year": {"N": str(year)}, **more}


@pytest.fixture
def run(ddb: Any, music: str) -> Callable[..., list[dict[str, Any]]]:
    """Run a statement with parameters; returns the items."""

    def execute(statement: str, *parameters: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        if parameters:
            more["Parameters"] = list(parameters)
        items: list[dict[str, Any]] = ddb.execute_statement(Statement=statement, **more)["Items"]
        return items

    return execute


def titles(items: list[dict[str, Any]]) -> list[int]:
    return [int(item["SongTitle"]["S"].split()[1]) for item in items]


def test_items_are_selected_by_keys_and_all_else(run: Any) -> None:
    acme = "SELECT * FROM \"Music\" WHERE Artist = 'Acme Band'"
    assert titles(run(acme)) == [0, 1, 2, 3]
    assert titles(run(f"{acme} AND SongTitle >= 'Song 2'")) == [2, 3]
    assert titles(run(f"{acme} AND SongTitle BETWEEN ? AND ? AND Year = 2001", {"S": "Song 0"}, {"S": "Song 2"})) == [1]
    assert titles(run(f"{acme} AND begins_with(SongTitle, 'Song') AND SongTitle <> 'Song 1'")) == [0, 2, 3]
    assert titles(run(f"{acme} ORDER BY SongTitle DESC")) == [3, 2, 1, 0]
    assert run("SELECT * FROM Music WHERE Artist = ? AND SongTitle = ?", {"S": "No One"}, {"S": "Song 9"}) == [
        song("No One", "Song 9", 2000)
    ]
    assert sorted(titles(run("SELECT * FROM Music WHERE Year = 2000"))) == [0, 2, 9]
    assert sorted(titles(run("SELECT * FROM Music WHERE Artist IN ['No One', 'x'] OR SongTitle = 'Song 1'"))) == [1, 9]
    assert len(run("SELECT * FROM Music")) == 5
    assert run("SELECT Year, Gone FROM Music WHERE Artist = 'No One'") == [{"Year": {"N": "2000"}}]


def test_a_whole_partition_key_makes_a_query_and_all_else_a_scan(ddb: Any, music: str) -> None:
    for number in range(6):
        item = song("Other", f"Song {number}", 1999, text={"S": "x" * 4_000})
        ddb.put_item(TableName=music, Item=item)

    def units(condition: str, **more: Any) -> float:
        statement = f"SELECT SongTitle FROM Music WHERE {condition}"
        reply = ddb.execute_statement(Statement=statement, ReturnConsumedCapacity="TOTAL", **more)
        consumed: float = reply["ConsumedCapacity"]["CapacityUnits"]
        return consumed

    assert units("Artist = 'No One'") == 0.5
    assert units("Artist = 'No One' AND Year = 1", ConsistentRead=True) == 1.0
    assert units("Artist > 'No'") > 2.5


def test_an_index_is_read_by_its_own_key(run: Any, refused: Any) -> None:
    found = run('SELECT * FROM "Music"."by-year" WHERE Year = 2001')
    assert sorted(titles(found)) == [1, 3]
    assert set(found[0]) == {"Artist", "SongTitle", "Year"}
    assert len(run('SELECT * FROM "Music"."by-year"')) == 5
    with refused("The table does not have the specified index: by-date"):
        run('SELECT * FROM "Music"."by-date"')
    with refused("Consistent reads are not supported on global secondary indexes"):
        run('SELECT * FROM "Music"."by-year" WHERE Year = 2001', ConsistentRead=True)


def test_parts_of_items_are_selected_by_their_paths(ddb: Any, run: Any) -> None:
    more = {"m": {"M": {"k": {"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}]}}}, "b": {"B": b"bytes"}}
    ddb.put_item(TableName="Music", Item=song("New", "Song 0", 1, **more))
    where = "FROM Music WHERE Artist = 'New'"
    assert run(f"SELECT m.k {where}") == [{"k": more["m"]["M"]["k"]}]
    assert run(f'SELECT m.k[1]."x", b, m.gone, b.x, m.k[9] {where}') == [{"x": {"S": "y"}, "b": {"B": b"bytes"}}]


def test_pages(ddb: Any, music: str, refused: Any) -> None:
    statement, found, token = "SELECT * FROM Music WHERE Artist = ?", [], None
    parameters = [{"S": "Acme Band"}]
    for expected in (2, 2, 0):
        more = {} if token is None else {"NextToken": token}
        reply = ddb.execute_statement(Statement=statement, Parameters=parameters, Limit=2, **more)
        assert len(reply["Items"]) == expected
        found += titles(reply["Items"])
        token = reply.get("NextToken")
        if token is not None:
            assert reply["LastEvaluatedKey"]["SongTitle"] == reply["Items"][-1]["SongTitle"]
            kept = token
    assert (found, token) == ([0, 1, 2, 3], None)
    for other in ({"Statement": statement, "Parameters": [{"S": "x"}]}, {"Statement": "SELECT * FROM Music"}):
        with refused("NextToken does not match request"):
            ddb.execute_statement(NextToken=kept, **other)
    with refused("NextToken does not match request"):
        ddb.execute_statement(Statement=statement, Parameters=parameters, NextToken="nonsense")


def test_inserting(run: Any, refused: Any) -> None:
    assert run(
        "INSERT INTO \"Music\" value {'Artist': 'New', 'SongTitle': ?, 'Tags': <<'a', 'b'>>, 'l': [1, {'x': null}]}",
        {"S": "Song 1"},
    ) == []  # fmt: skip
    new = {"Artist": {"S": "New"}, "SongTitle": {"S": "Song 1"}}
    assert run("SELECT * FROM Music WHERE Artist = 'New'") == [
        new | {"Tags": {"SS": ["a", "b"]}, "l": {"L": [{"N": "1"}, {"M": {"x": {"NULL": True}}}]}}
    ]
    with refused(DUPLICATE, "DuplicateItemException"):
        run("INSERT INTO Music VALUE {'Artist': 'New', 'SongTitle': 'Song 1'}")
    with refused("One or more parameter values were invalid: Missing the key SongTitle in the item"):
        run("INSERT INTO Music VALUE {'Artist': 'New'}")
    with refused(
        "One or more parameter values were invalid: Type mismatch for Index Key Year Expected: N Actual: S"
        " IndexName: by-year"
    ):
        run("INSERT INTO Music VALUE {'Artist': 'New', 'SongTitle': 'Song 2', 'Year': '1999'}")
    with refused("Requested resource not found", "ResourceNotFoundException"):
        run("INSERT INTO Nothing VALUE {'Artist': 'New'}")


def test_updating(ddb: Any, run: Any, refused: Any) -> None:
    where = "WHERE Artist = 'No One' AND SongTitle = 'Song 9'"
    before = song("No One", "Song 9", 2000)
    assert run(f"UPDATE Music SET Won = 1 SET Detail = {{'Grammys': [2020]}} {where}") == []
    assert run(f"UPDATE Music SET Won = Won + 1 REMOVE Detail.Grammys[0] {where} RETURNING MODIFIED NEW *") == [
        {"Won": {"N": "2"}}
    ]
    assert run(f"UPDATE Music REMOVE Detail, Won {where} RETURNING ALL OLD *") == [
        before | {"Won": {"N": "2"}, "Detail": {"M": {"Grammys": {"L": []}}}}
    ]
    assert run(f"UPDATE Music SET Year = 2024 {where} RETURNING MODIFIED OLD *") == [{"Year": {"N": "2000"}}]
    assert run(f"UPDATE Music SET Year = 2000 {where} AND Year = 2024 RETURNING ALL NEW *") == [before]
    with refused(*FAILED) as caught:
        run(f"UPDATE Music SET Year = 1 {where} AND Year = 2024", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert caught.value.response["Item"] == before
    with refused(*FAILED):
        run("UPDATE Music SET Year = 1 WHERE Artist = 'Nobody' AND SongTitle = 'None'")
    with refused(INCOMPLETE):
        run("UPDATE Music SET Year = 1 WHERE Artist = 'No One'")
    with refused(INCOMPLETE):
        run("UPDATE Music SET Year = 1")
    with refused("The provided key element does not match the schema"):
        run("UPDATE Music SET Year = 1 WHERE Artist = 'No One' AND SongTitle = 9")
    with refused(
        "One or more parameter values were invalid: Cannot update attribute Artist. This attribute is part of the key"
    ):
        run(f"UPDATE Music SET Artist = 'x' {where}")
    assert run(f"SELECT * FROM Music {where}") == [before]


def test_deleting(run: Any, refused: Any) -> None:
    where = "WHERE Artist = 'No One' AND SongTitle = 'Song 9'"
    with refused(*FAILED):
        run(f"DELETE FROM Music {where} AND Year <> 2000")
    with refused(INCOMPLETE):
        run("DELETE FROM Music WHERE SongTitle = 'Song 9'")
    assert run(f"DELETE FROM Music {where} RETURNING ALL OLD *") == [song("No One", "Song 9", 2000)]
    assert run(f"DELETE FROM Music {where} AND Year = 1 RETURNING ALL OLD *") == [], (
        "what isn't there counts as deleted"
    )
    assert run("SELECT * FROM Music WHERE Artist = 'No One'") == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE x", f"{MALFORMED}Expected data manipulation"),
        ("SELECT * FROM Music LIMIT 1", f"{MALFORMED}Unexpected keyword"),
        ("SELECT * FROM Music WHERE Year = ?", "Number of parameters in request and statement don't match."),
        ("SELECT * FROM Music ORDER BY SongTitle",
         "Must have WHERE clause in the statement when using ORDER BY clause."),
        ("SELECT * FROM Music WHERE Year = 1 ORDER BY SongTitle",
         "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."),
        ("SELECT * FROM Music WHERE Artist = 'a' ORDER BY Year",
         "Variable reference Year in ORDER BY clause must be part of the primary key"),
        ("SELECT * FROM Music WHERE Artist = 1",
         "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("EXISTS(SELECT * FROM Music WHERE Artist = 'a' AND SongTitle = 'b')",
         "Use of EXISTS is only supported within transactions"),
    ],
)  # fmt: skip
def test_statements_that_are_refused(run: Any, refused: Any, statement: str, message: str) -> None:
    with refused(message):
        run(statement)


def test_a_batch_runs_each_statement_by_itself(ddb: Any, music: str, refused: Any) -> None:
    def batch(*statements: Any, **more: Any) -> dict[str, Any]:
        asked = [each if isinstance(each, dict) else {"Statement": each} for each in statements]
        reply: dict[str, Any] = ddb.batch_execute_statement(Statements=asked, **more)
        return reply

    insert = "INSERT INTO Music VALUE {'Artist': 'New', 'SongTitle': ?, 'Year': 1}"
    new = {"Statement": insert, "Parameters": [{"S": "Song 1"}]}
    failing = {
        "Statement": "UPDATE Music SET Year = 2 WHERE Artist = 'New' AND SongTitle = 'Song 1' AND Year = 9",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    reply = batch(
        new, new, failing, "DELETE FROM Music WHERE Artist = 'x'", "DELETE FROM Nothing WHERE a = 1", insert,
        "SELECT *",
        ReturnConsumedCapacity="TOTAL",
    )  # fmt: skip
    assert reply["Responses"] == [
        {"TableName": "Music"},
        {"TableName": "Music", "Error": {"Code": "DuplicateItem", "Message": DUPLICATE}},
        {
            "TableName": "Music",
            "Error": {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                "Item": song("New", "Song 1", 1),
            },
        },
        {"TableName": "Music", "Error": {"Code": "ValidationError", "Message": INCOMPLETE}},
        {"TableName": "Nothing", "Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"}},
        {
            "Error": {
                "Code": "ValidationError",
                "Message": "Number of parameters in request and statement don't match.",
            }
        },
        {"Error": {"Code": "ValidationError", "Message": f"{MALFORMED}Unexpected end of statement"}},
    ]
    assert reply["ConsumedCapacity"] == [{"TableName": "Music", "CapacityUnits": 2.0}]
    one = "SELECT Year FROM Music WHERE Artist = 'New' AND SongTitle = 'Song 1'"
    assert batch(one, f"{one} AND Year = 2", "SELECT * FROM Music WHERE Artist = 'New'")["Responses"] == [
        {"TableName": "Music", "Item": {"Year": {"N": "1"}}},
        {"TableName": "Music"},
        {
            "TableName": "Music",
            "Error": {
                "Code": "ValidationError",
                "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where"
                " clause.",
            },
        },
    ]
    with refused("Mixing read and write operations in one request is not supported"):
        batch(one, new)


def test_a_transaction_runs_all_statements_or_none(ddb: Any, music: str, refused: Any) -> None:
    def transact(*statements: str, **more: Any) -> dict[str, Any]:
        reply: dict[str, Any] = ddb.execute_transaction(
            TransactStatements=[{"Statement": each} for each in statements], **more
        )
        return reply

    def at(number: int, artist: str = "Acme Band") -> str:
        return f"WHERE Artist = '{artist}' AND SongTitle = 'Song {number}'"

    insert = "INSERT INTO Music VALUE {'Artist': 'New', 'SongTitle': 'Song 1'}"
    writes = (insert, f"UPDATE Music SET Year = Year + 10 {at(0)}", f"DELETE FROM Music {at(9, 'No One')}")
    check = f"EXISTS(SELECT * FROM Music {at(1)} AND Year = 2001)"
    reply = transact(*writes, check, ClientRequestToken="one", ReturnConsumedCapacity="TOTAL")
    assert reply["Responses"] == [{}, {}, {}, {}]
    # Of the index, one entry was moved and one removed, all of it twice.
    assert reply["ConsumedCapacity"] == [{"TableName": "Music", "CapacityUnits": 14.0, "WriteCapacityUnits": 14.0}]
    again = transact(*writes, check, ClientRequestToken="one", ReturnConsumedCapacity="TOTAL")
    assert again["ConsumedCapacity"][0]["ReadCapacityUnits"] == 8.0
    with pytest.raises(ddb.exceptions.IdempotentParameterMismatchException):
        transact(*writes, ClientRequestToken="one")
    read = transact(f"SELECT Year FROM Music {at(0)}", f"SELECT * FROM Music {at(9, 'No One')}")
    assert read["Responses"] == [{"Item": {"Year": {"N": "2010"}}}, {}]

    def cancelled(*statements: str) -> list[str]:
        with pytest.raises(ddb.exceptions.TransactionCanceledException) as caught:
            transact(*statements)
        return [reason["Code"] for reason in caught.value.response["CancellationReasons"]]

    delete = f"DELETE FROM Music {at(3)}"
    false = f"EXISTS(SELECT * FROM Music {at(1)} AND Year = 1)"
    assert cancelled(delete, insert, false, f"UPDATE Music SET Year = 1 {at(7)}") == [
        "None",
        "DuplicateItem",
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
    ]
    assert cancelled(delete, f"UPDATE Music SET Artist = 'x' {at(2)}") == ["None", "ValidationError"]
    assert titles(ddb.execute_statement(Statement="SELECT * FROM Music WHERE Artist = 'Acme Band'")["Items"]) == [
        0, 1, 2, 3,
    ]  # fmt: skip
    with refused("Mixing read and write operations in one request is not supported"):
        transact(insert, f"SELECT * FROM Music {at(1)}")
    with refused("Transaction request cannot include multiple operations on one item"):
        transact(f"DELETE FROM Music {at(1)}", f"UPDATE Music SET x = 1 {at(1)}")
    with refused("Reads on indices are not supported within transactions."):
        transact('SELECT * FROM "Music"."by-year" WHERE Year = 1')


@given(st.tuples(STARTS, st.lists(PIECES, max_size=5)), PARAMETERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_statement_is_run_or_refused(
    ddb: Any, music: str, pieces: tuple[str, list[str]], parameters: list[dict[str, Any]]
) -> None:
    statement = " ".join((pieces[0], *pieces[1]))
    given = parameters[: statement.count("?")]
    one = {"Statement": statement} | ({"Parameters": given} if given else {})
    statuses = set()
    for work, members in (
        (ddb.execute_statement, one),
        (ddb.batch_execute_statement, {"Statements": [one]}),
        (ddb.execute_transaction, {"TransactStatements": [one]}),
    ):
        try:
            reply = work(**members)
        except ClientError as error:
            reply = error.response
        statuses.add(reply["ResponseMetadata"]["HTTPStatusCode"])
    assert statuses <= {200, 400}, statement
