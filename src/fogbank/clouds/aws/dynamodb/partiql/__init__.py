"""Amazon DynamoDB operations that run PartiQL statements."""
