"""Amazon DynamoDB operations on items: single ones, batches, transactions."""
