"""Conditions, updates and projections as maps of attributes, from before there were expressions.

They are compiled to the same nodes as expressions, so that they mean the same. Amazon DynamoDB Developer Guide,
"Legacy conditional parameters": AttributesToGet, AttributeUpdates, ConditionalOperator, Expected, KeyConditions,
QueryFilter, ScanFilter
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html).
"""
