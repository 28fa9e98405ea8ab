"""Amazon DynamoDB operations on several items at once: batches and transactions."""
