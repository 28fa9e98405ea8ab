"""Amazon DynamoDB's expressions: conditions, key conditions, projections and updates, on plain Python values.

A value is None (NULL), bool (BOOL), int or Decimal (N), str (S), bytes (B), list (L), dict (M), or a frozenset of
str, of numbers or of bytes (SS, NS, BS), which is never empty.
"""
