"""Amazon DynamoDB's global tables: replicas of a table in other regions of the account."""
