"""Azure Cosmos DB for NoSQL, over the documents engine."""
