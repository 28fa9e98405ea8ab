"""The same on PostgreSQL, where any number of servers share tables."""

from __future__ import annotations

import pytest
from azure.data.tables import TableTransactionError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.tables.conftest import new_name, service_of


def test_two_servers_have_the_same_tables(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with (
        ThreadedServer(settings) as one,
        ThreadedServer(settings) as other,
        service_of(one) as here,
        service_of(other) as there,
    ):
        name = new_name()
        here.create_table(name).submit_transaction(
            [("create", {"PartitionKey": "é", "RowKey": f"{row}", "n": row}) for row in range(3)]
        )
        table = there.get_table_client(name)
        assert [each["RowKey"] for each in table.query_entities("PartitionKey eq 'é' and n ge 1")] == ["1", "2"]
        assert [each["RowKey"] for each in table.list_entities(results_per_page=2)] == ["0", "1", "2"]
        with pytest.raises(TableTransactionError) as error:
            table.submit_transaction(
                [
                    ("upsert", {"PartitionKey": "é", "RowKey": "9"}),
                    ("create", {"PartitionKey": "é", "RowKey": "1"}),
                ]
            )
        assert error.value.index == 1
        assert len(list(here.get_table_client(name).list_entities())) == 3
        there.delete_table(name)
        assert name not in [each.name for each in here.list_tables()]
