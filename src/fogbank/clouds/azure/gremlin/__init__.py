"""Azure Cosmos DB for Gremlin: graphs that are containers, and Gremlin's protocol over WebSocket."""
