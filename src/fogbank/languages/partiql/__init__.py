"""PartiQL as Amazon DynamoDB has it: SELECT, INSERT, UPDATE, DELETE and EXISTS, on one table each.

Conditions and updates are parsed into the nodes of DynamoDB's expressions (`languages/dynamodb`), so that both mean
the same. Amazon DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html).
"""
