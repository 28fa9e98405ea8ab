"""Settings of Amazon DynamoDB's tables that stand beside what they keep: kept and shown."""
